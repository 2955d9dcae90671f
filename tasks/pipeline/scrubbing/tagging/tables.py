"""The trained part-of-speech tagger as tables, and how they are stored."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

DISTANCES = (-2, -1, 1, 2)
"""Neighbours whose words are looked at."""
TAG_DISTANCES = (-3, -2, -1, 0, 1, 2, 3)
"""Tags of the first stage that the second one looks at."""
TAG_PAIRS = ((-2, -1), (-1, 0), (-1, 1), (0, 1), (1, 2))
"""Pairs of these tags that the second stage looks at together."""
WORD_TAG_DISTANCES = (-1, 1)
"""Tags that the second stage looks at together with a frequent word."""
STEP = 1 / 16
"""What one unit of a stored weight stands for."""

Stored = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float32]


class PosTables(NamedTuple):
    """Weights of the two stages; the last axis is always the tag."""

    tags: tuple[str, ...]
    features: dict[str, int]
    """Row of `own` and `opening` for each feature."""
    own: Stored
    """(features, tags), in units of `STEP`."""
    opening: Stored
    """(features, tags), added at the start of a sentence."""
    neighbours: dict[str, int]
    """Row of `around` for each frequent word and each outline of the others; row 0 is for anything else."""
    around: Floats
    """(`DISTANCES`, neighbours, tags)."""
    clusters_around: Floats
    """(`DISTANCES`, clusters, tags)."""
    single: Floats
    """(`TAG_DISTANCES`, tags + 1, tags); the last tag stands for what lies outside the text."""
    paired: Floats
    """(`TAG_PAIRS`, tags + 1, tags + 1, tags)."""
    word_rows: dict[str, int]
    """Row of `with_word` for each word that has one; row 0 is for the others."""
    with_word: Floats
    """(`WORD_TAG_DISTANCES`, words, tags + 1, tags)."""
    trust: float
    """Factor of the first stage's scores in the second."""


def read_tables(arrays: Mapping[str, npt.NDArray[Any]]) -> PosTables:
    """Return the tables that `write_tables` stored."""
    features, neighbours, words = (
        {name: row for row, name in enumerate(_strings(arrays[key]))}
        for key in ("features", "neighbours", "words")
    )
    scaled = {
        key: arrays[key].astype(np.float32) * STEP
        for key in ("around", "clusters_around", "single", "paired", "with_word")
    }
    return PosTables(
        tags=tuple(_strings(arrays["tags"])),
        features=features,
        own=arrays["own"],
        opening=arrays["opening"],
        neighbours=neighbours,
        word_rows=words,
        trust=float(arrays["trust"]),
        **scaled,
    )


def write_tables(tables: PosTables) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays to store; weights become whole steps."""
    matches: dict[str, npt.NDArray[Any]] = {
        "tags": _joined(tables.tags),
        "features": _joined(tables.features),
        "neighbours": _joined(tables.neighbours),
        "words": _joined(tables.word_rows),
        "own": tables.own,
        "opening": tables.opening,
        "trust": np.array(tables.trust, np.float32),
    }
    for key in ("around", "clusters_around", "single", "paired", "with_word"):
        matches[key] = in_steps(getattr(tables, key))
    return matches


def in_steps(weights: npt.NDArray[Any]) -> Stored:
    """Round weights to whole steps within eight bits."""
    rounded: Stored = np.clip(np.round(weights / STEP), -127, 127).astype(np.int8)
    return rounded


def _joined(strings: Any) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(strings).encode("utf-8"), np.uint8)


def _strings(joined: npt.NDArray[np.uint8]) -> list[str]:
    return joined.tobytes().decode("utf-8").split("\n")
