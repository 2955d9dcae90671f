"""Counterfactual pairs: rows that differ only in whom they are about.

Counterfactual data augmentation gives both rows of a pair the labels of the text that they come from;
logit pairing (Garg et al. 2019, "Counterfactual fairness in text classification through robustness")
then draws their logits together, see `tasks.pipeline.training.classifier.logit_pairing`.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import cast

import numpy as np

from tasks.data.records import COUNTERFACTUAL, Row
from tasks.pipeline.fairness.templates import Corrections, Templates, fill, load_corrections, load_templates

UNKNOWN = -1.0
SCRUBBED = "Person A"
"""What the scrubber puts in place of a name."""
KINDS = ("countries", "names", "groups")
"""What counterfactual pairs differ in, in equal shares: the scrubber leaves countries alone, and some names
escape it."""
WAYS = ("swapped", "framed", "bare")
"""Where counterfactual pairs come from, in equal shares: a name within a training text is changed, a sentence
is put beside one, or a sentence stands alone and carries no label. A kind that no text names is framed
instead."""


def counterfactual_rows(rows: Sequence[Row], n_rows: int, seed: int) -> list[Row]:
    """Make pairs of rows, each pair with its own `group`, from training rows.

    Where a row names a country or a scrubbed person itself, the name is changed; elsewhere a sentence about
    somebody is put beside the text.

    Args:
        rows: Rows to learn from; at least one.
        n_rows: Rows wanted; an even number comes back.
        seed: Decides rows, sentences and persons.
    """
    rng = np.random.default_rng(seed)
    naming = {
        kind: [row for row in rows if pattern.search(row["text"])] for kind, pattern in _named().items()
    }
    made: list[Row] = []
    for pair in range(n_rows // 2):
        kind = KINDS[pair % len(KINDS)]
        way = WAYS[int(rng.integers(len(WAYS)))]
        pool = naming.get(kind) if way == "swapped" else None
        row = (pool or rows)[int(rng.integers(len(pool or rows)))]
        first, second = _persons(kind, rng)
        if pool:
            texts = [_named()[kind].sub(person, row["text"]) for person in (first, second)]
        else:
            frame = _frame(kind, bare=way == "bare", rng=rng)
            noun = str(rng.choice(load_corrections().nouns))
            texts = [
                fill(frame, person, noun).replace("{C}", person).replace("{text}", row["text"])
                for person in (first, second)
            ]
        bare = way == "bare" and not pool
        made += [_row(row, text, f"counterfactual-{pair}", side, bare) for side, text in enumerate(texts)]
    return made


@cache
def _named() -> dict[str, re.Pattern[str]]:
    """What a training text may name itself: countries, and persons whose names were scrubbed."""
    countries = "|".join(map(re.escape, load_corrections().countries))
    return {"countries": re.compile(rf"\b(?:{countries})\b"), "names": re.compile(r"\bPerson [A-Z]\b")}


def _frame(kind: str, bare: bool, rng: np.random.Generator) -> str:
    corrections = load_corrections()
    frames = corrections.bare if bare else corrections.frames
    return str(rng.choice(frames.countries if kind == "countries" else frames.persons))


def _persons(kind: str, rng: np.random.Generator) -> tuple[str, str]:
    """Two persons, or two countries, that are to be treated alike."""
    corrections, templates = load_corrections(), load_templates()
    if kind == "names":
        return _two_names(corrections, rng)
    if kind == "groups":
        return _two_groups(templates, rng)
    first, second = rng.choice(corrections.countries, 2, replace=False)
    return str(first), str(second)


def _two_names(corrections: Corrections, rng: np.random.Generator) -> tuple[str, str]:
    """Names of two origins, or of the two genders of one; or a name, and what stands for a scrubbed one.

    The last as often as the others together: as deployed, names differ only where one escapes the scrubber.
    """
    names = [
        name
        for origin in rng.choice(list(corrections.names), 2, replace=False)
        for genders in [corrections.names[str(origin)]]
        for name in (str(rng.choice(genders[gender])) for gender in ("female", "male"))
    ]  # her, him of one origin; her, him of another
    other = int(rng.choice([1, 2]))
    return names[0], SCRUBBED if rng.random() < 0.5 else names[other]


def _two_groups(templates: Templates, rng: np.random.Generator) -> tuple[str, str]:
    axes = [*templates.axes, "family"]
    axis = axes[int(rng.integers(len(axes)))]
    if axis == "family":
        i = int(rng.integers(len(templates.family["female"])))
        return f"my {templates.family['female'][i]}", f"my {templates.family['male'][i]}"
    first, second = rng.choice(list(templates.axes[axis]), 2, replace=False)
    groups = templates.axes[axis]
    return str(rng.choice(groups[str(first)])), str(rng.choice(groups[str(second)]))


def _row(row: Row, text: str, group: str, side: int, bare: bool) -> Row:
    changed = {
        "id": f"{group}-{side}",
        "text": text,
        "source": COUNTERFACTUAL,
        "group": group,
        "split": "train",
        "scrubbed": {},
        "segments": [],
    }
    unlabelled = {"labels": [], "level": None, "targets": [UNKNOWN] * len(row["targets"])}
    return cast("Row", {**row, **changed, **(unlabelled if bare else {})})
