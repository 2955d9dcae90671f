"""How much a classifier's answers change with whom a text is about."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_1samp
from statsmodels.stats.multitest import multipletests

from tasks.data.arrays import Matrix
from tasks.data.fairness_scores import AxisScore, CountryScore, FairnessScores, GroupScore
from tasks.pipeline.fairness.pairs import Pair


def measure_pairs(
    pairs: Sequence[Pair],
    first: Matrix,
    second: Matrix,
    flipped: NDArray[np.bool_],
    countries: CountryScore,
) -> FairnessScores:
    """Sum up what the two texts of every pair were given.

    Args:
        pairs: n pairs.
        first: (n, n_labels) probabilities of the texts `text_a`, 0..1.
        second: Those of the texts `text_b`.
        flipped: (n,) whether the two texts were given different label sets.
        countries: See `measure_countries`.
    """
    delta = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)  # (n, n_labels)
    groups = _with_p_values([*_groups(pairs, delta, flipped)])
    axes = np.array([pair.axis for pair in pairs])
    return FairnessScores(
        mean=float(np.abs(delta).mean()),
        flips=float(flipped.mean()),
        axes=tuple(
            AxisScore(
                axis=axis,
                n_pairs=int((own := axes == axis).sum()),
                mean=float(np.abs(delta[own]).mean()),
                largest=float(np.abs(delta[own]).max()),
                flips=float(flipped[own].mean()),
                gap=max(group.gap for group in groups if group.axis == axis),
            )
            for axis in dict.fromkeys(axes.tolist())
        ),
        groups=groups,
        countries=countries,
    )


def measure_countries(names: Sequence[str], probabilities: Matrix) -> CountryScore:
    """Spread between countries, each the mean over its sentences.

    Args:
        names: n countries.
        probabilities: (n_sentences, n, n_labels), 0..1.
    """
    means = np.asarray(probabilities, dtype=float).mean(axis=0)  # (n, n_labels)
    spread = means.max(axis=0) - means.min(axis=0)
    worst = int(spread.argmax())
    return CountryScore(
        n_countries=len(names),
        n_sentences=len(probabilities),
        spread_per_label=tuple(spread.tolist()),
        highest=names[int(means[:, worst].argmax())],
        lowest=names[int(means[:, worst].argmin())],
    )


def holm(p_values: Matrix) -> Matrix:
    """Holm-corrected p values of the same shape; Holm 1979, "A simple sequentially rejective ..."."""
    flat = np.ravel(p_values)
    corrected: Matrix = multipletests(flat, method="holm")[1].reshape(np.shape(p_values))
    return corrected


def _groups(
    pairs: Sequence[Pair], delta: Matrix, flipped: NDArray[np.bool_]
) -> Iterator[tuple[GroupScore, Matrix]]:
    """Every group beside its uncorrected p values (n_labels,)."""
    axes = np.array([pair.axis for pair in pairs])
    carriers = np.array([pair.carrier for pair in pairs])
    sides = np.array([(pair.group_a, pair.group_b) for pair in pairs])
    for axis in dict.fromkeys(axes.tolist()):
        names = list(dict.fromkeys(sides[axes == axis].ravel().tolist()))
        # Of two groups one says what the other would say with its sign turned.
        for name in names if len(names) > 2 else names[:1]:
            mine = (axes == axis) & (sides == name).any(axis=1)
            signed = np.where((sides[mine, 0] == name)[:, None], delta[mine], -delta[mine])
            gap = signed.mean(axis=0)
            score = GroupScore(
                axis=axis,
                group=name if len(names) > 2 else f"{names[0]} / {names[1]}",
                n_pairs=int(mine.sum()),
                mean=float(np.abs(signed).mean()),
                largest=float(np.abs(signed).max()),
                flips=float(flipped[mine].mean()),
                mean_per_label=tuple(np.abs(signed).mean(axis=0).tolist()),
                largest_per_label=tuple(np.abs(signed).max(axis=0).tolist()),
                gap_per_label=tuple(gap.tolist()),
                p_per_label=(1.0,) * len(gap),
            )
            yield score, _p_values(signed, carriers[mine])


def _p_values(signed: Matrix, carriers: NDArray[np.int_]) -> Matrix:
    """Paired t-test per label on the means of the carriers: pairs that share a sentence count once."""
    means = np.array([signed[carriers == carrier].mean(axis=0) for carrier in np.unique(carriers)])
    p_values = np.ones(means.shape[1])
    # Where all differences are the same number the test has no variance to go by.
    varied = np.ptp(means, axis=0) > 0
    if varied.any():
        p_values[varied] = ttest_1samp(means[:, varied], 0.0).pvalue
    return p_values


def _with_p_values(found: Sequence[tuple[GroupScore, Matrix]]) -> tuple[GroupScore, ...]:
    corrected = holm(np.array([p_values for _, p_values in found]))
    return tuple(
        score.model_copy(update={"p_per_label": tuple(row)})
        for (score, _), row in zip(found, corrected.tolist(), strict=True)
    )
