"""The protocol: nested shares, held-out folds, shuffled labels, scores beside their libraries'."""

from itertools import chain

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score, mean_absolute_error

from tasks.pipeline.evaluation.ablation_arms import (
    N_FOLDS,
    AblationArm,
    arms,
    draw_per_label,
    draw_real,
    draw_synthetic,
    fold_of,
    rare_rows,
    rarest,
)
from tasks.pipeline.evaluation.comparison import compare, compare_on_shared, rare_f1
from tasks.pipeline.evaluation.predictions import Predictions, from_bytes, joined, to_bytes
from tasks.taxonomy import load_taxonomy

EKMAN = load_taxonomy("ekman")
SEVEN = load_taxonomy("sentiment7")
RNG = np.random.default_rng(3)


def share_of(real):
    return AblationArm(name="", real=real, synthetic=False)


@pytest.fixture
def real(make_row):
    names = EKMAN.names
    return [
        make_row(
            f"Real text number {i}.",
            id=str(i),
            labels=[names[i % 7]],
            targets=[float(i % 7 == j) for j in range(7)],
            source="real",
        )
        for i in range(600)
    ]


def predictions(taxonomy, n=400, noise=0.2, seed=0):
    rng = np.random.default_rng(seed)
    which = np.random.default_rng(99).integers(0, taxonomy.n_labels, n)
    targets = np.eye(taxonomy.n_labels)[which]
    said = np.clip(targets * 0.8 + rng.normal(0.1, noise, targets.shape), 0, 1)
    levels = (
        np.clip(which + 1 + rng.integers(-1, 2, n), 1, taxonomy.n_labels) if taxonomy.ordinal else which * 0
    )
    return Predictions(
        np.array([f"r{i}" for i in range(n)]),
        said,
        np.full(taxonomy.n_labels, 0.5),
        targets,
        levels,
        np.ones(n),
        np.zeros(n),
    )


def test_the_arms_of_the_protocol():
    assert [(a.name, a.real, a.synthetic, a.shuffled) for a in arms([0.01, 0.1])] == [
        ("real", 1.0, False, False),
        ("synthetic", 0.0, True, False),
        ("real + synthetic", 1.0, True, False),
        ("1 % real", 0.01, False, False),
        ("1 % real + synthetic", 0.01, True, False),
        ("10 % real", 0.1, False, False),
        ("10 % real + synthetic", 0.1, True, False),
        ("synthetic, labels shuffled", 0.0, True, True),
    ]


def test_few_rows_per_label_come_with_and_without_synthetic_rows():
    few = [(a.name, a.per_label, a.synthetic) for a in arms([], [8]) if a.per_label]

    assert few == [("8 real per label", 8, False), ("8 real per label + synthetic", 8, True)]


def test_so_many_rows_of_each_label_are_drawn_and_fewer_rows_are_part_of_more(real):
    few, more = ([row["id"] for row in draw_per_label(real, EKMAN.names, n, 2)] for n in (8, 16))
    labels = [real[int(i)]["labels"][0] for i in few]

    assert {name: labels.count(name) for name in EKMAN.names} == dict.fromkeys(EKMAN.names, 8)
    assert set(few) < set(more)
    assert len(more) == 7 * 16
    arm = AblationArm(name="", real=0.0, per_label=8, synthetic=False)
    drawn = draw_real(real, arm, EKMAN.names, None, 0.1, 2)
    assert len(drawn) == 56
    assert sum(row["split"] == "validation" for row in drawn) == 5
    assert not {fold_of(row) for row in drawn} & {2}


def test_a_row_with_two_labels_counts_for_both(make_row):
    rows = [
        make_row(id="both", labels=["a", "b"]),
        make_row(id="a", labels=["a"]),
        make_row(id="b", labels=["b"]),
    ]
    drawn = {tuple(row["id"] for row in draw_per_label(rows, ["a", "b"], 1, seed)) for seed in range(20)}

    assert drawn == {("both",), ("a", "both"), ("b", "both"), ("a", "b"), ("b", "a")}


def test_a_smaller_share_is_part_of_a_larger_one_in_every_split(real):
    few, many = (draw_real(real, share_of(share), EKMAN.names, None, 0.1, 2) for share in (0.1, 0.5))
    where = {row["id"]: row["split"] for row in many}

    assert len(few) == 60
    assert len(many) == 300
    assert all(where[row["id"]] == row["split"] for row in few)
    assert sum(row["split"] == "validation" for row in many) == 30


def test_the_fold_of_a_seed_is_never_learnt_from_and_every_row_is_held_out_once(real):
    held = [[row["id"] for row in rare_rows(real, EKMAN.names, seed)] for seed in range(N_FOLDS)]

    for seed, ids in enumerate(held):
        assert not {row["id"] for row in draw_real(real, share_of(1.0), EKMAN.names, None, 0.1, seed)} & set(
            ids
        )
    assert sorted(chain(*held)) == sorted(row["id"] for row in real)


def test_rows_without_a_rare_label_are_thinned_and_count_for_those_left_out(real):
    fold = [row for row in real if fold_of(row) == 1]
    rows = rare_rows(real, ["joy"], 1, keep=0.25)
    rare, rest = ([row for row in rows if ("joy" in row["labels"]) == wanted] for wanted in (True, False))

    assert len(rare) == sum("joy" in row["labels"] for row in fold)
    assert {row["weight"] for row in rare} == {1.0}
    assert {row["weight"] for row in rest} == {4.0}
    assert sum(row["weight"] for row in rest) == pytest.approx(len(fold) - len(rare), rel=0.3)


