"""Synthetic rows beside people's: how many, for which labels, and how much each counts."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from tasks.config import MixingConfig
from tasks.data.records import Row

# Weights beyond these say that the two kinds of text are told apart, not that a row is precious.
MIN_WEIGHT, MAX_WEIGHT = 0.2, 5.0


def choose_synthetic(
    synthetic: Sequence[Row], real_rows: Sequence[Row], config: MixingConfig, seed: int
) -> list[Row]:
    """Synthetic rows that join people's, in their order.

    With a top-up, only labels that people left below it are filled, up to it, rarest first. With a
    largest share, no label gets more synthetic rows than keep its share below it.

    Args:
        synthetic: Rows of one part of the split.
        real_rows: Real rows of the same part; without any, every synthetic row is taken.
        config: Top-up and largest share.
        seed: Decides which rows are tried first.
    """
    if not real_rows:
        return list(synthetic)
    real = Counter(label for row in real_rows for label in row["labels"])
    taken: Counter[str] = Counter()
    chosen = []
    for i in np.random.default_rng(seed).permutation(len(synthetic)):
        labels = synthetic[i]["labels"]
        wanted = config.top_up is None or any(real[name] + taken[name] < config.top_up for name in labels)
        if wanted and all(
            _within(config.max_synthetic_fraction, taken[name] + 1, real[name]) for name in labels
        ):
            chosen.append(int(i))
            taken.update(labels)
    return [synthetic[i] for i in sorted(chosen)]


def _within(share: float, n_synthetic: int, n_real: int) -> bool:
    return n_synthetic <= share * (n_synthetic + n_real)


def weigh_few(real_rows: Sequence[Row], n_synthetic: int, config: MixingConfig) -> list[Row]:
    """Real rows, weighed so that few of them are not lost among many synthetic ones.

    Args:
        real_rows: n rows of one part of the split.
        n_synthetic: Synthetic rows of the same part.
        config: Largest weight.

    Returns:
        The rows, `weight` times n_synthetic / n: at least 1, at most the largest weight.
    """
    weight = min(max(1.0, n_synthetic / max(1, len(real_rows))), config.max_real_weight)
    return [cast("Row", {**row, "weight": row["weight"] * weight}) for row in real_rows]


def weigh_rows(
    synthetic: Sequence[Row],
    real_rows: Sequence[Row],
    synthetic_vectors: NDArray[np.float32],
    real_vectors: NDArray[np.float32],
    seed: int,
) -> list[Row]:
    """Synthetic rows, each with `weight` p(real) / p(synthetic) of its text and labels, mean 1.

    The ratio comes from a classifier that tells the two apart, out of fold: Bickel et al. 2009,
    "Discriminative learning under covariate shift", equation 9. Labels are among its features, so that
    a text is weighed among those of its kind.

    Args:
        synthetic: n rows.
        real_rows: m rows, a few hundred or more.
        synthetic_vectors: float32 (n, width) sentence embeddings.
        real_vectors: float32 (m, width).
        seed: Decides the folds.
    """
    targets = np.clip([row["targets"] for row in [*synthetic, *real_rows]], 0, 1)
    features = np.hstack([np.vstack([synthetic_vectors, real_vectors]), targets])
    is_real = np.arange(len(features)) >= len(synthetic)
    model = LogisticRegression(class_weight="balanced", max_iter=1000, random_state=seed)
    order = np.random.default_rng(seed).permutation(len(features))
    found = np.empty(len(features))
    found[order] = cross_val_predict(model, features[order], is_real[order], cv=5, method="predict_proba")[
        :, 1
    ]
    p = np.clip(found[: len(synthetic)], 1e-6, 1 - 1e-6)
    weights = np.clip(p / (1 - p), MIN_WEIGHT, MAX_WEIGHT)
    weights /= weights.mean()
    return [
        cast("Row", {**row, "weight": float(weight)}) for row, weight in zip(synthetic, weights, strict=True)
    ]
