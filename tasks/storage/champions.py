"""The best model so far of every taxonomy, and the ones before it.

`champion.json` holds one entry per taxonomy; `history` in it lists the champions before, the newest first,
`withdrawn` those that were rolled back.
"""

import json
from typing import Any

from tasks.data.references import ModelRef
from tasks.storage.store import ResultsStore, write_json

CHAMPION = "champion.json"
LISTS = ("history", "withdrawn")
MAX_HISTORY = 5
"""Champions before the present one that are kept, with their runs, to roll back to."""


def read_champions(store: ResultsStore) -> dict[str, Any]:
    """Entry of the champion per taxonomy."""
    return dict(json.loads(store.read_path(CHAMPION))) if store.exists(CHAMPION) else {}


def set_champion(store: ResultsStore, taxonomy: str, entry: dict[str, Any]) -> None:
    """Make a model champion; the one before moves into the history."""
    champions = read_champions(store)
    before = champions.get(taxonomy)
    history = [_alone(before), *before.get("history", [])] if before else []
    withdrawn = before.get("withdrawn", []) if before else []
    champions[taxonomy] = {**entry, "history": history[:MAX_HISTORY], "withdrawn": withdrawn}
    write_json(store, CHAMPION, champions)


def roll_back(store: ResultsStore, taxonomy: str) -> dict[str, Any]:
    """Make the champion before the present one champion again, and return its entry.

    Raises:
        ValueError: if the taxonomy has no champion, or none before it, or that one's model is damaged.
    """
    champions = read_champions(store)
    if taxonomy not in champions:
        raise ValueError(
            f"taxonomy {taxonomy!r} has no champion; expected one of {', '.join(champions) or 'none yet'}. "
            "Check its spelling."
        )
    present = champions[taxonomy]
    if not present.get("history"):
        raise ValueError(
            f"champion {present['run']} of {taxonomy} is the first; expected one before it. "
            "There is nothing to roll back to."
        )
    before, *older = present["history"]
    if not store.intact(ModelRef.model_validate(before["model"])):
        raise ValueError(
            f"model {before['model']['uri']} of {before['run']} is missing or damaged; expected it whole. "
            "Restore it, then roll back."
        )
    withdrawn = [_alone(present), *present.get("withdrawn", [])]
    champions[taxonomy] = {**before, "history": older, "withdrawn": withdrawn}
    write_json(store, CHAMPION, champions)
    return dict(champions[taxonomy])


def runs_to_keep(champions: dict[str, Any]) -> list[str]:
    """Runs of the champions and of those that can be rolled back to."""
    return [old["run"] for entry in champions.values() for old in (entry, *entry.get("history", []))]


def _alone(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in LISTS}
