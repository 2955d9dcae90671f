"""The gate: a model that is worse beyond chance is told apart from one that is not."""

import numpy as np
import pytest
from sklearn.metrics import f1_score
from test_evaluation_comparison import EKMAN, SEVEN, predictions

from tasks.pipeline.evaluation.promotion import paired_differences, regressions


def test_the_champion_beside_itself_is_no_worse():
    said = predictions(EKMAN)

    assert paired_differences(said, said, EKMAN, 0) == {"f1_macro": (0.0, 0.0, 0.0)}
    assert regressions(paired_differences(said, said, EKMAN, 0)) == []


def test_a_worse_model_is_told_with_its_interval():
    own, champion = predictions(EKMAN, noise=0.5, seed=1), predictions(EKMAN, noise=0.2)
    found = paired_differences(own, champion, EKMAN, 0)["f1_macro"]
    gap = np.subtract(*(f1_score(p.targets, p.decided, average="macro") for p in (own, champion)))

    assert found.value == pytest.approx(gap)
    assert regressions({"f1_macro": found}) == [
        f"macro-F1 is {-gap:.3f} below the champion's on the same texts "
        f"(95 % interval of the difference {found.low:+.3f} to {found.high:+.3f})"
    ]


def test_a_difference_that_chance_explains_is_no_complaint():
    own, champion = predictions(EKMAN, noise=0.3, seed=1), predictions(EKMAN, noise=0.3, seed=2)

    assert regressions(paired_differences(own, champion, EKMAN, 0)) == []


def test_only_texts_that_both_were_measured_on_count_whatever_their_order():
    champion = predictions(EKMAN)
    some = np.random.default_rng(0).permutation(400)[:300]

    assert paired_differences(champion.rows(some), champion, EKMAN, 0) == {"f1_macro": (0.0, 0.0, 0.0)}


def test_without_a_common_text_nothing_is_said():
    said = predictions(EKMAN)

    assert paired_differences(said, said._replace(ids=np.char.add(said.ids, "x")), EKMAN, 0) == {}


def test_scales_are_compared_by_kappa_too():
    said = predictions(SEVEN)

    assert set(paired_differences(said, said, SEVEN, 0)) == {"f1_macro", "kappa"}
