"""Metrics, thresholds and baselines: exact outputs on cases worked out by hand."""

import re

import evaluate
import numpy as np
import pytest
from sklearn.metrics import f1_score

from tasks.pipeline.decision.ordinal_levels import fit_recalibration, mean_levels, predict_level
from tasks.pipeline.decision.thresholds import (
    choose_thresholds,
    confidence,
    decide,
    fit_none_below,
    plug_in_thresholds,
    population_weights,
    tune_thresholds,
)
from tasks.pipeline.evaluation.baselines import majority, tfidf_logreg, tfidf_ridge
from tasks.pipeline.evaluation.measure import METRICS_FILE, measure, true_levels
from tasks.taxonomy import Taxonomy, load_taxonomy

POLARITY = load_taxonomy("polarity3")
TARGETS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=float)
# Text by text: right, right, one level off, right with a second label that is wrong.
SCORES = np.array([[0.9, 0.1, 0.1], [0.2, 0.8, 0.1], [0.1, 0.6, 0.4], [0.6, 0.1, 0.9]])
HALF = np.full(3, 0.5)


def test_measure_gives_every_metric_exactly():
    result = measure(SCORES, HALF, TARGETS, POLARITY)
    # Right: 3 of 5 decided, 3 of 4 true.
    assert result["f1_micro"] == pytest.approx(2 * 3 / (5 + 4))
    assert result["f1_macro"] == pytest.approx((2 / 3 + 2 / 3 + 2 / 3) / 3)
    assert result["f1_weighted"] == pytest.approx(2 / 3)
    assert result["f1_samples"] == pytest.approx((1 + 1 + 0 + 2 / 3) / 4)
    assert result["jaccard"] == pytest.approx((1 + 1 + 0 + 1 / 2) / 4)
    assert result["hamming"] == pytest.approx(3 / 12)
    assert result["mean_average_precision"] == 1.0
    assert result["ranking_average_precision"] == pytest.approx((1 + 1 + 1 / 2 + 1) / 4)
    assert result["brier"] == pytest.approx(1.23 / 12)
    assert result["n_rows"] == 4


def test_calibration_error_weighs_the_gap_in_each_bin():
    targets = np.array([[1, 0], [0, 1], [1, 0], [1, 0]], dtype=float)
    scores = np.array([[0.7, 0.3], [0.7, 0.3], [0.7, 0.3], [0.7, 0.3]])
    taxonomy = Taxonomy.model_validate(
        {"name": "two", "labels": [{"name": "a", "meaning": "A."}, {"name": "b", "meaning": "B."}]}
    )
    result = measure(scores, np.full(2, 0.5), targets, taxonomy)
    # Both labels: 3 of 4 (1 of 4) where 0.7 (0.3) was said.
    assert result["calibration_error"] == pytest.approx(0.05)
    assert "mae" not in result


def test_measure_gives_a_scale_its_distances():
    result = measure(SCORES, HALF, TARGETS, POLARITY, np.array([1, 2, 2, 3]))
    assert result["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert result["mae"] == 0.25
    assert result["level_accuracy"] == 0.75
    assert result["within_one_level"] == 1.0
    # Quadratic weights: 1 observed; expected 1 * (2 * 1 + 1 * 4 + 1 * 1 + 1 * 1 + 2 * 4 + 2 * 2) / 4 = 5.
    assert result["kappa"] == pytest.approx(1 - 1 / 5)


def test_without_levels_the_probabilities_place_the_texts():
    result = measure(SCORES, HALF, TARGETS, POLARITY)
    # Mean levels 1.27, 1.91, 2.27, 2.19.
    assert result["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 2, 0]]


def test_texts_with_two_labels_have_no_level_and_are_left_out_of_the_scale():
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=float)
    assert true_levels(targets).tolist() == [1, 0, 0, 3]
    assert measure(SCORES, HALF, targets, POLARITY)["n_levelled"] == 2


def test_per_label_scores_are_exact_and_undefined_ones_are_zero_or_none():
    targets = np.array([[1, 0, 0], [0, 0, 1]], dtype=float)
    scores = np.array([[0.9, 0.2, 0.1], [0.8, 0.3, 0.6]])
    result = measure(scores, HALF, targets, POLARITY)
    assert result["per_label"] == [
        {
            "label": "positive",
            "precision": 0.5,
            "recall": 1.0,
            "f1": pytest.approx(2 / 3),
            "average_precision": 1.0,
            "n_true": 1,
            "n_decided": 2,
        },
        {
            "label": "neutral",
            "precision": 0.0,
            "recall": 0.0,
            "f1": 0.0,
            "average_precision": None,
            "n_true": 0,
            "n_decided": 0,
        },
        {
            "label": "negative",
            "precision": 1.0,
            "recall": 1.0,
            "f1": 1.0,
            "average_precision": 1.0,
            "n_true": 1,
            "n_decided": 1,
        },
    ]
    assert result["mean_average_precision"] == 1.0


def test_kappa_of_a_constant_level_is_none():
    targets = np.array([[0, 1, 0], [0, 1, 0]], dtype=float)
    result = measure(np.array([[0.1, 0.8, 0.1], [0.1, 0.7, 0.1]]), HALF, targets, POLARITY)
    assert result["kappa"] is None
    assert result["mae"] == 0.0


def test_metrics_load_through_evaluate_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = evaluate.load(str(METRICS_FILE), keep_in_memory=True)
    result = module.compute(
        predictions=[[1, 0], [0, 1]],
        references=[[1, 0], [1, 0]],
        probabilities=[[0.9, 0.1], [0.2, 0.8]],
        label_names=["a", "b"],
    )
    assert result["f1_micro"] == 0.5
    assert "from tasks" not in METRICS_FILE.read_text()


def test_empty_test_set_is_refused():
    none = np.zeros((0, 3))
    with pytest.raises(ValueError, match=r"test set is empty; expected at least one text\."):
        measure(none, HALF, none, POLARITY)


def test_soft_targets_and_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="references have values other than 0 and 1; expected label sets"):
        measure(SCORES, HALF, TARGETS * 0.5, POLARITY)
    with pytest.raises(
        ValueError, match=re.escape("shape of references is (4, 2); expected (n, n_labels) = ")
    ):
        measure(SCORES, HALF, TARGETS[:, :2], POLARITY)


