"""By label, which sources of votes disagree, and which texts carry their label by a judge of human text."""

import numpy as np
import pytest

from tasks.models.embedding import embed
from tasks.pipeline.diversity.label_fidelity import judge_labels
from tasks.pipeline.verification.disagreement import disputes, taken_for
from tasks.taxonomy import load_taxonomy

LABELS = ("positive", "neutral", "negative")
POLARITY = load_taxonomy("polarity3")


def votes(asked, folds, likelihood):
    cast = {f"{asked}|requested": 1.0, f"{asked}|likelihood": likelihood}
    return cast | {f"{label}|folds": p for label, p in zip(LABELS, folds, strict=True)}


@pytest.fixture
def rows(make_row):
    cast = [
        votes("positive", (0.4, 0.3, 0.3), 2.0),  # all agree: its most probable label is enough
        votes("positive", (0.2, 0.7, 0.1), 1.0),  # the classifier takes it for neutral
        votes("positive", (0.1, 0.8, 0.1), -1.0),  # so does the generator
        votes("positive", (0.9, 0.1, 0.1), -2.0),  # the generator alone
        votes("negative", (0.6, 0.3, 0.1), 3.0),
    ]
    return [make_row(f"Text {i}.", votes=own) for i, own in enumerate(cast)]


def test_pairs_of_sources_are_compared_on_the_texts_of_each_label(rows):
    found = disputes(rows, LABELS)

    assert [(d.one, d.other, d.n_texts, d.share) for d in found["positive"]] == [
        ("prompt", "out-of-fold classifier", 4, 0.5),
        ("prompt", "generator", 4, 0.5),
        ("out-of-fold classifier", "generator", 4, 0.5),
    ]
    assert [d.share for d in found["negative"]] == [1.0, 0.0, 1.0]
    assert found["neutral"] == ()


def test_a_label_is_taken_for_the_one_that_the_classifier_prefers(rows):
    assert taken_for(rows, LABELS) == {"positive": "neutral", "neutral": "", "negative": "positive"}


def test_a_judge_of_human_text_says_which_texts_carry_their_label(make_row):
    things = ("soup", "train", "garden", "phone", "hotel", "lesson", "story", "bridge", "song", "dog")
    human = [
        make_row(f"The {thing} was {word}.", [label], POLARITY.targets_of([label]), source="real")
        for thing in things
        for label, word in (("positive", "wonderful"), ("negative", "terrible"))
    ]
    own = [
        make_row("What a lovely evening, so happy!", ["positive"], POLARITY.targets_of(["positive"])),
        make_row("This is awful, I hate it.", ["positive"], POLARITY.targets_of(["positive"])),
    ]
    judged = judge_labels(embed([row["text"] for row in own]), own, human, POLARITY, 0)

    assert judged.hits.tolist() == [True, False]
    assert (judged.human, judged.n_human, judged.top) == (1.0, 20, 1)
    few = human[:6]  # three of each label
    assert judge_labels(np.zeros((2, 384)), own, few, POLARITY, 0) is None
