"""Which rows are measured on: as the data says, or drawn so that near-duplicates stay on one side."""

import re
import warnings
from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import pandas as pd
from datasketch import MinHash, MinHashLSH
from scipy.cluster.hierarchy import DisjointSet
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from tasks.data.reading.labels import Labels
from tasks.data.reading.names import split_of

TEST_SHARE = 0.2
FEWEST, MOST = 200, 10_000
"""Test rows at least, up to half of the data, and at most."""
BOTH = "cross-validated"
"""Split of the rows of a data set that is too small to be divided: they are trained on and measured on, never
by the same model."""
FOLDS = 5
SEED = 0
"""One for all runs: a champion and its challenger must be measured on the same rows."""
SIMILARITY = 0.7
"""Jaccard similarity of character shingles from which two texts go to the same side."""
SHINGLE = 4
N_PERMUTATIONS = 64
MAX_GROUP = 0.5
"""Share of the rows from which a group is no group: texts of one pattern that chain."""
MINHASHED = 50_000
"""Rows up to which near-duplicates are looked for; beyond, only texts that differ in nothing but marks."""

_WORD = re.compile(r"\w+")


def with_splits(frame: pd.DataFrame, measured: str | None, where: str) -> tuple[pd.DataFrame, list[str]]:
    """Set `split` to `train`, `test` or `BOTH` in every row.

    Args:
        frame: Rows with `text`, `labels`, and `split`, which is empty where the data does not say.
        measured: Split that the user wants measured on; None takes test, else validation, else draws rows.
        where: Name of the data, for messages.

    Returns:
        The rows, and what was decided.

    Raises:
        ValueError: The split to measure on is not there.
    """
    found = Counter(frame["split"])
    if measured is not None:
        return _measured_on(frame, measured, found, where)
    if found["test"] and found["validation"]:
        joined = frame["split"].replace({"validation": "train", "": "train"})
        return frame.assign(split=joined), [
            f"{found['validation']:,} validation rows join the training rows, of which a run takes its own"
        ]
    if found["validation"]:
        return frame.assign(split=frame["split"].replace({"validation": "test", "": "train"})), [
            f"the {found['validation']:,} validation rows are measured on: there is no test split"
        ]
    if found["test"]:
        return frame.assign(split=frame["split"].replace({"": "train"})), []
    return _drawn(frame)


def _measured_on(
    frame: pd.DataFrame, measured: str, found: Counter[str], where: str
) -> tuple[pd.DataFrame, list[str]]:
    split = split_of(measured)
    if split is None or not found[split]:
        there = ", ".join(name for name in found if name) or "none"
        raise ValueError(
            f"{where} has neither a column nor a split called {measured!r} (its splits: {there}); expected "
            "one. Leave --real.split out, or name a column that says train or test."
        )
    kept = frame[frame["split"].isin([split, "train", ""])] if split != "train" else frame
    left = len(frame) - len(kept)
    notes = [f"{left:,} rows of other splits are left out"] if left else []
    marked = np.where(kept["split"] == split, "test", "train")
    return kept.assign(split=marked).reset_index(drop=True), notes


