"""Duplicates: the first of texts that are alike stays, and what is merely related shares a group."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import NamedTuple

from scipy.cluster.hierarchy import DisjointSet

from tasks.data.records import Row
from tasks.pipeline.cleaning.minhash import jaccard, normalised, similar_pairs

RELATED = 0.8
"""Texts from this share of the near-duplicate similarity on stay, but share a group (0.7 -> 0.56)."""


@dataclass(frozen=True)
class Likeness:
    """Verdict per text: what it repeats, and which text its group is named after.

    `repeats[i]` is the index of the kept text that text i repeats, or i itself; `exact[i]` tells whether
    they are equal after normalisation; `root[i]` is the first text of the group of text i.
    """

    repeats: list[int]
    exact: list[bool]
    root: list[int]


class Verdict(NamedTuple):
    """Why a text is rejected, or the group in which it stays."""

    reason: str | None
    group: str


def find_repeats(texts: Sequence[str], similarity: float, n_fixed: int = 0) -> Likeness:
    """Find exact and near-duplicates, first come first kept.

    Args:
        texts: Texts in the order of precedence.
        similarity: Jaccard similarity of character shingles from which a text repeats an earlier one.
        n_fixed: Texts at the beginning that are kept whatever they repeat.
    """
    plain = [normalised(text) for text in texts]
    first_of: dict[str, int] = {}
    repeats = [first_of.setdefault(text, i) for i, text in enumerate(plain)]
    distinct = [i for i, first in enumerate(repeats) if i == first]
    names = [plain[i] for i in distinct]
    near, root = _near(names, similarity, sum(i < n_fixed for i in distinct))
    position = {i: place for place, i in enumerate(distinct)}
    places = [position[first] for first in repeats]
    return Likeness(
        repeats=[i if i < n_fixed else distinct[near[p]] for i, p in enumerate(places)],
        exact=[first != i for i, first in enumerate(repeats)],
        root=[distinct[root[p]] for p in places],
    )


def _near(names: Sequence[str], similarity: float, n_fixed: int) -> tuple[list[int], list[int]]:
    """Kept text that each distinct text repeats, and the first text of its group."""
    near = list(range(len(names)))
    groups = DisjointSet(range(len(names)))
    pairs, values = similar_pairs(names, similarity * RELATED)
    for (earlier, later), value in zip(pairs.tolist(), values.tolist(), strict=True):
        groups.merge(earlier, later)
        kept = near[earlier]
        if near[later] == later and later >= n_fixed:
            alike = value if kept == earlier else jaccard(names[kept], names[later])
            near[later] = kept if alike >= similarity else later
    first: dict[int, int] = {}
    return near, [first.setdefault(groups[i], i) for i in range(len(names))]


def group_name(text: str) -> str:
    """Name of the group that begins with this text: depends on the text alone, not on its place or run."""
    return sha1(normalised(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def judge_repeats(
    texts: Sequence[str], similarity: float, seen: Sequence[Row] = (), known: Sequence[str] = ()
) -> list[Verdict]:
    """Tell which texts repeat an earlier or an already accepted one, and group those that do not.

    Args:
        texts: Cleaned texts in the order of precedence.
        similarity: Jaccard similarity from which a text counts as repeated.
        seen: Rows accepted before; they stay, and texts that are akin to them join their group.
        known: Texts from elsewhere that are not to be repeated.

    Returns:
        One verdict per text.
    """
    everything = [*known, *(row["text"] for row in seen), *texts]
    likeness = find_repeats(everything, similarity, len(known) + len(seen))
    groups = ["" for _ in known] + [row["group"] for row in seen]
    return [
        _verdict(i, likeness, everything, groups, len(known)) for i in range(len(groups), len(everything))
    ]


def _verdict(
    i: int, likeness: Likeness, texts: Sequence[str], groups: Sequence[str], n_known: int
) -> Verdict:
    kept = likeness.repeats[i]
    if kept != i:
        reason = "exact duplicate" if likeness.exact[i] else "near duplicate"
        return Verdict(f"{reason} of known text" if kept < n_known else reason, "")
    first = likeness.root[i]
    named = groups[first] if first < len(groups) else ""
    return Verdict(None, named or group_name(texts[first]))


def group_rows(rows: Sequence[Row], similarity: float) -> list[Row]:
    """Name the groups of a whole data set again; nothing is dropped.

    Rounds of cleaning can bridge two groups that were named before: call this once before the split.
    """
    likeness = find_repeats([row["text"] for row in rows], similarity)
    return [{**row, "group": group_name(rows[r]["text"])} for row, r in zip(rows, likeness.root, strict=True)]
