"""What a finished run prints: whether it passed the fairness audit, and the figures beside their limits."""

import pytest

from tasks.cli.tables import fairness_line
from tasks.config import FairnessConfig
from tasks.data.fairness_scores import (
    AxisScore,
    Correction,
    CountryScore,
    Fairness,
    FairnessAudit,
    FairnessScores,
)


def fairness(mean: float, violations: tuple[str, ...], n_corrections: int) -> Fairness:
    axes = tuple(
        AxisScore(axis=axis, n_pairs=9, mean=value, largest=0.5, flips=0.001, gap=0.01)
        for axis, value in (("name gender", mean), ("religion", 0.9))
    )
    countries = CountryScore(
        n_countries=2, n_sentences=3, spread_per_label=(0.02, 0.01), highest="France", lowest="Peru"
    )
    scores = FairnessScores(mean=mean, flips=0.001, axes=axes, groups=(), countries=countries)
    correction = Correction(
        n_rows=4,
        pairing=0.25,
        before=("x",),
        after=(),
        f1_before=0.5,
        f1_after=0.5,
        deployed=scores,
        raw=scores,
    )
    return Fairness(
        audit=FairnessAudit(n_pairs=18, n_texts=36, raw=scores, deployed=scores),
        corrections=(correction,) * n_corrections,
        violations=violations,
    )


@pytest.mark.parametrize(
    ("mean", "violations", "n_corrections", "start"),
    [
        (0.0134, ("unfair: too much",), 2, "fairness  FAILED after 2 corrections: changing a name moves a "),
        (0.0134, ("unfair: too much",), 0, "fairness  FAILED: changing a name moves a "),
        (0.0034, (), 1, "fairness  passed after 1 correction: changing a name moves a "),
        (0.0034, (), 0, "fairness  passed: changing a name moves a "),
    ],
)
def test_a_classifier_that_exceeds_a_fairness_limit_is_said_to_have_failed(
    mean, violations, n_corrections, start
):
    assert fairness_line(fairness(mean, violations, n_corrections), FairnessConfig()) == (
        f"{start}probability by {mean} on average (limit 0.005), largest group gap 0.010 (limit 0.03), "
        "country spread 0.020 (limit 0.05)"
    )
