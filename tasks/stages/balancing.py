"""From accepted texts to rows that are balanced, divided, and mixed with people's."""

from tasks.config import SplitConfig
from tasks.data.records import Cell, FilterResult
from tasks.data.references import DatasetRef, FilterRefs
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.balancing import compose_mixed_texts, fill_quotas, split_rows
from tasks.pipeline.cleaning import group_rows
from tasks.pipeline.planning.rounds import QuotaState
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy


@stage("balance-split")
def balance_task(
    *,
    rows: DatasetRef,
    cells: tuple[Cell, ...],
    split: SplitConfig,
    seed: int,
    taxonomy: Taxonomy,
    similarity: float,
    mixed_sentiment_fraction: float,
) -> FilterRefs:
    """Keep what the plan wants, group it as a whole, divide it, and join some of it into mixed texts."""
    store = open_store()
    filtered = fill_quotas(store.get_rows(rows), cells)
    # Without cells the run is made of real text alone, and there is nothing to divide.
    divided = split_rows(group_rows(filtered.kept, similarity), split, seed) if cells else []
    # Last, so that both halves of a mixed text are of one split.
    return store.put_filtered(
        FilterResult(compose_mixed_texts(divided, taxonomy, mixed_sentiment_fraction, seed), filtered.rejects)
    )


def balance(run: RunContext, quotas: QuotaState) -> DatasetRef:
    """Keep what the plan wants and divide it; the surplus joins the rejects.

    Raises:
        ValueError: No sampled text was accepted.
    """
    config = run.config
    if run.wants_synthetic and not quotas.accepted.n_rows:
        counts = FilterResult([], run.rejected_rows()).counts()
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in list(counts.items())[:3])
        raise ValueError(
            f"none of {sum(quotas.n_sampled.values()):,} sampled texts was accepted ({reasons}); expected "
            "some. See what the generator writes: sentimill run --preview."
        )
    balanced = run.call(
        balance_task,
        rows=quotas.accepted,
        cells=quotas.planned,
        split=config.split,
        seed=config.seed,
        taxonomy=run.taxonomy,
        similarity=config.cleaning.near_duplicate_similarity,
        mixed_sentiment_fraction=config.plan.mixed_sentiment_fraction,
    )
    run.ledger.add_rejects(balanced.rejects)
    return balanced.kept
