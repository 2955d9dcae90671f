"""Grouped, stratified splits: near-duplicates and texts of one prompt stay together."""

from collections.abc import Sequence

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from scipy.cluster.hierarchy import DisjointSet

from tasks.config import SplitConfig
from tasks.data.records import Row


def split_rows(rows: Sequence[Row], config: SplitConfig, seed: int) -> list[Row]:
    """Set `split` of every row to train, validation or test, label shares alike in all three.

    Stratification is Sechidis et al. 2011, "On the Stratification of Multi-Label Data", over groups.

    Args:
        rows: Rows with `group` and `prompt_id`.
        config: Shares of validation and test.
        seed: Decides the split.

    Raises:
        ValueError: if there are fewer than three groups.
    """
    groups = linked_groups(rows)
    names = sorted(set(groups))
    if len(names) < 3:
        raise ValueError(
            f"{len(rows)} accepted rows form {len(names)} groups of near-duplicates and shared prompts; "
            "expected at least 3, one per split. Ask for more texts, topics or styles."
        )
    index = {name: i for i, name in enumerate(names)}
    labels = np.zeros((len(names), len(rows[0]["targets"])), dtype=int)  # (n_groups, n_labels)
    for row, group in zip(rows, groups, strict=True):
        labels[index[group]] |= np.array(row["targets"]) > 0.5
    held = config.validation + config.test
    train, rest = _halve(np.arange(len(names)), labels, held, seed, fewest=2)
    validation, test = _halve(rest, labels[rest], config.test / held, seed + 1)
    part = dict.fromkeys(train.tolist(), "train")
    part |= dict.fromkeys(validation.tolist(), "validation") | dict.fromkeys(test.tolist(), "test")
    return [{**row, "split": part[index[group]]} for row, group in zip(rows, groups, strict=True)]


def linked_groups(rows: Sequence[Row]) -> list[str]:
    """Group of each row once near-duplicates and shared prompts are both linked."""
    links = DisjointSet(range(len(rows)))
    first: dict[tuple[str, str], int] = {}
    for i, row in enumerate(rows):
        for kind in ("group", "prompt_id"):
            name = str(row[kind])
            if name:
                links.merge(first.setdefault((kind, name), i), i)
    return [f"{links[i]:08d}" for i in range(len(rows))]


def _halve(
    which: np.ndarray, labels: np.ndarray, second_share: float, seed: int, fewest: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Two parts of `which`, the second of about that share and at least `fewest`, the first not empty."""
    n_second = min(len(which) - 1, max(fewest, round(second_share * len(which))))
    splitter = MultilabelStratifiedShuffleSplit(
        n_splits=1, test_size=n_second / len(which), random_state=seed
    )
    first, second = next(splitter.split(which, labels))
    if not len(first) or len(second) < fewest:  # tiny data: the stratifier may leave a side empty
        order = np.random.default_rng(seed).permutation(len(which))
        first, second = order[n_second:], order[:n_second]
    return which[first], which[second]