def test_threshold_lies_halfway_below_the_last_text_worth_taking():
    probabilities = np.array([[0.9], [0.7], [0.4], [0.2]])
    targets = np.array([[1], [1], [0], [0]])
    assert tune_thresholds(probabilities, targets, min_positives=1).tolist() == [pytest.approx(0.55)]


def test_equal_scores_are_never_parted():
    probabilities = np.array([[0.5], [0.5], [0.1]])
    targets = np.array([[1], [0], [0]])
    assert tune_thresholds(probabilities, targets, min_positives=1).tolist() == [pytest.approx(0.3)]


def test_thresholds_reach_the_best_f1_of_an_exhaustive_search():
    rng = np.random.default_rng(0)
    probabilities = np.round(rng.random((60, 5)), 2)
    targets = (rng.random((60, 5)) < probabilities).astype(int)
    thresholds = tune_thresholds(probabilities, targets, min_positives=1)
    for label in range(5):
        truth, scores = targets[:, label], probabilities[:, label]
        found = f1_score(truth, scores >= thresholds[label])
        assert found == max(f1_score(truth, scores >= cut) for cut in np.unique(scores))


def test_rare_labels_lean_on_the_pooled_threshold():
    probabilities = np.array([[0.9, 0.3], [0.8, 0.1], [0.7, 0.1], [0.1, 0.1]])
    targets = np.array([[1, 1], [1, 0], [1, 0], [0, 0]])
    # Own cuts 0.4 and 0.2; pooled: taking four of eight is perfect, cut at (0.3 + 0.1) / 2 = 0.2.
    assert tune_thresholds(probabilities, targets, min_positives=3).tolist() == [
        pytest.approx(0.4),
        pytest.approx(0.2),
    ]
    assert tune_thresholds(probabilities, targets, min_positives=9).tolist() == [
        pytest.approx(3 / 12 * 0.4 + 9 / 12 * 0.2),
        pytest.approx(0.2),
    ]


def test_label_without_positives_takes_the_pooled_threshold():
    probabilities = np.array([[0.9, 0.6], [0.2, 0.5]])
    targets = np.array([[1, 0], [0, 0]])
    assert tune_thresholds(probabilities, targets, min_positives=1).tolist() == [
        pytest.approx(0.55),
        pytest.approx(0.75),
    ]


def test_promised_threshold_is_half_the_best_f1_that_probabilities_expect():
    # Taking one, two, three texts of 1.3 expected hits: 1.6 / 2.3, 2.4 / 3.3, 2.6 / 4.3.
    assert plug_in_thresholds(np.array([[0.1], [0.8], [0.4]])).tolist() == [pytest.approx(1.2 / 3.3)]


def test_promised_thresholds_reach_the_best_f1_where_probabilities_are_right():
    rng = np.random.default_rng(0)
    probabilities = rng.beta(0.3, 2.0, 200_000)
    truth = rng.random(200_000) < probabilities
    threshold = plug_in_thresholds(probabilities[:, None])[0]
    best = max(f1_score(truth, probabilities >= cut) for cut in np.linspace(0.05, 0.95, 91))
    assert f1_score(truth, probabilities >= threshold) == pytest.approx(best, abs=5e-4)


