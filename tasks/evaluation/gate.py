"""Whether a new model is worse than the champion on the test texts that both were measured on."""

import numpy as np

from tasks.evaluation.bootstrap import Estimate, draw_counts, estimate
from tasks.evaluation.protocol import Predictions, scores_of
from tasks.taxonomy import Taxonomy

NAMES = {"f1_macro": "macro-F1", "kappa": "kappa"}


def beside_champion(
    own: Predictions, champion: Predictions, taxonomy: Taxonomy, seed: int
) -> dict[str, Estimate]:
    """Paired differences own - champion, with intervals: macro-F1, and kappa for scales.

    Each run leaves out the test texts that stand in its own training, so the texts of both are compared.
    """
    _, ours, theirs = np.intersect1d(own.ids, champion.ids, assume_unique=True, return_indices=True)
    if not len(ours):
        return {}
    new, old = (scores_of(said.rows(which), taxonomy) for said, which in ((own, ours), (champion, theirs)))
    counts = draw_counts(len(ours), seed)
    return {name: estimate([new[name]], counts, [old[name]]) for name in NAMES if name in new}


def complaints(differences: dict[str, Estimate]) -> list[str]:
    """What is worse beyond chance: differences whose whole interval lies below zero."""
    return [
        f"{NAMES[name]} is {-found.value:.3f} below the champion's on the same texts "
        f"(95 % interval of the difference {found.low:+.3f} to {found.high:+.3f})"
        for name, found in differences.items()
        if found.high < 0
    ]
