"""Make the champion before the present one champion again; a service that serves it follows by itself."""

from tasks.cli.options import RollbackOptions
from tasks.storage.champions import CHAMPION, read_champions, roll_back
from tasks.storage.connection import open_results
from tasks.storage.locks import exclusive_lock


def rollback(options: RollbackOptions) -> None:
    """Show the champions, after rolling one back if a taxonomy is given.

    Raises:
        ValueError: The taxonomy has no champion, or none before it.
    """
    store = open_results()
    if options.taxonomy:
        with exclusive_lock(store.scratch("locks"), CHAMPION):
            roll_back(store, options.taxonomy)
    champions = read_champions(store)
    if not champions:
        print(f"There is no champion in {store.root} yet.")
    for name, entry in champions.items():
        before = ", ".join(old["run"] for old in entry.get("history", []))
        print(f"{name}: {entry['run']}" + f" (before: {before})" * bool(before))