def test_promised_thresholds_weigh_texts_as_copies_would():
    probabilities, weights, copies = (
        np.array([[0.9], [0.5], [0.2]]),
        np.array([1.0, 3.0, 1.0]),
        [0, 1, 1, 1, 2],
    )
    weighted = plug_in_thresholds(probabilities, weights)
    assert weighted.tolist() == pytest.approx(plug_in_thresholds(probabilities[copies]).tolist())
    assert weighted.tolist() != pytest.approx(plug_in_thresholds(probabilities).tolist())


def test_chosen_threshold_lies_midway_in_ratio_between_tuned_and_promised():
    probabilities, targets = np.array([[0.8], [0.4], [0.1]]), np.array([[1], [0], [0]])
    assert tune_thresholds(probabilities, targets, 1).tolist() == [pytest.approx(0.6)]
    assert choose_thresholds(probabilities, targets, 1).tolist() == [pytest.approx((0.6 * 1.2 / 3.3) ** 0.5)]


def test_confidence_is_the_f1_that_the_probabilities_promise():
    probabilities = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.6, 0.2, 0.2]])
    decided = np.array([[True, False, False], [True, True, False], [True, False, False]])

    assert confidence(probabilities, decided).tolist() == pytest.approx([1.0, 2 / 3, 0.6])


def test_the_confidence_in_no_label_is_the_probability_that_none_holds():
    decided = np.array([[False, False]])
    assert confidence(np.array([[0.1, 0.2]]), decided).tolist() == pytest.approx([0.72])


def test_decide_gives_no_label_where_even_the_nearest_is_too_far():
    thresholds, probabilities = np.array([0.5, 0.2]), np.array([[0.4, 0.1], [0.1, 0.1], [0.1, 0.2]])
    assert decide(probabilities, thresholds, 0.6).tolist() == [[True, False], [False, False], [False, True]]
    assert decide(probabilities, thresholds, np.array([0.9, 0.5, 1.0])).tolist() == [
        [False, False],
        [False, True],
        [False, True],
    ]


def test_the_share_of_texts_that_lose_their_label_is_kept():
    thresholds = np.array([0.5, 0.5])
    probabilities = np.array([[0.05 * (i + 1), 0.0] for i in range(10)])  # nearest 0.1, 0.2 .. 1.0
    found = fit_none_below(probabilities, thresholds, 0.2)
    assert found == pytest.approx(0.2)  # below it lies one of ten
    assert (~decide(probabilities, thresholds, found).any(axis=1)).sum() == 1
    assert fit_none_below(2 * probabilities, thresholds, 1.0) == 1.0
    heavy = np.array([8.0, *[1.0] * 9])
    assert fit_none_below(probabilities, thresholds, 0.2, heavy) == pytest.approx(0.1)


def test_decide_takes_what_reaches_its_threshold_or_else_the_nearest():
    thresholds = np.array([0.5, 0.2, 0.4])
    probabilities = np.array([[0.5, 0.1, 0.9], [0.4, 0.18, 0.1]])
    assert decide(probabilities, thresholds).tolist() == [[True, False, True], [False, True, False]]


def test_a_place_on_the_scale_is_the_mean_of_the_levels_moved_along_the_line():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.4, 0.2, 0.4], [0.1, 0.0, 0.4], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(mean_levels(probabilities), [1.1, 2.0, 2.6, 2.0])
    assert predict_level(probabilities, (1.0, 0.0)).tolist() == [1, 2, 3, 2]
    assert predict_level(probabilities, (3.0, -4.0)).tolist() == [1, 2, 3, 2]
    assert predict_level(probabilities, (0.0, 2.0)).tolist() == [2, 2, 2, 2]


def test_the_line_brings_the_ends_of_the_scale_within_reach():
    # Each label keeps a little probability everywhere, so mean levels run from 1.5 to 2.5 only.
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
    targets = np.eye(3)
    assert fit_recalibration(probabilities, targets) == pytest.approx((2.0, -2.0))
    assert predict_level(probabilities, fit_recalibration(probabilities, targets)).tolist() == [1, 2, 3]


def test_the_line_counts_texts_by_weight_and_leaves_out_those_without_a_label():
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6], [0.9, 0.0, 0.0]])
    targets = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, -1]], dtype=float)
    some = [0, 1]
    assert fit_recalibration(probabilities, targets, np.array([1.0, 1.0, 0.0, 9.0])) == pytest.approx(
        fit_recalibration(probabilities[some], targets[some])
    )


