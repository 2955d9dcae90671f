"""The decision on each row once all votes are in: keep, relabel, mask or drop."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.config import VerifyingConfig
from tasks.data.records import FilterResult, Row, reject
from tasks.data.votes import REQUESTED
from tasks.taxonomy import Taxonomy

UNKNOWN = -1.0
"""Target that the loss leaves out."""
MIN_ROWS = 10
"""Rows of a label below which votes about it say too little to act on."""


def decide_rows(
    rows: Sequence[Row], label_probabilities: NDArray[np.float64], taxonomy: Taxonomy, config: VerifyingConfig
) -> FilterResult:
    """Give every row the labels that the votes support.

    - keep: every requested label is probable (`config.keep_threshold`).
    - mask: some of several labels are not; these become unknown. So does every label that was not requested
      but is probable (`config.mask_threshold`): the generator was not told to leave it out.
    - relabel: no requested label is probable, but another one is (`config.relabel_threshold`).
    - drop: no label is probable.

    Args:
        rows: Rows with their requested labels.
        label_probabilities: (n_rows, n_labels), 0..1.
        taxonomy: Labels in the order of `targets`.
        config: The three thresholds, the bound per label, hard or soft targets.
    """
    requested = (
        np.array([taxonomy.targets_of(row["labels"]) for row in rows]).reshape(label_probabilities.shape) > 0
    )
    lost = unsupported_labels(requested, label_probabilities, config)
    kept, dropped = [], []
    for row, own, gone, probabilities in zip(rows, requested, lost, label_probabilities, strict=True):
        kept_labels = own & ~gone
        best = int(np.where(own, -1.0, probabilities).argmax())
        if not kept_labels.any() and probabilities[best] >= config.relabel_threshold:
            kept_labels[best] = True
        if kept_labels.any():
            unknown = gone | (~own & ~kept_labels & (probabilities >= config.mask_threshold))
            kept.append(_labelled(row, kept_labels, unknown, probabilities, taxonomy, config.soft_targets))
        else:
            dropped.append(row)
    return FilterResult(kept, reject(dropped, "verifying", "label disputed"))


def unsupported_labels(
    requested: NDArray[np.bool_], label_probabilities: NDArray[np.float64], config: VerifyingConfig
) -> NDArray[np.bool_]:
    """Labels that rows lose, (n_rows, n_labels): the least probable first, up to a fraction of each label."""
    lost = np.zeros_like(requested)
    for label in range(requested.shape[1]):
        own = np.flatnonzero(requested[:, label])
        if len(own) >= MIN_ROWS:
            worst_first = own[np.argsort(label_probabilities[own, label], kind="stable")]
            worst_first = worst_first[: int(config.max_drop_fraction * len(own))]
            lost[worst_first[label_probabilities[worst_first, label] < config.keep_threshold], label] = True
    return lost


def _labelled(
    row: Row,
    kept_labels: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    probabilities: NDArray[np.float64],
    taxonomy: Taxonomy,
    soft: bool,
) -> Row:
    labels = [name for name, is_held in zip(taxonomy.names, kept_labels, strict=True) if is_held]
    # Soft targets stay on their side of one half, where everything else draws the line.
    bounded = np.where(kept_labels, np.maximum(probabilities, 0.51), np.minimum(probabilities, 0.49))
    targets = np.where(unknown, UNKNOWN, bounded if soft else kept_labels.astype(float))
    return {
        **row,
        "labels": labels,
        "level": taxonomy.level_of(labels),
        "targets": [round(float(target), 4) for target in targets],
    }


def outcome_counts(rows: Sequence[Row]) -> dict[str, int]:
    """What the votes changed about rows that were kept: relabelled rows, and masked labels by their kind."""
    counts: Counter[str] = Counter()
    for row in rows:
        requested = {
            key.removesuffix(f"|{REQUESTED}") for key in row["votes"] if key.endswith(f"|{REQUESTED}")
        }
        if requested:
            counts["unchanged" if set(row["labels"]) == requested else _change(row, requested)] += 1
            n_masked = sum(target < 0 for target in row["targets"])
            n_disputed = len(requested - set(row["labels"]))
            counts["labels masked: requested, disputed"] += n_disputed
            counts["labels masked: not requested, likely"] += n_masked - n_disputed
    return {name: n for name, n in counts.most_common() if n}


def _change(row: Row, requested: set[str]) -> str:
    return "one label of several disputed" if set(row["labels"]) < requested else "relabelled"
