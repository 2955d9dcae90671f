"""Wrong labels planted among separable vectors are found, and little else is."""

import numpy as np
import pytest

from tasks.config import VerifyingConfig
from tasks.embedding import MINILM_SHA256, embed, minilm_folder
from tasks.verifying import verify_rows
from tasks.verifying.folds import disputed, out_of_fold

N_PER_LABEL = 60


@pytest.fixture(scope="module")
def planted():
    """Three separable clouds in 20 dimensions; twelve rows carry the label of another cloud."""
    rng = np.random.default_rng(0)
    cloud = np.repeat(np.arange(3), N_PER_LABEL)
    vectors = 3.0 * np.eye(3, 20)[cloud] + rng.normal(0, 0.45, (3 * N_PER_LABEL, 20))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)  # as embeddings are
    wrong = np.sort(rng.choice(3 * N_PER_LABEL, 12, replace=False))
    given = cloud.copy()
    given[wrong] = (cloud[wrong] + 1) % 3
    groups = [f"g{i}" for i in range(len(cloud))]
    return vectors, np.eye(3, dtype=bool)[given], groups, wrong, cloud


def test_planted_wrong_labels_are_disputed_and_no_right_ones(planted):
    vectors, targets, groups, wrong, _ = planted
    found = np.flatnonzero(disputed(targets, out_of_fold(vectors, targets, groups, 5, 0), max_share=0.25))

    assert set(found) <= set(wrong)
    assert len(found) >= 9  # of twelve: confident learning counts before it accuses


def test_out_of_fold_probabilities_follow_the_clouds(planted):
    vectors, targets, groups, _, cloud = planted
    probabilities = out_of_fold(vectors, targets, groups, 5, 0)

    assert probabilities.shape == (180, 3)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert (probabilities.argmax(axis=1) == cloud).mean() > 0.97


