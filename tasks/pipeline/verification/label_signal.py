"""Whether the texts of a label carry it better than chance, by the votes that verification collected.

A classifier that never saw a text should give its label more than the label's share among all texts, and the
generator should find the text likelier with the label in its prompt than without. Both are means over the
texts that were asked to carry the label, tested one-sided (Student's t).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from tasks.data.records import Record, Row
from tasks.data.votes import FOLDS, LIKELIHOOD, REQUESTED, read_votes
from tasks.taxonomy import Taxonomy

MIN_TEXTS = 30
"""Texts of a label below which the votes say nothing about it as a whole."""
SIGNIFICANCE = 0.05


class LabelSignal(Record):
    """What the votes say about all texts that were asked to carry a label."""

    label: str
    n_texts: int
    share: float
    """Share of all texts that were asked for it: what a guess would give."""
    folds: float | None
    """Mean probability, 0..1, by a classifier that learnt from the other texts."""
    likelihood: float | None
    """Mean log-likelihood ratio, in nats, of the text with and without the label in the prompt."""
    at_chance: tuple[str, ...]
    """Sources that find the label no better than chance."""

    def __str__(self) -> str:
        """What was found of a label at chance, in one sentence."""
        found = {
            FOLDS: f"a classifier that has not seen them gives it {self.folds or 0.0:.2f} on average, and a "
            f"guess {self.share:.2f}",
            LIKELIHOOD: "the generator finds them no likelier with the label in the prompt than without",
        }
        said = ", and ".join(found[source] for source in self.at_chance)
        return f"the {self.n_texts:,} texts of label {self.label} carry it no better than chance: {said}"


def label_signals(rows: Sequence[Row], taxonomy: Taxonomy) -> list[LabelSignal]:
    """What the votes say about every label.

    Args:
        rows: All texts that verification voted on, kept or not, with their votes.
        taxonomy: Names the labels.

    Returns:
        One per label with at least `MIN_TEXTS` votes of the folds, in label order.
    """
    votes = {source: read_votes(rows, source, taxonomy.names) for source in (REQUESTED, FOLDS, LIKELIHOOD)}
    own = votes[REQUESTED] > 0
    signals = []
    for place, label in enumerate(taxonomy.names):
        texts = own[:, place]
        share = float(texts.mean()) if len(rows) else 0.0
        cast = {source: _cast(votes[source][texts, place]) for source in (FOLDS, LIKELIHOOD)}
        if len(cast[FOLDS]) < MIN_TEXTS:
            continue
        chance = {FOLDS: share, LIKELIHOOD: 0.0}
        means = {source: float(found.mean()) if len(found) else None for source, found in cast.items()}
        signals.append(
            LabelSignal(
                label=label,
                n_texts=int(texts.sum()),
                share=share,
                folds=means[FOLDS],
                likelihood=means[LIKELIHOOD],
                at_chance=tuple(s for s, found in cast.items() if _is_at_chance(found, chance[s])),
            )
        )
    return signals


def _cast(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    return votes[~np.isnan(votes)]


def _is_at_chance(votes: NDArray[np.float64], chance: float) -> bool:
    """Whether enough votes were cast and their mean is not above chance beyond doubt."""
    if len(votes) < MIN_TEXTS:
        return False
    if np.ptp(votes) == 0:
        return bool(votes[0] <= chance)
    return bool(ttest_1samp(votes, chance, alternative="greater").pvalue >= SIGNIFICANCE)
