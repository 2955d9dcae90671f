"""The files beside this module that the tagger runs on: checked by digest, never pickled.

`python -m tasks.pipeline.scrubbing.table_builder` makes them. `names.npz` holds the name lexicon,
`things.npz` words and towns that are no names, `tagger.npz` the weights, `verbs.json` the verb forms,
`assets.json` the sha256 of each.
"""

import hashlib
import io
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.pipeline.scrubbing.names.features import Entry, Letters, Lexicon
from tasks.pipeline.scrubbing.tagging.clusters import Clusters
from tasks.pipeline.scrubbing.tagging.tables import PosTables, read_tables

FOLDER = Path(__file__).parent / "tables"
MANIFEST = "assets.json"


class Weights(NamedTuple):
    """The trained conditional random field as tables."""

    features: dict[str, int]
    """Row of `slots` for each feature."""
    slots: npt.NDArray[np.float32]
    """(features, slots of `features.SLOTS`, labels)."""
    grams: dict[str, npt.NDArray[np.float32]]
    """(labels,) for each combination of neighbouring classes, each part of speech and each marker."""
    transitions: npt.NDArray[np.float32]
    """(labels, labels), from row to column."""
    vocabulary: frozenset[str]
    """Words with a feature of their own."""
    letters: Letters
    """The letter model, see `features.name_likeness`."""


class Things(NamedTuple):
    """Lower-case words that mean something else where they look like a name."""

    words: frozenset[str]
    """Rarer words of an English dictionary."""
    towns: frozenset[str]
    """Towns too small for the name lexicon."""


def read_asset(name: str, folder: Path = FOLDER) -> bytes:
    """Return the bytes of one asset.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If its digest is not the one in the manifest.
    """
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(
            f"scrubber asset {path} is missing; expected it beside the code. Reinstall Sentimill, or run "
            "`make scrubber-assets`."
        )
    data = path.read_bytes()
    expected = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"].get(name)
    matches = hashlib.sha256(data).hexdigest()
    if matches != expected:
        raise ValueError(
            f"scrubber asset {name} has sha256 {matches[:12]}...; expected {str(expected)[:12]}... . The "
            "file is damaged: reinstall Sentimill, or run `make scrubber-assets`."
        )
    return data


def _arrays(name: str, folder: Path) -> dict[str, npt.NDArray[Any]]:
    with np.load(io.BytesIO(read_asset(name, folder)), allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def _strings(joined: npt.NDArray[np.uint8]) -> list[str]:
    return joined.tobytes().decode("utf-8").split("\n")


def pack(entry: Entry) -> int:
    """Write an entry into 15 bits: first 3, last 3, case 4 (0 = none), common 1, city 1, sex 2, verb 1."""
    case = 0 if entry.case is None else entry.case + 6
    sex = ("", "m", "f").index(entry.sex)
    return (
        entry.first
        | entry.last << 3
        | case << 6
        | entry.common << 10
        | entry.city << 11
        | sex << 12
        | entry.verb << 14
    )


def unpack(code: int) -> Entry:
    """Read what `pack` wrote."""
    case = code >> 6 & 15
    return Entry(
        code & 7,
        code >> 3 & 7,
        case - 6 if case else None,
        bool(code >> 10 & 1),
        bool(code >> 11 & 1),
        ("", "m", "f")[code >> 12 & 3],
        bool(code >> 14 & 1),
    )


@cache
def load_lexicon(folder: Path = FOLDER) -> Lexicon:
    """Return the name lexicon; equal entries share one object, which keeps it small."""
    stored = _arrays("names.npz", folder)
    entries: dict[int, Entry] = {int(code): unpack(int(code)) for code in np.unique(stored["codes"])}
    words, codes = _strings(stored["words"]), stored["codes"].tolist()
    return {word: entries[code] for word, code in zip(words, codes, strict=True)}


@cache
def load_weights(folder: Path = FOLDER) -> Weights:
    """Return the tagger's tables."""
    stored = _arrays("tagger.npz", folder)
    grams = stored["gram_weights"].astype(np.float32)
    return Weights(
        {feature: row for row, feature in enumerate(_strings(stored["features"]))},
        stored["slots"].astype(np.float32),
        dict(zip(_strings(stored["grams"]), grams, strict=True)),
        stored["transitions"].astype(np.float32),
        frozenset(_strings(stored["vocabulary"])),
        stored["letters"],
    )


@cache
def load_clusters(folder: Path = FOLDER) -> Clusters:
    """Return the Brown clusters of the words of the name lexicon."""
    stored = _arrays("clusters.npz", folder)
    words = _strings(_arrays("names.npz", folder)["words"])
    lower, capital = stored["lower"].tolist(), stored["capital"].tolist()
    known = {word: (a, b) for word, a, b in zip(words, lower, capital, strict=True) if a or b}
    return Clusters(known, stored["paths"].tolist())


@cache
def load_pos_tables(folder: Path = FOLDER) -> PosTables:
    """Return the tables of the part-of-speech tagger."""
    return read_tables(_arrays("pos_tagger.npz", folder))


@cache
def load_things(folder: Path = FOLDER) -> Things:
    """Return the words and towns that no list holds as names."""
    stored = _arrays("things.npz", folder)
    return Things(frozenset(_strings(stored["words"])), frozenset(_strings(stored["towns"])))


@cache
def load_verbs(folder: Path = FOLDER) -> dict[str, str]:
    """Return the base form of every third person singular ("sings": "sing")."""
    forms: dict[str, str] = json.loads(read_asset("verbs.json", folder))
    return forms


@cache
def assets_digest(folder: Path = FOLDER) -> str:
    """Return a short digest over all assets, part of the scrubber's version."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:8]
