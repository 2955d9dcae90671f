"""Text written and labelled by people: GoEmotions TSV, SST sentences with scores, or the hub's copies.

Every reader gives `LabelledText`s with the data set's own label names; `tasks.taxonomy.labels` says how these
map to the labels of a run.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LEVELS = (
    "very positive",
    "positive",
    "somewhat positive",
    "neutral",
    "somewhat negative",
    "negative",
    "very negative",
)
HUB_GOEMOTIONS = ("go_emotions", "google-research-datasets/go_emotions")


class LabelledText(NamedTuple):
    """One text with the names of its labels."""

    text: str
    labels: tuple[str, ...]
    id: str
    score: float | None = None
    """Human score 0..1 of an SST sentence, 1 the most positive."""


def read_real(source: str, split: str) -> list[LabelledText]:
    """Read the `train` or `test` part of a real data set.

    Args:
        source: Folder with `train.tsv`, `dev.tsv` and `labels.txt` (GoEmotions), folder with `train.csv`
            and `dev.csv` (SST: sentence, score), or the hub name `go_emotions`.
        split: `train` or `test`; the test part of a folder is its `dev` file.

    Raises:
        FileNotFoundError: if the folder lacks the files.
        ValueError: if a row is broken; names file and line.
    """
    folder = Path(source).expanduser()
    name = {"train": "train", "test": "dev"}[split]
    if (folder / f"{name}.tsv").is_file():
        return list(_goemotions(folder, name))
    if (folder / f"{name}.csv").is_file():
        return list(_sst(folder / f"{name}.csv"))
    if source in HUB_GOEMOTIONS:
        return list(_hub_goemotions(split))
    raise FileNotFoundError(
        f"real data {source!r} holds neither {name}.tsv (GoEmotions) nor {name}.csv (SST); expected a folder "
        "with one of them, or the hub name go_emotions. Check the path given as --real."
    )


def level_of_score(score: float) -> str:
    """Name of the level of an SST score: seven equal bins of 0..1, the highest is very positive."""
    return LEVELS[6 - min(6, int(score * 7))]


def _goemotions(folder: Path, name: str) -> Iterator[LabelledText]:
    if not (folder / "labels.txt").is_file():
        raise FileNotFoundError(
            f"{folder} has no labels.txt; expected one label name per line, in the order of the ids in "
            f"{name}.tsv. Put it there."
        )
    names = (folder / "labels.txt").read_text(encoding="utf-8").split()
    path = folder / f"{name}.tsv"
    with path.open("rb") as lines:  # bytes, so that a line in another encoding can be named
        for number, line in enumerate(lines, 1):
            try:
                text, ids, key = line.decode().rstrip("\r\n").split("\t")[:3]
                labels = tuple(names[_place(i)] for i in ids.split(","))
            except (IndexError, ValueError) as error:
                shown = line.decode(errors="replace").strip()[:80]
                raise ValueError(
                    f"{path.name} line {number} is {shown!r}; expected UTF-8 text, label ids below "
                    f"{len(names)} joined by commas, and an id, divided by tabs. Fix or remove the line."
                ) from error
            yield LabelledText(text, labels, key)


def _place(label_id: str) -> int:
    """Label id as a number; Python would take -1 for the last label."""
    place = int(label_id)
    if place < 0:
        raise ValueError
    return place


def _sst(path: Path) -> Iterator[LabelledText]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
        rows = csv.DictReader(lines, strict=True)
        while True:
            try:
                row = next(rows, None)
                if row is None:
                    return
                score, text = _score(row["score"]), detokenise(row["sentence"])
                text.encode()  # refuses what is not UTF-8
            except (KeyError, TypeError, ValueError, csv.Error) as error:
                raise ValueError(
                    f"{path.name} line {rows.line_num} is broken; expected UTF-8 text in columns sentence "
                    "and score, with a score from 0 to 1. Fix or remove the line."
                ) from error
            yield LabelledText(text, (level_of_score(score),), f"{path.stem}-{rows.line_num}", score)


def _score(text: str) -> float:
    score = float(text)
    if not 0.0 <= score <= 1.0:
        raise ValueError
    return score


def _hub_goemotions(split: str) -> Iterator[LabelledText]:
    from datasets import load_dataset

    rows = load_dataset("google-research-datasets/go_emotions", "simplified", split=split)
    names = rows.features["labels"].feature.names
    for row in rows:
        yield LabelledText(row["text"], tuple(names[i] for i in row["labels"]), row["id"])


# Penn Treebank tokens, as SST writes them, back to running text.
_TREEBANK = (
    (re.compile(r"-LRB- ?"), "("),
    (re.compile(r" ?-RRB-"), ")"),
    (re.compile(r" (n't|'(?:s|re|ve|ll|d|m))\b", re.I), r"\1"),
    (re.compile(r"``\s?"), '"'),
    (re.compile(r"\s?''"), '"'),
    (re.compile(r" ([,.;:!?%)])"), r"\1"),
    (re.compile(r"([($#]) "), r"\1"),
    (re.compile(r"\\/"), "/"),
)


def detokenise(text: str) -> str:
    """Put a treebank-tokenised sentence (`It 's fun , is n't it ?`) back as people write it."""
    for pattern, replacement in _TREEBANK:
        text = pattern.sub(replacement, text)
    return text.strip()
