"""Near-duplicates: the fast way finds what comparing every text with every other one finds."""

import random
from itertools import combinations

import numpy as np
import pytest
from datasketch import MinHash
from test_cleaning import row

from tasks.config import CleaningConfig
from tasks.pipeline.cleaning import clean_rows, group_rows
from tasks.pipeline.cleaning.duplicates import find_repeats, group_name
from tasks.pipeline.cleaning.minhash import (
    N_PERMUTATIONS,
    NEIGHBOURS,
    band_rows,
    candidate_pairs,
    jaccard,
    normalised,
    shingle_hashes,
    signatures,
    similar_pairs,
)

NAMES = "soup bread waiter cold warm train late early music loud quiet garden rain sun dog cat never always"
WORDS = NAMES.split()
CHAIN = (
    "one two three four five six",
    "one two three four five six seven",
    "two three four five six seven eight",
)


def variants(n: int, seed: int = 0) -> list[str]:
    """Sentences of eight words, each followed by one to three copies with one or two words changed."""
    draw = random.Random(seed)
    texts: list[str] = []
    while len(texts) < n:
        words = draw.choices(WORDS, k=8)
        texts.append(" ".join(words))
        for _ in range(draw.randint(1, 3)):
            changed = list(words)
            changed[draw.randrange(8)] = draw.choice(WORDS)
            texts.append(" ".join(changed))
    return sorted(set(texts))


def test_normalising_takes_case_signs_and_spacing_away():
    assert normalised("  The SOUP\twas… cold!! ") == "the soup was cold"
    assert normalised("ﬁne Cafe\u0301") == "fine café"
    assert normalised("👍 👍") == "👍 👍"


def test_jaccard_counts_shared_shingles():
    # abcd bcde cdef against abcd bcde cdeg: two shared of four.
    assert jaccard("abcdef", "abcdeg") == 0.5
    assert jaccard("ab", "ab") == 1.0
    assert jaccard("ab", "cd") == 0.0


def test_signatures_are_those_of_datasketch():
    texts = ["the soup was cold", "ab", "", "über die straße", "x" * 500]
    hashes, starts = shingle_hashes([text or " " for text in texts])
    for i, signature in enumerate(signatures([text or " " for text in texts])):
        end = starts[i + 1] if i + 1 < len(starts) else len(hashes)
        theirs = MinHash(num_perm=N_PERMUTATIONS, seed=1, scheme="affine32", hashfunc=int)
        theirs.update_batch(hashes[starts[i] : end].tolist())
        assert np.array_equal(signature, theirs.hashvalues)


def test_a_text_has_the_same_signature_in_every_block():
    # Two blocks of half a million characters, and a text that is longer than a block.
    texts = [f"text number {i * i} {'x' * 300}" for i in range(2_000)] + ["soup " * 120_000, "the end"]
    alone = np.concatenate([signatures([text]) for text in texts[1_580:1_610] + texts[-2:]])
    together = signatures(texts)
    assert np.array_equal(np.concatenate([together[1_580:1_610], together[-2:]]), alone)


@pytest.mark.parametrize(("similarity", "rows"), [(0.9, 8), (0.75, 4), (0.6, 3), (0.3, 1)])
def test_bands_are_as_narrow_as_the_similarity_needs(similarity, rows):
    assert band_rows(similarity) == rows


def test_nearly_all_pairs_are_found_and_none_is_wrong():
    texts = variants(600)
    every = {(a, b) for a, b in combinations(range(len(texts)), 2) if jaccard(texts[a], texts[b]) >= 0.6}
    found = {(a, b) for a, b in similar_pairs(texts, 0.6)[0].tolist()}
    assert len(every) > 300
    assert found <= every
    assert len(found) >= 0.97 * len(every)


