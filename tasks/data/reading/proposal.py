"""A taxonomy proposed from the labels that a data set has."""

import re
from pathlib import Path

import yaml

from tasks.data.reading.dataset import RealData

NAME_CHARS = 60
FEWEST = 2
HEADER = """\
# Proposed from {source}: {n_rows} rows, {n_labels} labels.
# Say in each meaning, in a sentence, what a text shows that carries the label: texts are written by it.
# Labels that form a scale are put in its order, with `ordinal: true` above them.
"""


def propose_taxonomy(data: RealData) -> str:
    """YAML of a taxonomy with the labels of a data set, most frequent first; meanings are to be filled in.

    Raises:
        ValueError: The data has degrees, which scales that ship serve, or fewer than two labels.
    """
    if data.has_scores:
        raise ValueError(
            f"{data.source} holds scores or stars, which have no names; expected labels. Take a scale that "
            "ships, such as sentiment7 or polarity3, or write one of your own with star aliases at both ends."
        )
    counts = data.frame["labels"].explode().dropna().value_counts()
    names = [str(name) for name in counts.index]
    if len(names) < FEWEST:
        raise ValueError(
            f"{data.source} has the labels {', '.join(names) or 'none'}; expected two at least. Name the "
            "column of the labels: --real.labels COLUMN."
        )
    tree = {"name": _name(data.source), "labels": [_label(name) for name in names]}
    header = HEADER.format(source=Path(data.source).name, n_rows=f"{len(data.frame):,}", n_labels=len(names))
    return header + yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=100)


def _label(found: str) -> dict[str, object]:
    """A label under a name that a taxonomy can have; the data's own name stays as an alias."""
    name = re.sub(r"\s*[|+\n]\s*", " and ", found).strip()[:NAME_CHARS]
    label: dict[str, object] = {"name": name, "meaning": f"The text is of the kind {name!r}."}
    return label if name == found else {**label, "aliases": [found]}


def _name(source: str) -> str:
    stem = Path(source).name.split(".")[0] or "labels"
    return re.sub(r"[^\w-]+", "-", stem)[:NAME_CHARS]
