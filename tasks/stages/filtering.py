"""The filters of a round: clean, scrub, verify."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tasks.data.records import Cell, FilterResult
from tasks.data.references import DatasetRef, FilterRefs
from tasks.data.scores import Round
from tasks.orchestration import artifacts
from tasks.orchestration.run import Run, rejects_of
from tasks.pipeline.cleaning.toxicity import can_judge
from tasks.pipeline.reporting.summaries import cell_counts, rejected_examples
from tasks.pipeline.sampling.throughput import throughput_rows
from tasks.pipeline.verification import outcome_counts
from tasks.stages.cleaning import clean_task, collect_texts_task
from tasks.stages.scrubbing import scrub_task
from tasks.stages.verification import collect_votes, fitted_teacher, verify_task


class RoundFilters(NamedTuple):
    """What the three filters of a round kept and dropped."""

    cleaned: FilterRefs
    scrubbed: FilterRefs
    verified: FilterRefs


def filter_texts(
    run: Run, texts: tuple[DatasetRef, ...], pool: DatasetRef
) -> tuple[DatasetRef, RoundFilters]:
    """Clean and scrub the texts of a round, add them to the pool, and verify the pool as a whole.

    Verification sees all rounds at once because later rows are evidence about earlier ones.
    """
    config = run.config
    others = run.call(collect_texts_task, run.real, run.earlier)
    cleaned = run.call(clean_task, texts, pool, others, config.cleaning, can_judge())
    run.cleaned.append(cleaned.kept)
    scrubbed = run.call(scrub_task, cleaned.kept, config.scrubbing)
    voted = run.store.get_rows(collect_votes(run, scrubbed.kept))
    pool = run.store.put_rows([*run.store.get_rows(pool), *voted])
    verified = run.call(verify_task, pool, run.taxonomy, config.verifying, config.seed, fitted_teacher(run))
    return pool, RoundFilters(cleaned, scrubbed, verified)


def account(run: Run, planned: Sequence[Cell], filtered: RoundFilters) -> Counter[str]:
    """Put a round on the books and on the run page, and count the accepted texts per `Cell.key`."""
    kept = run.store.get_rows(filtered.verified.kept)
    counts = cell_counts(kept)
    run.rejects += [filtered.cleaned.rejects, filtered.scrubbed.rejects]
    run.disputed = filtered.verified.rejects
    run.accepted = filtered.verified.kept
    run.history.append(
        Round(
            number=run.rounds,
            n_sampled=run.n_sampled.total(),
            accepted=counts.total(),
            missing=sum(max(0, cell.wanted - counts[cell.key]) for cell in planned),
            tokens=run.tokens,
        )
    )
    artifacts.show_cells(planned, counts, run.rounds)
    throughput = throughput_rows(run.throughput, [round_.accepted for round_ in run.history])
    artifacts.show_table("throughput", throughput, f"Sampling throughput, up to round {run.rounds}")
    rejects = rejects_of(run)
    examples = rejected_examples(rejects, run.config.seed)
    said = f"Rejected texts by reason, up to round {run.rounds}"
    artifacts.show_rejects(FilterResult([], rejects).counts(), examples, said)
    votes = f"What the votes decided about kept texts, up to round {run.rounds}"
    artifacts.show_counts("votes", outcome_counts(kept), votes)
    return counts
