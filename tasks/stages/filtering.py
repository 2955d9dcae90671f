"""The filters of a round: clean, scrub, verify."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tasks.data.records import Cell, Sifted
from tasks.data.references import DatasetRef, SiftedRefs
from tasks.data.scores import Round
from tasks.orchestration import artifacts
from tasks.orchestration.run import Run, rejects_of
from tasks.pipeline.cleaning.toxicity import can_judge
from tasks.pipeline.reporting.summaries import cell_counts, rejected_examples
from tasks.pipeline.sampling.throughput import as_it_happened
from tasks.pipeline.verification import outcome_counts
from tasks.stages.cleaning import clean_task, collect_texts_task
from tasks.stages.scrubbing import scrub_task
from tasks.stages.verification import collect_votes, taught_teacher, verify_task


class Sifting(NamedTuple):
    """What the three filters of a round kept and dropped."""

    cleaned: SiftedRefs
    scrubbed: SiftedRefs
    verified: SiftedRefs


def sift(run: Run, texts: tuple[DatasetRef, ...], pool: DatasetRef) -> tuple[DatasetRef, Sifting]:
    """Clean and scrub the texts of a round, add them to the pool, and verify the pool as a whole.

    Verification sees all rounds at once, for later rows are evidence about earlier ones.
    """
    config = run.config
    others = run.step(collect_texts_task, run.real, run.earlier)
    cleaned = run.step(clean_task, texts, pool, others, config.cleaning, can_judge())
    run.cleaned.append(cleaned.kept)
    scrubbed = run.step(scrub_task, cleaned.kept, config.scrubbing)
    voted = run.store.get_rows(collect_votes(run, scrubbed.kept))
    pool = run.store.put_rows([*run.store.get_rows(pool), *voted])
    verified = run.step(verify_task, pool, run.taxonomy, config.verifying, config.seed, taught_teacher(run))
    return pool, Sifting(cleaned, scrubbed, verified)


def account(run: Run, planned: Sequence[Cell], sifted: Sifting) -> Counter[str]:
    """Put a round on the books and on the run page, and count the accepted texts per `Cell.key`."""
    kept = run.store.get_rows(sifted.verified.kept)
    counts = cell_counts(kept)
    run.rejects += [sifted.cleaned.rejects, sifted.scrubbed.rejects]
    run.disputed = sifted.verified.rejects
    run.accepted = sifted.verified.kept
    run.history.append(
        Round(
            number=run.rounds,
            drawn=run.drawn.total(),
            accepted=counts.total(),
            missing=sum(max(0, cell.wanted - counts[cell.key]) for cell in planned),
            tokens=run.tokens,
        )
    )
    artifacts.show_cells(planned, counts, run.rounds)
    speed = as_it_happened(run.sampled, [round_.accepted for round_ in run.history])
    artifacts.show_table("speed", speed, f"Sampling as it happened, up to round {run.rounds}")
    rejects = rejects_of(run)
    examples = rejected_examples(rejects, run.config.seed)
    said = f"Rejected texts by reason, up to round {run.rounds}"
    artifacts.show_rejects(Sifted([], rejects).counts(), examples, said)
    votes = f"What the votes decided about kept texts, up to round {run.rounds}"
    artifacts.show_counts("votes", outcome_counts(kept), votes)
    return counts
