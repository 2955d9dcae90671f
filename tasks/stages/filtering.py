"""The filters of a round: clean, scrub, verify."""

from typing import NamedTuple

from tasks.data.references import DatasetRef, FilterRefs, TeacherRef
from tasks.orchestration.run import RunContext
from tasks.pipeline.planning.rounds import QuotaState
from tasks.stages.cleaning import clean
from tasks.stages.sampling import SampledTexts
from tasks.stages.scrubbing import scrub
from tasks.stages.verification import collect_votes, verify


class RoundFilters(NamedTuple):
    """What the three filters of a round kept and dropped."""

    cleaned: FilterRefs
    scrubbed: FilterRefs
    pool: DatasetRef
    """Rows of all rounds so far, with their votes."""
    verified: FilterRefs


def filter_texts(
    run: RunContext, quotas: QuotaState, texts: SampledTexts, teacher: TeacherRef | None
) -> RoundFilters:
    """Clean and scrub the texts of a round, add them to the pool, and verify the pool as a whole.

    Verification sees all rounds at once because later rows are evidence about earlier ones.
    """
    cleaned = clean(run, texts.refs, seen=quotas.pool)
    scrubbed = scrub(run, cleaned.kept)
    voted = run.store.get_rows(collect_votes(run, scrubbed.kept))
    pool = run.store.put_rows([*run.store.get_rows(quotas.pool), *voted])
    return RoundFilters(cleaned, scrubbed, pool, verify(run, pool, teacher))
