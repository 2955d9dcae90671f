"""Calibration, thresholds and levels, chosen together, for the classifier and for its rivals alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.data.arrays import Matrix
from tasks.pipeline.decision.calibration import apply_platt, match_shares, platt_scaling
from tasks.pipeline.decision.ordinal_levels import LinearRecalibration, fit_recalibration
from tasks.pipeline.decision.thresholds import choose_thresholds, plug_in_thresholds

MIN_HUMAN_TEXTS = 100
"""Unlabelled texts from which shares can be told at all."""


@dataclass(frozen=True)
class DecisionRule:
    """How raw probabilities become decisions."""

    slope: Matrix
    """(n_labels,), see `apply_platt`."""
    intercept: Matrix
    """(n_labels,)."""
    thresholds: Matrix
    """(n_labels,), for calibrated probabilities."""
    recalibration: LinearRecalibration
    """From mean levels to levels; idle without an order."""

    def calibrated(self, probabilities: Matrix) -> Matrix:
        """Raw probabilities (n, n_labels) as calibrated ones."""
        return apply_platt(probabilities, self.slope, self.intercept)


def fit_rule(
    validation: Matrix,
    targets: Matrix,
    weights: Matrix | None,
    min_positives: int,
    human: Matrix | None = None,
    shares: Sequence[float] | None = None,
) -> DecisionRule:
    """Choose the rule on validation texts; on human texts without labels, too, where there are enough.

    Synthetic validation texts do not say how often a classifier finds a label in what people write. Where
    the share of each label out there is known, unlabelled human texts do: calibrated probabilities are moved
    until their mean over these texts is that share, and thresholds have the highest expected F1 on them.

    Args:
        validation: Raw probabilities of the validation texts, (n, n_labels).
        targets: (n, n_labels), see `choose_thresholds`.
        weights: (n,) texts out there that each text stands for; None means one.
        min_positives: See `choose_thresholds`.
        human: Raw probabilities of unlabelled human-written texts, (m, n_labels).
        shares: Share of the texts out there that carry each label; None where it is not known.
    """
    slope, intercept = platt_scaling(validation, targets, weights)
    judged = apply_platt(validation, slope, intercept)
    recalibration = fit_recalibration(judged, targets, weights)
    if human is None or shares is None or len(human) < MIN_HUMAN_TEXTS:
        thresholds = choose_thresholds(judged, targets, min_positives, weights)
        return DecisionRule(slope, intercept, thresholds, recalibration)
    intercept = match_shares(human, slope, np.asarray(shares))
    thresholds = plug_in_thresholds(apply_platt(human, slope, intercept))
    return DecisionRule(slope, intercept, thresholds, recalibration)