def test_a_cap_bounds_the_rows(real):
    assert len(draw_real(real, share_of(1.0), EKMAN.names, 50, 0.1, 0)) == 50
    assert len(draw_synthetic(real, 70, False, 0)) == 70


def test_shuffled_labels_keep_their_counts_and_lose_their_texts(real):
    plain, shuffled = (draw_synthetic(real, None, how, 4) for how in (False, True))

    assert [row["text"] for row in plain] == [row["text"] for row in shuffled]
    assert sorted(row["labels"] for row in plain) == sorted(row["labels"] for row in shuffled)
    same = np.mean([a["labels"] == b["labels"] for a, b in zip(plain, shuffled, strict=True)])
    assert same < 0.25


def test_the_rarest_labels_come_first(real):
    assert rarest([row for row in real if row["labels"] != ["joy"]] + real[:7], EKMAN, 1) == ["joy"]


def test_scores_are_the_libraries_and_differences_are_paired():
    good, bad = predictions(EKMAN, noise=0.2), predictions(EKMAN, noise=0.5, seed=1)
    found = compare({"real": [good], "synthetic": [bad]}, EKMAN, [("real", "synthetic"), ("real", "no")], 0)
    macro = [f1_score(p.targets, p.decided, average="macro") for p in (good, bad)]

    assert found.scores["real"]["f1_macro"].value == pytest.approx(macro[0])
    assert found.scores["real"]["f1_macro"].low < macro[0] < found.scores["real"]["f1_macro"].high
    assert list(found.differences) == ["real - synthetic"]
    assert found.differences["real - synthetic"]["f1_macro"].value == pytest.approx(macro[0] - macro[1])
    assert found.differences["real - synthetic"]["f1_macro"].low > 0


def test_a_scale_is_scored_as_one():
    said = predictions(SEVEN)
    scores = compare({"real": [said]}, SEVEN, [], 0).scores["real"]
    true = said.targets.argmax(axis=1) + 1

    assert scores["kappa"].value == pytest.approx(
        cohen_kappa_score(true, said.levels, weights="quadratic"), abs=1e-5
    )
    assert scores["mae"].value == pytest.approx(mean_absolute_error(true, said.levels), abs=1e-5)


def test_rare_labels_are_pooled_over_folds_and_weighted():
    one, two = predictions(EKMAN, n=60), predictions(EKMAN, n=90, seed=5)
    two = two._replace(weights=np.where(np.arange(90) % 2, 1.0, 3.0))
    times = np.concatenate([one.weights, two.weights]).astype(int)
    true, said = (np.repeat(np.vstack([one[i], two[i]]), times, axis=0) for i in (3, 1))
    decided = np.repeat(np.vstack([one.decided, two.decided]), times, axis=0)
    found = rare_f1([one, two], [1, 4])(np.ones((1, 150)))

    assert said.shape == true.shape
    assert found[0] == pytest.approx(f1_score(true, decided, average=None)[[1, 4]].mean())


def test_predictions_are_saved_whole():
    said = predictions(SEVEN)

    assert to_bytes(said) == to_bytes(said)
    assert all(np.array_equal(a, b) for a, b in zip(from_bytes(to_bytes(said)), said, strict=True))


def test_out_of_fold_predictions_keep_the_thresholds_of_their_models():
    one = predictions(EKMAN, n=3)._replace(thresholds=np.full(7, 0.2))
    other = predictions(EKMAN, n=2, seed=1)._replace(thresholds=np.full(7, 0.9))
    both = joined([one, other])

    assert (both.probabilities.shape, both.thresholds.shape) == ((5, 7), (5, 7))
    assert both.decided.tolist() == [*one.decided.tolist(), *other.decided.tolist()]
    assert both.rows(np.array([4, 0])).decided.tolist() == [
        other.decided[1].tolist(),
        one.decided[0].tolist(),
    ]
    assert from_bytes(to_bytes(both)).decided.tolist() == both.decided.tolist()


def test_an_arm_that_labelled_a_sample_is_compared_on_that_sample():
    whole, other = predictions(EKMAN), predictions(EKMAN, noise=0.5, seed=1)
    sample = other.rows(np.arange(0, 400, 4))
    found = {"one": [whole], "two": [sample], "three": [other]}
    pairs = [("one", "two"), ("one", "three"), ("two", "absent")]
    shared = compare_on_shared(found, EKMAN, pairs, 0, 200)
    alone = compare({"one": [whole.rows(np.arange(0, 400, 4))], "two": [sample]}, EKMAN, pairs, 0, 200)
    full = compare({"one": [whole], "three": [other]}, EKMAN, pairs, 0, 200)

    assert list(shared.scores) == ["one", "two", "three"]
    assert list(shared.differences) == ["one - two", "one - three"]
    assert shared.scores["two"] == alone.scores["two"]
    assert shared.differences["one - two"] == alone.differences["one - two"]
    assert shared.scores["one"] == full.scores["one"]
    assert shared.differences["one - three"] == full.differences["one - three"]
