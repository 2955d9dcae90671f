"""Wrong labels planted among separable vectors are found, and little else is."""

import numpy as np
import pytest

from tasks.config import VerifyingConfig
from tasks.models.bundled import MINILM_SHA256, minilm_folder
from tasks.models.embedding import embed
from tasks.pipeline.verification import outcome_counts, verify_rows
from tasks.pipeline.verification.aggregation import aggregate_votes, classifier_evidence, prior_of
from tasks.pipeline.verification.decisions import decide_rows
from tasks.pipeline.verification.out_of_fold import out_of_fold
from tasks.pipeline.verification.unlabelled import guess_labels, label_by_votes
from tasks.taxonomy import Label, Taxonomy, load_taxonomy

N_PER_LABEL = 60
MOODS = Taxonomy(
    name="moods",
    labels=(
        Label(name="joy", meaning="The writer is glad."),
        Label(name="sadness", meaning="The writer is sad."),
    ),
)


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


def test_planted_wrong_labels_are_doubted_and_right_ones_are_not(planted):
    vectors, targets, groups, wrong, _ = planted
    folds = classifier_evidence(out_of_fold(vectors, targets, groups, 5, 0))
    label_probabilities = aggregate_votes(prior_of(targets, 0.8), {"folds": folds}, {"folds": 1.0})

    found = np.flatnonzero(label_probabilities[targets] < 0.5)

    assert set(found) <= set(wrong)
    assert len(found) >= 9  # of twelve


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


LABELS = ("joy", "sadness", "fear")
FEELINGS = Taxonomy(
    name="feelings", labels=tuple(Label(name=n, meaning=f"The writer feels {n}.") for n in LABELS)
)


def asked_for(labels):
    return {f"{name}|requested": 1.0 for name in labels}


