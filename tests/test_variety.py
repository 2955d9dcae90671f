"""Figures of variety, each against a value worked out by hand."""

from math import exp

import pytest

from tasks.variety import variety

PLAIN = ["the cat sat down", "the cat sat up", "a dog ran off"]
NONE: list[list[str]] = [[], [], []]


def test_distinct_counts_distinct_over_all():
    figures = variety(PLAIN, NONE)
    # Words: the cat sat down / up / a dog ran off = 9 distinct of 12; pairs 7 of 9; triples 5 of 6.
    assert figures["distinct_1"] == pytest.approx(9 / 12)
    assert figures["distinct_2"] == pytest.approx(7 / 9)
    assert figures["distinct_3"] == pytest.approx(5 / 6)


def test_lengths_are_in_words():
    figures = variety(["one two three", "one", "one two"], NONE)
    assert [figures[f"length_{name}"] for name in ("mean", "p50")] == [2.0, 2.0]
    assert [figures["length_p5"], figures["length_p95"]] == pytest.approx([1.1, 2.9])


def test_self_bleu_of_equal_texts_is_one_and_of_unlike_texts_zero():
    assert variety(["the cat sat down"] * 3, NONE)["self_bleu"] == pytest.approx(1.0)
    assert variety(["one two", "three four", "five six"], NONE)["self_bleu"] == 0.0


def test_self_bleu_is_bleu_against_the_other_texts():
    # "a b c d" against "a b c": 3/4 words, (2+1)/(3+1) pairs, (1+1)/(2+1) triples, (0+1)/(1+1) quadruples.
    longer = (3 / 4 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    # "a b c" against "a b c d": every gram matches; three words against four cost exp(1 - 4/3).
    shorter = exp(1 - 4 / 3)
    assert variety(["a b c d", "a b c"], [[], []])["self_bleu"] == pytest.approx((longer + shorter) / 2)


def test_openings_are_the_first_three_words():
    texts = ["I love this soup", "I love this bread", "Never again", "Well that was short"]
    # Three openings in all, none beyond the ten: three of four texts have one.
    assert variety(texts, [[]] * 4)["top_openings_share"] == 0.75


def test_only_the_ten_most_frequent_openings_count():
    texts = [f"word{i} is here" for i in range(20)]
    assert variety(texts, [[]] * 20)["top_openings_share"] == 0.5


def test_repetition_compresses():
    same = variety(["the very same words again"] * 50, [[]] * 50)["compression_ratio"]
    unlike = variety([f"{i * 7919 % 10007:x} {i * 104729 % 99991:x}" for i in range(50)], [[]] * 50)
    assert same > 20 > 3 > unlike["compression_ratio"] > 1


def test_labels_named_in_their_own_text_are_counted():
    texts = ["I was so surprised", "what joy", "what joy", "a very negative day"]
    labels = [["surprise"], ["joy"], ["sadness"], ["very negative"]]
    assert variety(texts, labels)["label_named_share"] == 0.75


def test_the_seed_decides_the_sample():
    texts = [f"word{i} " + "and so on " * (i * i % 5) for i in range(1_500)]
    own = [[] for _ in texts]
    assert variety(texts, own, seed=3) == variety(texts, own, seed=3)
    assert variety(texts, own, seed=3)["self_bleu"] != variety(texts, own, seed=4)["self_bleu"]


@pytest.mark.parametrize("text", ["", "\udc80", "👍👍", "\x00"])
def test_texts_without_words_have_figures(text):
    figures = variety([text, text], [["joy"], []])
    assert figures["distinct_1"] == figures["self_bleu"] == figures["top_openings_share"] == 0.0


def test_unequal_numbers_are_refused():
    with pytest.raises(ValueError) as error:  # noqa: PT011
        variety(["a"], [])
    assert str(error.value) == (
        "The set has 1 texts and 0 lists of labels; expected equally many, at least one. "
        "Give one list of labels per text."
    )