def test_the_seed_decides_the_folds(planted):
    vectors, targets, groups, _, _ = planted
    first, again, other = (out_of_fold(vectors, targets, groups, 5, seed) for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_row_is_not_judged_by_its_own_group():
    # Two copies of every vector share a group; labels are noise, so only a copy could tell them.
    rng = np.random.default_rng(1)
    vectors = np.repeat(np.eye(60), 2, axis=0) * 10
    targets = np.repeat(rng.random((60, 1)) < 0.5, 2, axis=0)
    told = [f"row {i}" for i in range(120)]
    kept_apart = [f"pair {i // 2}" for i in range(120)]

    def right(groups):
        return ((out_of_fold(vectors, targets, groups, 5, 0) > 0.5) == targets).mean()

    assert right(told) > 0.8
    assert right(kept_apart) < 0.65


def test_of_a_label_no_more_than_the_largest_share_is_dropped_the_worst_first():
    targets = np.tile([True, False], (20, 1))
    probabilities = np.column_stack([np.linspace(0.01, 0.4, 20), np.full(20, 0.5)])
    targets[-1] = [False, True]  # both labels occur
    drop = disputed(targets, probabilities, max_share=0.2)

    assert np.flatnonzero(drop).tolist() == [0, 1, 2]  # 0.2 of 19 rows


def test_a_share_of_zero_drops_nothing(planted):
    vectors, targets, groups, _, _ = planted

    assert not disputed(targets, out_of_fold(vectors, targets, groups, 5, 0), max_share=0.0).any()


def test_a_label_with_few_rows_is_left_alone(planted):
    vectors, _, groups, _, cloud = planted
    rare = np.flatnonzero(cloud == 2)
    keep = np.sort(np.concatenate([np.flatnonzero(cloud != 2), rare[:9]]))
    own = np.eye(3, dtype=bool)[cloud[keep]]
    own[-1] = [False, False, True]
    probabilities = out_of_fold(vectors[keep], own, [groups[i] for i in keep], 5, 0)
    probabilities[-9:, 2] = 0.001
    probabilities[-9:, 0] = 0.99

    assert not disputed(own, probabilities, max_share=0.5)[-9:].any()


def test_a_label_that_a_row_lacks_is_not_disputed(planted):
    vectors, targets, groups, _, _ = planted
    probabilities = out_of_fold(vectors, targets, groups, 5, 0)
    # Row 0 lacks a label that the folds are sure of: the generator was not asked to leave it out.
    own = int(targets[0].argmax())
    probabilities[0] = 0.99
    probabilities[0, own] = 0.98

    assert not disputed(targets, probabilities, max_share=0.25)[0]


def test_a_label_that_every_row_or_none_has_is_certain():
    targets = np.tile([True, False], (40, 1))
    vectors = np.random.default_rng(0).normal(size=(40, 4))
    probabilities = out_of_fold(vectors, targets, [str(i) for i in range(40)], 5, 0)

    assert np.array_equal(probabilities, targets.astype(float))


def test_texts_are_embedded_as_unit_vectors_whatever_stands_beside_them():
    texts = ["The soup was lovely.", "A dull meeting.", "soup " * 40]
    vectors = embed(texts)

    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(embed(texts[:1])[0], vectors[0], atol=1e-5)
    assert embed([]).shape[0] == 0


def test_the_weights_of_minilm_are_the_published_ones():
    assert (minilm_folder() / "model.safetensors").stat().st_size == 90_868_376
    assert MINILM_SHA256.startswith("53aa5117")


@pytest.fixture(scope="module")
def verified(make_row):
    """Sixty texts of two labels told by their words, two with the other's label; judged by MiniLM."""
    tails = [
        f"{what} {when}"
        for what in ("at the lake", "in the kitchen", "with my sister", "on the train", "at work")
        for when in ("today", "yesterday", "this morning", "last week", "on Sunday", "at night")
    ]
    glad = [make_row(f"I am so happy and grateful, a wonderful time {t}.", id=f"g{t}") for t in tails]
    sad = [
        make_row(f"I feel awful and cried, a horrible time {t}.", ("sadness",), (0.0, 1.0), id=f"s{t}")
        for t in tails
    ]
    for row in (glad[3], glad[17]):
        row.update(labels=["sadness"], targets=[0.0, 1.0])
    rows = [*glad, *sad]
    config = VerifyingConfig(folds=5, max_drop_share=0.25)
    return rows, verify_rows(rows, ("joy", "sadness"), config, 0)


def test_texts_with_a_planted_wrong_label_are_dropped_with_their_votes(verified):
    rows, sifted = verified
    dropped = [r["row"] for r in sifted.rejects]

    assert {row["id"] for row in dropped} == {rows[3]["id"], rows[17]["id"]}
    assert sifted.counts() == {"verifying: label disputed": 2}
    assert all(row["votes"]["fold"] < 0.5 for row in dropped)
    assert all(set(row["votes"]) == {"fold", "quality"} for row in sifted.kept)
    assert len(sifted.kept) == 58


def test_verifying_changes_nothing_but_the_votes(verified):
    rows, sifted = verified
    by_id = {row["id"]: row for row in rows}

    assert all({**row, "votes": {}} == by_id[row["id"]] for row in sifted.kept)
    assert all(row["votes"] == {} for row in rows)


@pytest.mark.parametrize(("enabled", "n_rows"), [(False, 60), (True, 49)])
def test_switched_off_or_with_too_few_rows_everything_is_kept(make_row, enabled, n_rows):
    rows = [make_row(id=f"r{i}") for i in range(n_rows)]
    sifted = verify_rows(rows, ("joy", "sadness"), VerifyingConfig(enabled=enabled, folds=5), 0)

    assert (sifted.kept, sifted.rejects) == (rows, [])


@pytest.mark.parametrize("columns", [{}, {"group": "all of them"}])
def test_rows_that_cannot_be_told_apart_are_kept(make_row, columns):
    one = {} if columns else {"targets": (1.0, 0.0)}
    rows = [
        make_row(**{"targets": (float(i % 2), 1.0 - i % 2), **one, **columns}, id=f"r{i}") for i in range(60)
    ]

    assert verify_rows(rows, ("joy", "sadness"), VerifyingConfig(folds=5), 0).kept == rows