def test_after_dropping_repeats_hardly_a_near_duplicate_is_left():
    texts = variants(600, seed=1)
    repeats = find_repeats(texts, 0.75).repeats
    kept = [text for i, text in enumerate(texts) if repeats[i] == i]
    left = [(a, b) for a, b in combinations(kept, 2) if jaccard(a, b) >= 0.75]
    assert len(left) <= 0.005 * len(kept)
    assert len(kept) < len(texts)


def test_every_repeat_is_truly_like_the_text_that_stays():
    texts = variants(300, seed=2)
    likeness = find_repeats(texts, 0.75)
    for i, kept in enumerate(likeness.repeats):
        assert likeness.repeats[kept] == kept <= i
        assert jaccard(texts[i], texts[kept]) >= 0.75


def test_the_first_stays():
    texts = [
        "the soup was cold today",
        "The soup was cold, today!",
        "the soup was cold today too",
        "my dog barks",
    ]
    likeness = find_repeats(texts, 0.75)
    assert likeness.repeats == [0, 0, 0, 3]
    assert likeness.exact == [False, True, False, False]
    assert likeness.root == [0, 0, 0, 3]


def test_a_text_that_only_repeats_a_dropped_text_stays():
    # a ~ b and b ~ c, but not a ~ c: b goes, and c has nothing like it left.
    a, b, c = (
        "one two three four five six",
        "one two three four five six seven",
        "two three four five six seven eight",
    )
    assert jaccard(a, b) >= 0.7 > jaccard(a, c)
    assert jaccard(b, c) >= 0.7
    likeness = find_repeats([a, b, c], 0.7)
    assert likeness.repeats == [0, 0, 2]
    assert likeness.root == [0, 0, 0]


def test_accepted_rows_stay_even_if_they_repeat_one_another():
    seen = [row("the soup was cold today", "a", group="g"), row("the soup was cold today", "b", group="g")]
    filtered = clean_rows([row("my dog barks at the moon", "c")], CleaningConfig(), seen)
    assert [kept["id"] for kept in filtered.kept] == ["c"]


def test_groups_are_named_by_their_first_text_in_every_run():
    texts = ["The soup was cold today", "My dog barks at the moon"]
    names = [kept["group"] for kept in clean_rows([row(text) for text in texts], CleaningConfig()).kept]
    assert names == [group_name(text) for text in texts] == ["5ca7079eceedaf5f", "a0a930999da1dc78"]
    backwards = clean_rows([row(text) for text in reversed(texts)], CleaningConfig()).kept
    assert [kept["group"] for kept in backwards] == names[::-1]


def test_grouping_anew_joins_groups_that_a_later_row_bridges():
    a, b, c = (
        "one two three four five six",
        "one two three four five six seven",
        "two three four five six seven eight",
    )
    rows = [row(a, "a", group="x"), row(c, "c", group="y"), row(b, "b", group="x")]
    names = [regrouped["group"] for regrouped in group_rows(rows, 0.9)]
    assert names == [group_name(a)] * 3


def test_pairs_of_many_texts_alike_grow_with_their_number():
    texts = [f"the soup was cold and the bread was stale on day {i}" for i in range(3_000)]
    n_bands = N_PERMUTATIONS // band_rows(0.6)
    n_pairs = sum(len(pairs) for pairs in candidate_pairs(signatures(texts), 0.6))
    assert n_pairs <= (NEIGHBOURS + 1) * n_bands * len(texts)
    assert sum(i == kept for i, kept in enumerate(find_repeats(texts, 0.75).repeats)) < 10


def test_many_equal_texts_leave_one():
    rows = [row("The soup was cold today")] * 20_000
    filtered = clean_rows(rows, CleaningConfig())
    assert len(filtered.kept) == 1
    assert filtered.counts() == {"cleaning: exact duplicate": 19_999}


@pytest.mark.parametrize("texts", [[], ["one text alone"]])
def test_fewer_than_two_texts_have_no_pairs(texts):
    pairs, values = similar_pairs(texts, 0.5)
    assert (pairs.shape, values.shape) == ((0, 2), (0,))
