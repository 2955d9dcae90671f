"""How varied a set of texts is: the figures that real text and generated text differ in.

Every figure depends on the number and the length of the texts. Compare sets of equal size only, and read each
beside the reference range that real text of the same kind shows.
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from math import exp, log

import numpy as np

from tasks.models.bundled import minilm_folder

N_WORDS = 8
"""Words that texts are cut to: three in four comments of GoEmotions have as many."""
SELF_BLEU_TEXTS = 1_000
"""Texts that are scored against one another, at most."""
SELF_BLEU_ORDER = 4
"""Longest n-gram, as in Zhu et al. 2018."""
OPENING_WORDS = 3
TOP_OPENINGS = 10
STEM_LETTERS = 5
"""Letters of a label's name that stand for it and its kin ("surpr" for surprise, surprised, surprising)."""

_LETTERS = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|\[[A-Z]+\]")

Words = tuple[str, ...]
Figures = dict[str, float]


def wording(texts: Sequence[str], labels: Sequence[Sequence[str]], n_texts: int, seed: int = 0) -> Figures:
    """Measure how varied the words of texts are.

    Args:
        texts: Texts, at least one.
        labels: Names of the labels of each text.
        n_texts: Texts of `N_WORDS` words that repetition is measured on, drawn without replacement.
        seed: Decides which texts.

    Returns:
        On `n_texts` texts, each cut to its first `N_WORDS` words; left out if there are not as many:

        - `compression_ratio`: bytes before over bytes after zlib; above 1, higher is more repetitive.
          Shaib et al. 2024, "Standardizing the Measurement of Text Diversity", section 2.
        - `distinct_1`, `distinct_2`, `distinct_3`: distinct n-grams over all n-grams, 0..1, higher is more
          varied. Li et al. 2016, "A Diversity-Promoting Objective Function", section 5.
        - `self_bleu`: mean BLEU-4 of a text against the others, 0..1, higher is more alike.
          Zhu et al. 2018, "Texygen", section 3.
        - `top_openings_share`: share of texts with one of the ten most frequent three-word openings.

        On all texts:

        - `length_p5`, `length_p50`, `length_p95`: words per text.
        - `label_named_share`: share of texts that name one of their own labels.
        - `uncommon_words`: share of words outside a common vocabulary, see `uncommon_words`.

    Raises:
        ValueError: If there is no text, or texts and labels differ in number.
    """
    if not texts or len(texts) != len(labels):
        raise ValueError(
            f"The set has {len(texts)} texts and {len(labels)} lists of labels; expected equally many, "
            "at least one. Give one list of labels per text."
        )
    words = [words_of(text) for text in texts]
    shaped = same_shape(words, n_texts, seed)
    return {
        **(repetition(shaped) if shaped else {}),
        **_lengths(words),
        "label_named_share": label_named_share(texts, labels),
        "uncommon_words": uncommon_words(texts),
    }


def words_of(text: str) -> Words:
    """Lower-case words of a text."""
    return tuple(_WORD.findall(text.lower()))


def same_shape(texts: Sequence[Words], n_texts: int, seed: int) -> list[Words]:
    """First `N_WORDS` words of `n_texts` texts that have as many; none if there are fewer such texts.

    All figures of repetition depend on the number and the length of texts, so these are the same for all.
    """
    long = [words[:N_WORDS] for words in texts if len(words) >= N_WORDS]
    if len(long) < n_texts:
        return []
    places = np.random.default_rng(seed).choice(len(long), n_texts, replace=False)
    return [long[i] for i in sorted(places.tolist())]


def repetition(texts: Sequence[Words]) -> Figures:
    """Figures of repetition, see `wording`."""
    return {
        "compression_ratio": compression_ratio(" ".join(words) for words in texts),
        **{f"distinct_{n}": distinct(texts, n) for n in (1, 2, 3)},
        "self_bleu": self_bleu(texts[:SELF_BLEU_TEXTS]),
        "top_openings_share": top_openings_share(texts),
    }


def compression_ratio(texts: Iterable[str]) -> float:
    """Bytes of all texts over their bytes after zlib at its highest level."""
    data = "\n".join(texts).encode("utf-8", "replace")
    return len(data) / len(zlib.compress(data, 9)) if data else 1.0


def _grams(words: Words, n: int) -> Iterator[Words]:
    return zip(*(islice(words, start, None) for start in range(n)), strict=False)


