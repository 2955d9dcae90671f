"""Figures of variety, each against a value worked out by hand."""

from math import exp

import numpy as np
import pytest

from tasks.pipeline.diversity import (
    dispersion,
    real_auc,
    reference_range,
    sample_size_bucket,
    topic_leak,
    wording,
)
from tasks.pipeline.diversity.lexical import (
    compression_ratio,
    distinct,
    repetition,
    same_shape,
    self_bleu,
    top_openings_share,
    uncommon_words,
    words_of,
)
from tasks.pipeline.diversity.reference_bands import SAMPLE_SIZES

PLAIN = [words_of(text) for text in ("the cat sat down", "the cat sat up", "a dog ran off")]


def split(*texts):
    return [words_of(text) for text in texts]


def test_distinct_counts_distinct_over_all():
    # Words: the cat sat down / up / a dog ran off = 9 distinct of 12; pairs 7 of 9; triples 5 of 6.
    assert [distinct(PLAIN, n) for n in (1, 2, 3)] == pytest.approx([9 / 12, 7 / 9, 5 / 6])


def test_lengths_are_in_words():
    figures = wording(["one two three", "one", "one two"], [[], [], []], 5)
    assert figures == {
        "length_p5": pytest.approx(1.1),
        "length_p50": 2.0,
        "length_p95": pytest.approx(2.9),
        "label_named_share": 0.0,
        "uncommon_words": 0.0,
    }


def test_words_that_a_common_vocabulary_lacks_are_counted():
    assert uncommon_words(["The despfrated train was late."]) == 0.2
    assert uncommon_words(["Don't go.", "A well-known shop!"]) == 0.0
    assert uncommon_words(["...", ""]) == 0.0


def test_repetition_is_measured_on_as_many_texts_of_the_same_length():
    texts = [f"w{i} two three four five six seven eight nine ten" for i in range(9)] + ["too short"]
    shaped = same_shape(split(*texts), 6, seed=0)
    assert len(shaped) == 6
    assert {words[1:] for words in shaped} == {("two", "three", "four", "five", "six", "seven", "eight")}
    assert shaped == same_shape(split(*texts), 6, seed=0) != same_shape(split(*texts), 6, seed=1)
    assert same_shape(split(*texts), 10, seed=0) == []


def test_longer_texts_do_not_look_more_repetitive():
    short = [f"a{i} b{i} c{i} d{i} e{i} f{i} g{i} h{i}" for i in range(50)]
    long = [f"{text} and then the very same end" for text in short]
    assert repetition(same_shape(split(*short), 50, 0)) == repetition(same_shape(split(*long), 50, 0))


def test_self_bleu_of_equal_texts_is_one_and_of_unlike_texts_zero():
    assert self_bleu(split("the cat sat down", "the cat sat down", "the cat sat down")) == pytest.approx(1.0)
    assert self_bleu(split("one two", "three four", "five six")) == 0.0


def test_self_bleu_is_bleu_against_the_other_texts():
    # "a b c d" against "a b c": 3/4 words, (2+1)/(3+1) pairs, (1+1)/(2+1) triples, (0+1)/(1+1) quadruples.
    longer = (3 / 4 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    # "a b c" against "a b c d": every gram matches; three words against four cost exp(1 - 4/3).
    shorter = exp(1 - 4 / 3)
    assert self_bleu(split("a b c d", "a b c")) == pytest.approx((longer + shorter) / 2)


def test_openings_are_the_first_three_words():
    # Three openings in all, none beyond the ten: three of four texts have one.
    texts = split("I love this soup", "I love this bread", "Never again", "Well that was short")
    assert top_openings_share(texts) == 0.75


def test_only_the_ten_most_frequent_openings_count():
    assert top_openings_share(split(*(f"word{i} is here" for i in range(20)))) == 0.5


def test_repetition_compresses():
    unlike = [f"{i * 7919 % 10007:x} {i * 104729 % 99991:x}" for i in range(50)]
    assert compression_ratio(["the very same words again"] * 50) > 20 > 3 > compression_ratio(unlike) > 1


def test_labels_named_in_their_own_text_are_counted():
    texts = ["I was so surprised", "what joy", "what joy", "a very negative day"]
    labels = [["surprise"], ["joy"], ["sadness"], ["very negative"]]
    assert wording(texts, labels, 9)["label_named_share"] == 0.75


@pytest.mark.parametrize("text", ["", "\udc80", "👍👍", "\x00"])
def test_texts_without_words_have_figures(text):
    figures = wording([text, text], [["joy"], []], 1)
    assert set(figures.values()) == {0.0}


def test_unequal_numbers_are_refused():
    with pytest.raises(ValueError) as error:  # noqa: PT011
        wording(["a"], [], 1)
    assert str(error.value) == (
        "The set has 1 texts and 0 lists of labels; expected equally many, at least one. "
        "Give one list of labels per text."
    )


def test_dispersion_is_the_mean_distance_of_two_texts():
    assert dispersion(np.array([[1.0, 0.0], [1.0, 0.0]])) == 0.0
    # Four pairs (i, j), i = j included: 0, 1, 1, 0.
    assert dispersion(np.array([[1.0, 0.0], [0.0, 1.0]])) == 0.5


def test_a_topic_that_gives_the_label_away_leaks_everything_and_an_even_one_nothing():
    labels = ["joy", "fear"] * 100
    assert topic_leak([0, 1] * 100, labels) == 1.0
    assert topic_leak([i // 50 for i in range(200)], labels) < 0.15


def test_a_leak_needs_two_labels_with_enough_texts():
    assert topic_leak([0] * 40, ["joy"] * 21 + ["fear"] * 19) is None


def test_real_and_synthetic_texts_are_told_apart_within_a_label_only():
    draw = np.random.default_rng(0)

    def said(words, label, n=60):
        return [(" ".join(draw.choice(words, 8)), label) for _ in range(n)]

    good, bad = ["lovely", "great", "warm", "kind"], ["awful", "cold", "rude", "slow"]
    own = said(good, "joy") + said(bad, "anger")
    # Alike within each label, though joy and anger have no word in common.
    assert abs(real_auc(own, said(good, "joy") + said(bad, "anger")) - 0.5) < 0.2
    assert real_auc(own, said([*good, "tbh"], "joy") + said([*bad, "tbh"], "anger")) > 0.85
    assert real_auc(own, said(good, "fear")) is None


def test_bands_of_real_text_ship_for_every_number_of_texts_and_hold_no_sentence():
    for n in SAMPLE_SIZES:
        for name in (
            "compression_ratio",
            "distinct_2",
            "self_bleu",
            "dispersion",
            "topic_leak",
            "length_p50",
        ):
            low, high = reference_range(name, n)
            assert low <= high
    assert reference_range("real_auc", 200) == (0.5, 0.85)
    assert reference_range("unknown", 200) is reference_range("distinct_1", 7) is None


@pytest.mark.parametrize(("n_texts", "size"), [(199, None), (200, 200), (1_400, 1_000), (90_000, 2_000)])
def test_a_set_is_measured_at_the_largest_number_that_it_fills(n_texts, size):
    assert sample_size_bucket(n_texts) == size
