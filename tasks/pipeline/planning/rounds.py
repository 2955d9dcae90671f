"""The quota loop as plain code: what a round samples, what came of it, and when to stop."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tasks.config import PlanConfig, RunConfig
from tasks.data.records import Cell
from tasks.data.references import DatasetRef
from tasks.pipeline.planning.cells import afford, refill_cells


@dataclass(frozen=True, kw_only=True)
class QuotaState:
    """Where the loop is: one value per round, never changed."""

    planned: tuple[Cell, ...]
    """Every cell with the texts that it wants."""
    accepted: DatasetRef
    """Rows that passed every filter so far."""
    pool: DatasetRef
    """Rows of all rounds with their votes; each round verifies all of them again."""
    cells: tuple[Cell, ...] = ()
    """What the next round samples; none once the loop has ended."""
    ended: str = ""
    """Why it ended: `filled`, or the budget that ran out: `rounds`, `tokens`, `time`."""
    n_rounds: int = 0
    n_tokens: int = 0
    """Tokens sampled so far."""
    n_sampled: Mapping[str, int] = field(default_factory=dict)
    """Texts sampled so far per `Cell.key`."""
    before_scrubbing: tuple[DatasetRef, ...] = ()
    """Cleaned rows of each round as they were before scrubbing."""


def after_sampling(quotas: QuotaState, n_tokens: int) -> QuotaState:
    """The state once the texts of all `quotas.cells` are sampled, for `n_tokens` tokens."""
    n_sampled = dict(quotas.n_sampled)
    for cell in quotas.cells:
        n_sampled[cell.key] = n_sampled.get(cell.key, 0) + cell.n_to_sample
    return replace(
        quotas,
        cells=(),
        n_rounds=quotas.n_rounds + 1,
        n_tokens=quotas.n_tokens + n_tokens,
        n_sampled=n_sampled,
    )


def with_next_cells(
    quotas: QuotaState, n_accepted: Mapping[str, int], config: RunConfig, elapsed_s: float
) -> QuotaState:
    """The state with the cells of the next round, or with the reason why there is none.

    Args:
        quotas: All cells come first, then those that are short, while the budget lasts.
        n_accepted: Texts accepted so far per `Cell.key`.
        config: Gives the budgets.
        elapsed_s: Seconds since the run began.
    """
    cells = list(quotas.planned)
    if quotas.n_rounds:
        cells = refill_cells(quotas.planned, n_accepted, quotas.n_sampled, quotas.n_rounds + 1)
    ended = spent(quotas, config.plan, elapsed_s) if cells else "filled"
    if not ended and (n_texts := affordable_texts(quotas, config)) is not None:
        cells = afford(cells, n_texts)
        ended = "" if cells else "tokens"
    return replace(quotas, cells=() if ended else tuple(cells), ended=ended)


def spent(quotas: QuotaState, budget: PlanConfig, elapsed_s: float) -> str:
    """Name of the budget that has run out, if any."""
    if quotas.n_rounds >= budget.rounds:
        return "rounds"
    if budget.max_tokens is not None and quotas.n_tokens >= budget.max_tokens:
        return "tokens"
    late = budget.max_minutes is not None and elapsed_s >= 60 * budget.max_minutes
    return "time" if late else ""


def affordable_texts(quotas: QuotaState, config: RunConfig) -> int | None:
    """Texts that the rest of the token budget pays for at their mean length so far; None: no limit.

    Before anything was sampled, every text is counted at its longest.
    """
    if config.plan.max_tokens is None:
        return None
    n_texts = sum(quotas.n_sampled.values())
    mean = quotas.n_tokens / n_texts if n_texts else config.generator.max_new_tokens
    return int((config.plan.max_tokens - quotas.n_tokens) / max(1.0, mean))
