"""What becomes of each row once all have voted: keep, relabel, mask or drop."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.config import VerifyingConfig
from tasks.data.records import Row, Sifted, reject
from tasks.pipeline.verification.vote_columns import ASKED
from tasks.taxonomy import Taxonomy

UNKNOWN = -1.0
"""Target that the loss leaves out."""
FEWEST = 10
"""Rows of a label below which votes about it say too little to act on."""


def decide_rows(
    rows: Sequence[Row], belief: NDArray[np.float64], taxonomy: Taxonomy, config: VerifyingConfig
) -> Sifted:
    """Give every row the labels that the votes leave it.

    - keep: every label that was asked for is believed (`config.keep`).
    - mask: of several labels some are not; these become unknown. So does every label that was not asked
      for but is likely (`config.mask`): the generator was not told to leave it out.
    - relabel: none is believed, but another label is, and strongly (`config.relabel`).
    - drop: none is believed and no other stands out.

    Args:
        rows: Rows whose labels are those that they were asked to carry.
        belief: (n_rows, n_labels), 0..1.
        taxonomy: Labels in the order of `targets`.
        config: The three thresholds, the bound per label, hard or soft targets.
    """
    asked = np.array([taxonomy.targets_of(row["labels"]) for row in rows]).reshape(belief.shape) > 0
    lost = disbelieved(asked, belief, config)
    kept, dropped = [], []
    for row, own, gone, believed in zip(rows, asked, lost, belief, strict=True):
        held = own & ~gone
        best = int(np.where(own, -1.0, believed).argmax())
        if not held.any() and believed[best] >= config.relabel:
            held[best] = True
        if held.any():
            unknown = gone | (~own & ~held & (believed >= config.mask))
            kept.append(_labelled(row, held, unknown, believed, taxonomy, config.soft_targets))
        else:
            dropped.append(row)
    return Sifted(kept, reject(dropped, "verifying", "label disputed"))


def disbelieved(
    asked: NDArray[np.bool_], belief: NDArray[np.float64], config: VerifyingConfig
) -> NDArray[np.bool_]:
    """Labels that rows lose, (n_rows, n_labels): the least believed first, of each label a share at most."""
    lost = np.zeros_like(asked)
    for label in range(asked.shape[1]):
        own = np.flatnonzero(asked[:, label])
        if len(own) >= FEWEST:
            worst_first = own[np.argsort(belief[own, label], kind="stable")]
            worst_first = worst_first[: int(config.max_drop_share * len(own))]
            lost[worst_first[belief[worst_first, label] < config.keep], label] = True
    return lost


def _labelled(
    row: Row,
    held: NDArray[np.bool_],
    unknown: NDArray[np.bool_],
    believed: NDArray[np.float64],
    taxonomy: Taxonomy,
    soft: bool,
) -> Row:
    labels = [name for name, is_held in zip(taxonomy.names, held, strict=True) if is_held]
    # Soft targets stay on their side of one half, where everything else draws the line.
    bounded = np.where(held, np.maximum(believed, 0.51), np.minimum(believed, 0.49))
    targets = np.where(unknown, UNKNOWN, bounded if soft else held.astype(float))
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
        asked = {key.removesuffix(f"|{ASKED}") for key in row["votes"] if key.endswith(f"|{ASKED}")}
        if asked:
            counts["kept as asked" if set(row["labels"]) == asked else _change(row, asked)] += 1
            n_masked = sum(target < 0 for target in row["targets"])
            n_disputed = len(asked - set(row["labels"]))
            counts["labels masked: asked for, disputed"] += n_disputed
            counts["labels masked: not asked for, likely"] += n_masked - n_disputed
    return {name: n for name, n in counts.most_common() if n}


def _change(row: Row, asked: set[str]) -> str:
    return "one label of several disputed" if set(row["labels"]) < asked else "relabelled"
