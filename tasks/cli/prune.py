"""Remove what old runs left."""

from tasks.config import PruneConfig
from tasks.storage.connection import open_results
from tasks.storage.retention import HOUR_S, prune


def prune_results(config: PruneConfig) -> None:
    """Prune the block `results` and say what went."""
    store = open_results()
    pruned = prune(store, config.keep, config.grace_h * HOUR_S)
    print(f"{len(pruned.removed):,} files removed from {store.root}; {len(pruned.runs)} runs kept.")
