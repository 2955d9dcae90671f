"""Remove what old runs left."""

import sys

from rich.console import Console

from tasks.cli.errors import one_clear_error
from tasks.cli.parsing import parse
from tasks.config import PruneConfig
from tasks.storage.connection import open_store
from tasks.storage.retention import HOUR_S, prune


def main() -> None:
    """Prune the block `results` and say what went."""
    config: PruneConfig = parse(PruneConfig, sys.argv[1:], "python -m tasks.cli.prune")
    with one_clear_error():
        store = open_store()
        pruned = prune(store, config.keep, config.grace_h * HOUR_S)
    Console().print(
        f"{len(pruned.removed):,} files removed from {store.root}; {len(pruned.runs)} runs kept.",
        highlight=False,
    )


if __name__ == "__main__":
    main()