def distinct(texts: Iterable[Words], n: int) -> float:
    """Distinct n-grams over all n-grams; 0 where there is none."""
    counts = Counter(gram for words in texts for gram in _grams(words, n))
    return len(counts) / counts.total() if counts else 0.0


def self_bleu(texts: Sequence[Words]) -> float:
    """Mean BLEU of each text with all the others as references; 0 for fewer than two texts.

    Modified n-gram precision, closest reference length and brevity penalty as in Papineni et al. 2002,
    equations 1-3; precisions above unigrams are smoothed by adding one to both counts (Lin and Och 2004),
    since short texts seldom share four words.
    """
    if len(texts) < 2:
        return 0.0
    orders = range(1, SELF_BLEU_ORDER + 1)
    counts = {n: [Counter(_grams(words, n)) for words in texts] for n in orders}
    limits = {n: _two_highest(counts[n]) for n in orders}
    lengths = Counter(len(words) for words in texts)
    scores = []
    for i in range(len(texts)):
        matched = [_matches(counts[n][i], limits[n], i) for n in orders]
        scores.append(_bleu(matched, len(texts[i]), lengths))
    return float(np.mean(scores))


def _two_highest(counters: Sequence[Counter[Words]]) -> dict[Words, tuple[int, int, int]]:
    """Per n-gram: its highest count in a text, that text, and its highest count in any other text."""
    highest: dict[Words, tuple[int, int, int]] = {}
    for i, counter in enumerate(counters):
        for gram, count in counter.items():
            best, owner, second = highest.get(gram, (0, -1, 0))
            highest[gram] = (count, i, best) if count > best else (best, owner, max(second, count))
    return highest


def _matches(counter: Counter[Words], limits: dict[Words, tuple[int, int, int]], i: int) -> int:
    """N-grams of text i that another text holds, each counted as often as one other text holds it."""
    clipped = 0
    for gram, count in counter.items():
        best, owner, second = limits[gram]
        clipped += min(count, second if owner == i else best)
    return clipped


def _bleu(matched: Sequence[int], length: int, lengths: Counter[int]) -> float:
    """BLEU from the matched n-grams of a text of `length` words; `lengths` counts those of all texts."""
    if matched[0] == 0:
        return 0.0
    totals = [length - n for n in range(SELF_BLEU_ORDER) if length > n]
    logs = [log(matched[0] / length)]
    logs += [log((hits + 1) / (total + 1)) for hits, total in zip(matched[1:], totals[1:], strict=False)]
    others = [other for other, count in lengths.items() if other != length or count > 1]
    closest = min(others, key=lambda other: (abs(other - length), other))
    return exp(min(0.0, 1 - closest / length) + sum(logs) / len(logs))


def top_openings_share(texts: Sequence[Words]) -> float:
    """Share of texts that begin with one of the ten most frequent openings; shorter texts have none."""
    openings = Counter(words[:OPENING_WORDS] for words in texts if len(words) >= OPENING_WORDS)
    return sum(count for _, count in openings.most_common(TOP_OPENINGS)) / len(texts)


def _lengths(texts: Sequence[Words]) -> dict[str, float]:
    lengths = [len(words) for words in texts]
    p5, p50, p95 = np.percentile(lengths, [5, 50, 95]).tolist()
    return {"length_p5": p5, "length_p50": p50, "length_p95": p95}


def uncommon_words(texts: Sequence[str]) -> float:
    """Share of words, 0..1, that the 30,522 entries of MiniLM's vocabulary do not hold whole.

    Misspelt and invented words are among them, and rare ones and names; 0 where there are no words.
    """
    words = [
        part.lower()
        for text in texts
        for word in _LETTERS.findall(text)
        for part in re.split(r"[-'’]", word)
        if len(part) > 1
    ]
    return sum(word not in _vocabulary() for word in words) / len(words) if words else 0.0


@cache
def _vocabulary() -> frozenset[str]:
    tokenizer = json.loads((minilm_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    return frozenset(tokenizer["model"]["vocab"])


def label_named_share(texts: Sequence[str], labels: Sequence[Sequence[str]]) -> float:
    """Share of texts with a word that begins like one of their own labels ("very negative": "negat")."""
    named = sum(
        any(_names(text.lower(), label) for label in own) for text, own in zip(texts, labels, strict=True)
    )
    return named / len(texts)


def _names(text: str, label: str) -> bool:
    stem = re.split(r"[\s_-]", label.lower())[-1][:STEM_LETTERS]
    return bool(stem) and re.search(rf"\b{re.escape(stem)}", text) is not None
