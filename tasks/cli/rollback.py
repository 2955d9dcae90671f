"""Make the champion before the present one champion again; a service that serves it changes over by itself.

python -m tasks.cli.rollback               who is champion of each taxonomy, and who was before
python -m tasks.cli.rollback sentiment7    take the champion of sentiment7 back
"""

import argparse

from rich.console import Console

from tasks.cli.errors import one_clear_error
from tasks.storage.champions import CHAMPION, read_champions, roll_back
from tasks.storage.connection import open_store
from tasks.storage.locks import exclusive_lock


def main() -> None:
    """Show the champions, after rolling one back if that is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks.cli.rollback", description="Champions, and the way back."
    )
    parser.add_argument("taxonomy", nargs="?", help="whose champion is taken back; none shows them all")
    taxonomy = parser.parse_args().taxonomy
    with one_clear_error():
        store = open_store()
        if taxonomy:
            with exclusive_lock(store.scratch("locks"), CHAMPION):
                roll_back(store, taxonomy)
        console = Console(highlight=False, soft_wrap=True)
        for name, entry in read_champions(store).items():
            before = ", ".join(old["run"] for old in entry.get("history", []))
            console.print(f"{name}: {entry['run']}" + f" (before: {before})" * bool(before), markup=False)


if __name__ == "__main__":
    main()