def _drawn(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Test rows drawn among groups of near-duplicates, with each label's share kept; of few rows, all.

    Rows marked as training rows stay so where others are not marked.
    """
    free = (frame["split"] == "").to_numpy()
    free = free | (not free.any())
    drawn = frame[free]
    n_test = min(len(drawn) // 2, MOST, max(FEWEST, round(TEST_SHARE * len(drawn))))
    if n_test < FEWEST:
        note = (
            f"the data has no splits, and half of its {len(drawn):,} rows are fewer than {FEWEST}: all are "
            f"measured on, by cross-validation in {FOLDS} folds where rows are trained on"
        )
        return frame.assign(split=np.where(free, BOTH, "train")), [note]
    groups = _groups(drawn["text"].tolist())
    first = np.unique(groups)
    if len(first) < 2:
        return frame.assign(split="test"), ["all rows say the same: there is nothing to divide"]
    strata = _strata(drawn["labels"].tolist(), drawn["score"].tolist())[first]
    n_groups = min(len(first) - 1, max(1, round(n_test / len(drawn) * len(first))))
    test = _stratified(first, strata, n_groups)
    marked = np.full(len(frame), "train", dtype=object)
    marked[np.flatnonzero(free)[np.isin(groups, test)]] = "test"
    note = (
        f"the data has no splits: {int((marked == 'test').sum()):,} rows are drawn to measure on, "
        "near-duplicates kept together"
    )
    return frame.assign(split=marked), [note]


def folds_of(texts: Sequence[str], labels: Sequence[Labels], n_folds: int = FOLDS) -> np.ndarray:
    """Fold of each text, int (n_texts,), 0 .. n_folds - 1: near-duplicates together, labels spread evenly.

    Fewer folds where there are fewer groups of texts.
    """
    groups = _groups(texts)
    n_folds = min(n_folds, len(np.unique(groups)))
    strata = _strata(labels, [np.nan] * len(texts))
    fold = np.zeros(len(texts), dtype=int)
    if n_folds > 1:
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=SEED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a label with fewer rows than there are folds
            for number, (_, test) in enumerate(splitter.split(groups, strata, groups)):
                fold[test] = number
    return fold


def _stratified(groups: np.ndarray, strata: np.ndarray, n_test: int) -> np.ndarray:
    """Groups to measure on; by their rarest label where every side can have some of each."""
    counts = Counter(strata.tolist())
    merged = np.array([name if counts[name] > 1 else "" for name in strata.tolist()])
    sides = min(n_test, len(groups) - n_test)
    lonely = Counter(merged.tolist())[""] == 1
    fits = len(set(merged.tolist())) <= sides and not lonely
    _, test = train_test_split(groups, test_size=n_test, random_state=SEED, stratify=merged if fits else None)
    return np.asarray(test)


def _strata(labels: Sequence[Labels], scores: Sequence[float]) -> np.ndarray:
    """Rarest label of every row, or its fifth of the scores."""
    counts = Counter(label for carried in labels for label in carried)
    return np.array(
        [
            min(carried, key=lambda label: (counts[label], label))
            if carried
            else ("" if np.isnan(score) else f"{min(4, int(score * 5))}")
            for carried, score in zip(labels, scores, strict=True)
        ]
    )


def _groups(texts: Sequence[str]) -> np.ndarray:
    """Place of the first text of each text's group of near-duplicates: (n_texts,)."""
    first: dict[str, int] = {}
    same = np.array([first.setdefault(plain_text(text), i) for i, text in enumerate(texts)])
    if len(texts) > MINHASHED:
        return same
    near = _linked(first, same)
    return near if np.bincount(near).max() <= MAX_GROUP * len(texts) else same


def _linked(first: dict[str, int], same: np.ndarray) -> np.ndarray:
    """Groups of equal texts, joined where their texts are alike."""
    links = DisjointSet(first.values())
    index = MinHashLSH(threshold=SIMILARITY, num_perm=N_PERMUTATIONS)
    distinct = list(first.items())
    shingled = (
        [text[i : i + SHINGLE].encode() for i in range(max(1, len(text) - SHINGLE + 1))]
        for text, _ in distinct
    )
    sketches = MinHash.generator(shingled, num_perm=N_PERMUTATIONS, hashfunc=crc32)
    for (_, i), sketch in zip(distinct, sketches, strict=True):
        for other in index.query(sketch):
            links.merge(other, i)
        index.insert(i, sketch, check_duplication=False)
    roots: dict[int, int] = {}
    of = {i: roots.setdefault(links[i], i) for _, i in distinct}
    return np.array([of[i] for i in same.tolist()])


def plain_text(text: str) -> str:
    """Words alone, in lower case: what two texts share that differ in nothing but marks."""
    return " ".join(_WORD.findall(text.casefold())) or text