def decided(make_row, requested, label_probabilities, **knobs):
    """One row per list of labels asked for, decided by its beliefs, beside thirty sure rows of each label."""
    requested = [*requested, *([name] for name in LABELS for _ in range(30))]
    label_probabilities = [*label_probabilities, *(0.01 + 0.98 * np.eye(3)[i // 30] for i in range(90))]
    rows = [
        make_row(
            labels=own,
            targets=FEELINGS.targets_of(own),
            votes=asked_for(own),
            id=f"r{i}",
        )
        for i, own in enumerate(requested)
    ]
    return decide_rows(
        rows, np.array([list(b) for b in label_probabilities]), FEELINGS, VerifyingConfig(**knobs)
    )


def test_a_believed_label_is_kept(make_row):
    filtered = decided(make_row, [["joy"]], [(0.8, 0.1, 0.2)])

    assert filtered.rejects == []
    assert (filtered.kept[0]["labels"], filtered.kept[0]["targets"]) == (["joy"], [1.0, 0.0, 0.0])


def test_a_disputed_label_drops_the_text_when_no_other_stands_out(make_row):
    filtered = decided(make_row, [["joy"]], [(0.2, 0.6, 0.1)])

    assert filtered.counts() == {"verifying: label disputed": 1}
    assert filtered.rejects[0]["row"]["id"] == "r0"


def test_a_text_whose_label_is_disputed_takes_on_another_that_is_sure(make_row):
    row = decided(make_row, [["joy"]], [(0.2, 0.95, 0.1)]).kept[0]

    assert (row["labels"], row["targets"]) == (["sadness"], [-1.0, 1.0, 0.0])


def test_one_of_two_labels_that_is_disputed_is_masked_and_taken_off(make_row):
    row = decided(make_row, [["joy", "fear"]], [(0.9, 0.1, 0.3)]).kept[0]

    assert (row["labels"], row["targets"]) == (["joy"], [1.0, 0.0, -1.0])


def test_a_likely_label_that_was_not_asked_for_is_masked(make_row):
    row = decided(make_row, [["joy"]], [(0.9, 0.6, 0.4)]).kept[0]

    assert (row["labels"], row["targets"]) == (["joy"], [1.0, -1.0, 0.0])


def test_soft_targets_are_beliefs_on_their_side_of_one_half(make_row):
    row = decided(
        make_row, [["joy"]], [(0.45, 0.2, 0.7)], keep_threshold=0.4, mask_threshold=0.8, soft_targets=True
    ).kept[0]

    assert row["targets"] == [0.51, 0.2, 0.49]


def test_of_a_label_no_more_than_the_largest_share_is_disputed_the_least_believed_first(make_row):
    label_probabilities = [(0.30, 0.1, 0.1), (0.10, 0.1, 0.1), (0.20, 0.1, 0.1)]
    filtered = decided(make_row, [["joy"]] * 3, label_probabilities, max_drop_fraction=0.06)  # of 33 rows

    assert [r["row"]["id"] for r in filtered.rejects] == ["r1"]
    assert decided(make_row, [["joy"]] * 3, label_probabilities, max_drop_fraction=0.0).rejects == []


def test_a_label_with_few_rows_is_left_alone(make_row):
    rows = [make_row(labels=["joy"], targets=(1.0, 0.0, 0.0), id=f"r{i}") for i in range(9)]

    assert (
        decide_rows(rows, np.full((9, 3), 0.1), FEELINGS, VerifyingConfig(max_drop_fraction=1.0)).rejects
        == []
    )


def test_levels_follow_the_labels(make_row):
    scale = load_taxonomy("polarity3")
    row = make_row(labels=["positive"], targets=(1.0, 0.0, 0.0), level=1, id="odd")
    rows = [
        row,
        *(make_row(labels=["negative"], targets=(0.0, 0.0, 1.0), level=3, id=f"r{i}") for i in range(20)),
    ]
    label_probabilities = np.array([[0.1, 0.0, 0.99]] * 21)
    few = decide_rows(rows, label_probabilities, scale, VerifyingConfig())
    many = decide_rows(
        [*[row] * 12, *rows],
        np.vstack([label_probabilities[:1]] * 12 + [label_probabilities]),
        scale,
        VerifyingConfig(),
    )

    assert [few.kept[0]["level"], few.kept[0]["labels"]] == [1, ["positive"]]  # one of its label says little
    assert [many.kept[0]["level"], many.kept[0]["labels"]] == [3, ["negative"]]


def test_what_the_votes_changed_is_counted(make_row):
    requested = [["joy"], ["joy"], ["joy", "fear"], ["sadness"]]
    label_probabilities = [(0.1, 0.95, 0.1), (0.9, 0.6, 0.1), (0.9, 0.1, 0.1), (0.1, 0.9, 0.1)]

    assert outcome_counts(decided(make_row, requested, label_probabilities).kept[:4]) == {
        "unchanged": 2,
        "labels masked: requested, disputed": 2,
        "labels masked: not requested, likely": 1,
        "one label of several disputed": 1,
        "relabelled": 1,
    }
    assert outcome_counts([make_row(source="real")]) == {}


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
    config = VerifyingConfig(folds=5, max_drop_fraction=0.25)
    return rows, verify_rows(rows, MOODS, config, 0)


def test_texts_with_a_planted_wrong_label_are_dropped_with_their_votes(verified):
    rows, filtered = verified
    dropped = [r["row"] for r in filtered.rejects]

    assert {row["id"] for row in dropped} == {rows[3]["id"], rows[17]["id"]}
    assert filtered.counts() == {"verifying: label disputed": 2}
    assert all(
        row["votes"]["label_probability"] == row["votes"]["sadness|label_probability"] < 0.5
        for row in dropped
    )
    assert set(filtered.kept[0]["votes"]) >= {
        "joy|requested",
        "joy|folds",
        "joy|label_probability",
        "label_probability",
        "quality",
    }
    assert len(filtered.kept) == 58


def test_verifying_changes_nothing_but_the_votes(verified):
    rows, filtered = verified
    by_id = {row["id"]: row for row in rows}

    assert all({**row, "votes": {}} == by_id[row["id"]] for row in filtered.kept)
    assert all(row["votes"] == {} for row in rows)


@pytest.mark.parametrize(("enabled", "n_rows"), [(False, 60), (True, 49)])
def test_switched_off_or_with_too_few_rows_everything_is_kept(make_row, enabled, n_rows):
    rows = [make_row(id=f"r{i}") for i in range(n_rows)]
    filtered = verify_rows(rows, MOODS, VerifyingConfig(enabled=enabled, folds=5), 0)

    assert (filtered.kept, filtered.rejects) == (rows, [])


@pytest.mark.parametrize("columns", [{}, {"group": "all of them"}])
def test_rows_that_cannot_be_told_apart_are_kept(make_row, columns):
    one = {} if columns else {"targets": (1.0, 0.0)}
    rows = [
        make_row(**{"targets": (float(i % 2), 1.0 - i % 2), **one, **columns}, id=f"r{i}") for i in range(60)
    ]

    assert verify_rows(rows, MOODS, VerifyingConfig(folds=5), 0).kept == rows


def test_unlabelled_texts_take_on_the_label_of_which_the_votes_are_sure(verified, make_row):
    known = verified[1].kept
    texts = {
        "We were so happy and grateful, it was a wonderful evening.": ["joy"],
        "She felt awful and cried all night, a horrible week.": ["sadness"],
        "The train leaves at nine.": None,
    }
    rows = [{**make_row(text, (), (0.0, 0.0), id=text), "source": "unlabelled"} for text in texts]
    guessed = guess_labels(rows, known, MOODS, 0)
    found = label_by_votes(guessed, known, MOODS, VerifyingConfig(relabel_threshold=0.8), 0)

    assert {row["id"]: row["labels"] for row in found.kept} == {
        t: given for t, given in texts.items() if given
    }
    assert {(row["split"], row["source"]) for row in found.kept} == {("train", "unlabelled")}
    assert found.counts() == {"verifying: label disputed": 1}
    assert set(found.kept[0]["votes"]) == {
        f"{label}|{vote}" for label in MOODS.names for vote in ("folds", "label_probability")
    }


def test_a_judge_can_tip_a_text_and_no_label_gets_more_rows_than_it_has_known_ones(make_row):
    known = [make_row(labels=("joy",), targets=(1.0, 0.0)), make_row(labels=("sadness",), targets=(0.0, 1.0))]
    said = {"joy|folds": 0.6, "sadness|folds": 0.3}
    rows = [make_row(f"Text {i}.", ("joy",), (0.0, 0.0), id=f"r{i}", votes=said) for i in range(4)]
    rows[0] = {**rows[0], "votes": {**said, "joy|judge": 0.9}}
    rows[1] = {**rows[1], "votes": {**said, "joy|judge": 0.1}}
    sure = VerifyingConfig(relabel_threshold=0.8, judge_weight=1.0)
    found = label_by_votes(rows, known, MOODS, sure, 0)

    assert [row["id"] for row in found.kept] == ["r0"]
    assert found.kept[0]["votes"]["joy|label_probability"] == 0.931  # odds of 1.5 x 9
    many = label_by_votes(rows, known, MOODS, VerifyingConfig(relabel_threshold=0.5, judge_weight=1.0), 0)
    assert many.counts() == {"verifying: label is full": 2, "verifying: label disputed": 1}