def test_the_line_changes_nothing_where_all_texts_stand_in_one_place():
    assert fit_recalibration(np.full((3, 3), 0.5), np.eye(3)) == (1.0, 0.0)
    assert fit_recalibration(np.ones((1, 3)), np.zeros((1, 3))) == (1.0, 0.0)


def test_majority_gives_everybody_the_most_frequent_label():
    train = np.array([[0, 1, 0], [0, 1, 1], [1, 0, -1]], dtype=float)
    baseline = majority(train, {"synthetic": 2})
    assert (
        baseline.probabilities["synthetic"].tolist()
        == [[pytest.approx(1 / 3), pytest.approx(2 / 3), 0.5]] * 2
    )
    decided = decide(baseline.probabilities["synthetic"], baseline.thresholds)
    assert decided.tolist() == [[False, True, False]] * 2


def test_majority_of_equals_is_one_label_not_all():
    baseline = majority(np.eye(3), {"real": 1})
    assert decide(baseline.probabilities["real"], baseline.thresholds).tolist() == [[True, False, False]]


GOOD = ["what a lovely day", "lovely food and lovely people", "this was lovely", "a lovely little walk"]
BAD = ["what an awful day", "awful food and awful people", "this was awful", "an awful little walk"]
TWO = np.array([[1, 0]] * 4 + [[0, 1]] * 4, dtype=float)


def test_bag_of_words_learns_from_few_texts_the_same_each_time():
    tests = {"synthetic": ["lovely indeed", "how awful"], "real": ["awful, just awful"]}
    first, second = (
        tfidf_logreg(GOOD + BAD, TWO, GOOD + BAD, TWO, tests, seed=0, min_positives=1) for _ in range(2)
    )
    assert decide(first.probabilities["synthetic"], first.thresholds).tolist() == [
        [True, False],
        [False, True],
    ]
    assert decide(first.probabilities["real"], first.thresholds).tolist() == [[False, True]]
    assert first.probabilities["real"].tobytes() == second.probabilities["real"].tobytes()


def test_bag_of_words_bears_labels_that_nobody_or_everybody_has():
    targets = np.column_stack([TWO, np.zeros(8), np.ones(8)])
    run = tfidf_logreg(GOOD + BAD, targets, GOOD, targets[:4], {"t": ["lovely"]}, seed=0, min_positives=1)
    assert run.probabilities["t"][0, 2:].tolist() == pytest.approx([0.0, 1.0], abs=2e-6)


def test_bag_of_words_leaves_unknown_targets_out():
    wrong = np.concatenate([TWO, [[0, 1]] * 6])
    masked = np.concatenate([TWO, [[-1, -1]] * 6])
    texts = [*GOOD, *BAD, *["lovely lovely lovely"] * 6]
    tests = {"t": ["lovely"]}
    spoilt = tfidf_logreg(texts, wrong, GOOD + BAD, TWO, tests, seed=0, min_positives=1)
    sound = tfidf_logreg(texts, masked, GOOD + BAD, TWO, tests, seed=0, min_positives=1)
    assert sound.probabilities["t"][0, 0] > 0.5 > spoilt.probabilities["t"][0, 0]


def test_a_ridge_places_texts_on_the_scale_and_its_levels_come_back_whole():
    words = ("lovely", "plain", "awful")
    texts = [f"the {noun} was {word}" for word in words for noun in ("soup", "train", "room", "film")]
    targets = np.repeat(np.eye(3), 4, axis=0)
    tests = {"real": ["a lovely film", "an awful soup", "a plain room"]}
    run = tfidf_ridge(texts, targets, texts, targets, tests)

    assert predict_level(run.probabilities["real"], run.recalibration).tolist() == [1, 3, 2]
    assert decide(run.probabilities["real"], run.thresholds).tolist() == [
        [True, False, False],
        [False, False, True],
        [False, True, False],
    ]


def test_weights_move_a_threshold_as_copies_of_the_texts_would():
    scores = np.array([[0.9], [0.8], [0.6], [0.3]])
    truth = np.array([[1.0], [0.0], [1.0], [0.0]])
    weights = np.array([1.0, 4.0, 1.0, 1.0])
    copies = [0, 1, 1, 1, 1, 2, 3]
    weighted = tune_thresholds(scores, truth, 1, weights)
    assert weighted.tolist() == tune_thresholds(scores[copies], truth[copies], 1).tolist()
    assert weighted.tolist() != tune_thresholds(scores, truth, 1).tolist()


def test_population_weights_give_texts_the_shares_of_the_world():
    targets = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    weights = population_weights(targets, (0.9, 0.1))
    np.testing.assert_allclose(weights, [1.8, 1.8, 0.2, 0.2])
    np.testing.assert_allclose((targets * weights[:, None]).mean(axis=0), [0.9, 0.1])
