"""What a run says about scrubbing: the record behind the report's section, and the words around it."""

from collections.abc import Mapping
from typing import Any

from tasks.data.scrub_scores import Counts, Decisions

MAX_TYPES = 8
"""Columns of the tables by label and topic; rarer types share the last one."""
OTHERS = "others"


def settings_in_words(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say what each setting does, as (what, how)."""
    if not settings["enabled"]:
        return [("Scrubbing", "was switched off: texts are as they were written")]
    return [
        ("Names", _names(settings)),
        ("Contact data", "e-mail, links, phone, card, account, IP and ID numbers become a word in brackets"),
        ("Demographics", _demographics(settings)),
        (
            "Gendered words",
            "become neutral, pronouns turn into they, verbs agree"
            if settings["neutralise_gender"]
            else "stay as they are",
        ),
    ]


def _names(settings: Mapping[str, Any]) -> str:
    engine, model = settings["name_engine"], settings["name_model"]
    tagger = f"the embedded tagger (strictness {settings['person_bias']:+g})"
    if model is None:
        finder = tagger
    else:
        finder = f"{engine} model {model}" + (f" and {tagger}" if settings["name_union"] else "")
    return f"become Person A, Person B ..., one letter per person and text; found by {finder}"


def _demographics(settings: Mapping[str, Any]) -> str:
    if not settings["categories"]:
        return "stay as they are"
    where = "wherever they stand" if settings["scope"] == "all" else "where they describe a person"
    return f"{', '.join(settings['categories'])} give way to neutral words {where}"


def count_table(
    groups: Mapping[str, Counts], totals: Counts
) -> tuple[list[str], list[tuple[str, list[int]]]]:
    """Return the headings and the rows (group, count per heading), most frequent types first."""
    types = list(totals)
    shown = types if len(types) <= MAX_TYPES else types[: MAX_TYPES - 1]
    rest = [kind for kind in types if kind not in shown]
    rows = [
        (
            group,
            [counts.get(kind, 0) for kind in shown]
            + ([sum(counts.get(kind, 0) for kind in rest)] if rest else []),
        )
        for group, counts in groups.items()
    ]
    return [*shown, *([OTHERS] if rest else [])], rows


def moved_labels(decisions: Decisions) -> list[tuple[str, int, int]]:
    """Return (label, gained, lost) where either happened, most moved first."""
    names = {*decisions.gained, *decisions.lost}
    moved = [(name, decisions.gained.get(name, 0), decisions.lost.get(name, 0)) for name in names]
    return sorted(moved, key=lambda row: (-row[1] - row[2], row[0]))
