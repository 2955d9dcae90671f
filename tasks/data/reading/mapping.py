"""Labels of a human data set in the labels of a taxonomy: by name, by alias, or by their place on a scale."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.data.reading.dataset import LabelledText, RealData
from tasks.data.reading.labels import Labels
from tasks.taxonomy import Taxonomy

SHOWN = 8

_GAP = re.compile(r"[\s_-]+")
_STARS = re.compile(r"(\d+(?:\.\d+)?) stars?")


@dataclass(frozen=True)
class Mapping:
    """What becomes of the labels of a data set in a taxonomy."""

    of_label: dict[str, Labels]
    """Labels of the taxonomy for each label of the data; none where it does not map."""
    unmapped: dict[str, int]
    """Labels that do not map, and the rows that carry them, most frequent first."""
    n_lost: int
    """Rows that would be left out: none of their labels maps, or they have none on a scale."""


def label_mapping(native: Iterable[str], taxonomy: Taxonomy) -> dict[str, Labels]:
    """Labels of the taxonomy for each label of a data set.

    A label maps to the label of the same name, else to every label that has it among its aliases;
    case, hyphens and underscores make no difference.
    """
    by_name = {_plain(name): (name,) for name in taxonomy.names}
    by_alias: dict[str, Labels] = {}
    for label in taxonomy.labels:
        for alias in {_plain(alias) for alias in label.aliases}:
            by_alias[alias] = (*by_alias.get(alias, ()), label.name)
    return {name: by_name.get(_plain(name)) or by_alias.get(_plain(name), ()) for name in native}


def _plain(name: str) -> str:
    return _GAP.sub(" ", name.strip()).casefold()


def level_of_score(score: float, taxonomy: Taxonomy) -> str:
    """Label of a degree from 0 to 1: as many equal bins as the scale has levels.

    Raises:
        ValueError: The taxonomy is no scale, or does not say which end is the high one.
    """
    if not taxonomy.ordinal:
        raise ValueError(
            f"real data holds scores or stars, but taxonomy {taxonomy.name} is no scale; expected one with "
            "ordinal: true, such as sentiment7. Take another taxonomy, or name the column of the labels: "
            "--real.labels COLUMN."
        )
    place = min(taxonomy.n_labels - 1, int(score * taxonomy.n_labels))
    return taxonomy.names[taxonomy.n_labels - 1 - place if _highest_first(taxonomy) else place]


def _highest_first(taxonomy: Taxonomy) -> bool:
    """Whether the first level is the highest: told by the aliases in stars of the first and the last."""
    stars = [
        [float(match[1]) for alias in label.aliases if (match := _STARS.fullmatch(_plain(alias)))]
        for label in (taxonomy.labels[0], taxonomy.labels[-1])
    ]
    if not all(stars):
        raise ValueError(
            f"real data holds scores or stars, but taxonomy {taxonomy.name} does not say which of "
            f"{taxonomy.names[0]!r} and {taxonomy.names[-1]!r} is the high end; expected aliases in stars. "
            "Add `aliases: [1 star]` to the lowest label and `aliases: [5 stars]` to the highest."
        )
    return max(stars[0]) > max(stars[1])


def map_labels(data: RealData, taxonomy: Taxonomy) -> Mapping:
    """What each label of the data becomes, and what is lost; refuses nothing."""
    counts = Counter(label for labels in data.frame["labels"] for label in labels)
    of_label = label_mapping(counts, taxonomy)
    if data.has_scores:
        return Mapping(of_label, {}, int(data.frame["score"].isna().sum()))
    unmapped = {label: n for label, n in counts.most_common() if not of_label[label]}
    lost = sum(
        not any(of_label[label] for label in labels) and (bool(labels) or taxonomy.ordinal)
        for labels in data.frame["labels"]
    )
    return Mapping(of_label, unmapped, lost)


def require_mapped(data: RealData, mapping: Mapping, taxonomy: Taxonomy, drop: bool) -> None:
    """Refuse labels that do not map, unless they are to be dropped, and data of which no row is left.

    Scores are refused, too, where the taxonomy has no place for them.

    Raises:
        ValueError: Names the labels, their rows, and what to do.
    """
    listed = ", ".join(f"{label} ({n:,} rows)" for label, n in list(mapping.unmapped.items())[:SHOWN])
    known = ", ".join(taxonomy.names[:SHOWN]) + (" ..." if taxonomy.n_labels > SHOWN else "")
    if mapping.n_lost == len(data.frame):
        raise ValueError(
            f"real data {data.source!r} has labels {listed or 'nowhere'}; expected some that taxonomy "
            f"{taxonomy.name} knows ({known}). Take data that fits, or give its labels as `aliases` in the "
            "taxonomy."
        )
    if data.has_scores and not (mapping.of_label and all(mapping.of_label.values())):
        level_of_score(0.5, taxonomy)
    if mapping.unmapped and not drop:
        raise ValueError(
            f"real data {data.source!r} has labels that taxonomy {taxonomy.name} lacks: {listed}; expected "
            f"{known}. Give them as `aliases` in the taxonomy, or leave them out: --real.unmapped drop."
        )


def mapped(text: LabelledText, mapping: Mapping, taxonomy: Taxonomy) -> Labels | None:
    """Labels of a text in label order; empty for a negative, None for a row that is left out."""
    found = {label for name in text.labels for label in mapping.of_label[name]}
    if not found and text.score is not None:
        found = {level_of_score(text.score, taxonomy)}
    if found:
        return tuple(name for name in taxonomy.names if name in found)
    return None if text.labels or taxonomy.ordinal else ()
