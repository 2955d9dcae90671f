"""The quota loop: what the next round samples, what came of it, and when to stop."""

import time
from collections.abc import Mapping, Sequence

from tasks.data.real_rows import label_set_counts
from tasks.data.records import Cell
from tasks.orchestration.run import Run
from tasks.pipeline.planning.cells import afford, plan_cells, refill_cells


def plan(run: Run) -> list[Cell]:
    """Every cell with the texts that it wants; none if no text is to be sampled."""
    if not run.wants_synthetic:
        return []
    real_counts = label_set_counts(run.real.source, run.taxonomy) if run.real else None
    return plan_cells(run.config, run.taxonomy, run.topics, real_counts)


def next_round(run: Run, planned: Sequence[Cell], accepted: Mapping[str, int] | None = None) -> list[Cell]:
    """Cells to sample next: all at first, then those that are short, while the budget lasts.

    Args:
        run: Says what was drawn so far; `ended` is set when nothing is left to do.
        planned: Cells with the texts that they want.
        accepted: Texts accepted so far per `Cell.key`; None before the first round.
    """
    cells = list(planned)
    if accepted is not None:
        cells = refill_cells(planned, accepted, run.n_sampled, run.rounds + 1)
    run.ended = spent(run) if cells else "filled"
    if not run.ended and (n_texts := affordable_texts(run)) is not None:
        cells = afford(cells, n_texts)
        run.ended = "" if cells else "tokens"
    return [] if run.ended else cells


def spent(run: Run) -> str:
    """Name of the budget that has run out, if any."""
    budget = run.config.plan
    if run.rounds >= budget.rounds:
        return "rounds"
    if budget.max_tokens is not None and run.tokens >= budget.max_tokens:
        return "tokens"
    late = budget.max_minutes is not None and time.monotonic() - run.started >= 60 * budget.max_minutes
    return "time" if late else ""


def affordable_texts(run: Run) -> int | None:
    """Texts that the rest of the token budget pays for at their mean length so far; None: no limit.

    Before anything was sampled, every text is counted at its longest.
    """
    if run.config.plan.max_tokens is None:
        return None
    n_sampled = run.n_sampled.total()
    mean = run.tokens / n_sampled if n_sampled else run.config.generator.max_new_tokens
    return int((run.config.plan.max_tokens - run.tokens) / max(1.0, mean))
