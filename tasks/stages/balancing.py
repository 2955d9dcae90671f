"""From accepted texts to rows that are balanced, divided, and mixed with people's."""

from collections.abc import Sequence

from tasks.config import SplitConfig
from tasks.data.records import Cell, Sifted
from tasks.data.references import DatasetRef, SiftedRefs
from tasks.orchestration.caching import stage
from tasks.orchestration.run import Run
from tasks.pipeline.balancing import fill_quotas, join_stances, split_rows
from tasks.pipeline.cleaning import group_rows
from tasks.storage.connection import open_store, put_sifted
from tasks.taxonomy import Taxonomy


@stage("balance-split", version="2")
def balance_task(
    rows: DatasetRef,
    cells: tuple[Cell, ...],
    config: SplitConfig,
    seed: int,
    taxonomy: Taxonomy,
    similarity: float,
    mixed_share: float,
) -> SiftedRefs:
    """Keep what the plan wants, group it as a whole, divide it, and join some of it into mixed texts."""
    sifted = fill_quotas(open_store().get_rows(rows), cells)
    # Without cells the run is made of real text alone, and there is nothing to divide.
    divided = split_rows(group_rows(sifted.kept, similarity), config, seed) if cells else []
    # Last, so that both halves of a mixed text are of one split.
    return put_sifted(Sifted(join_stances(divided, taxonomy, mixed_share, seed), sifted.rejects))


def balance(run: Run, accepted: DatasetRef, planned: Sequence[Cell]) -> DatasetRef:
    """Keep what the plan wants and divide it; the surplus joins the rejects."""
    config = run.config
    knobs = config.split, config.seed, run.taxonomy
    similarity, share = config.cleaning.near_duplicate_similarity, config.plan.mixed_share
    balanced = run.step(balance_task, accepted, tuple(planned), *knobs, similarity, share)
    run.rejects.append(balanced.rejects)
    return balanced.kept
