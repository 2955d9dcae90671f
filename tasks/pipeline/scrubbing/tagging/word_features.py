"""What the part-of-speech tagger sees of one word form: spelling, capitals, word cluster, name lexicon."""

from functools import cache
from typing import NamedTuple

from tasks.pipeline.scrubbing.names.assets import load_verbs
from tasks.pipeline.scrubbing.names.features import UNKNOWN, Lexicon, shape
from tasks.pipeline.scrubbing.tagging.clusters import Clusters
from tasks.pipeline.scrubbing.tokens import lowered

PREFIX_BITS = (4, 6)
"""Lengths of the cluster paths that are features, beside the whole path."""
LONGEST_WORD = 40
LONGEST_ENDING, LONGEST_BEGINNING = 4, 3
CONTRACTIONS = ("n't", "'re", "'ll", "'ve", "'d", "'m")


class WordFeatures(NamedTuple):
    """Features of one word form."""

    own: tuple[str, ...]
    """For the word's own tag."""
    opening: tuple[str, ...]
    """For its own tag where it opens a sentence."""
    outline: str
    """Its coarse form, which stands for it towards its neighbours where it is rare."""
    cluster: int
    """Its Brown cluster, 0 for none."""


def word_features(word: str, lexicon: Lexicon, clusters: Clusters) -> WordFeatures:
    """Describe one token.

    Args:
        word: The token as written, not empty.
        lexicon: Name lexicon.
        clusters: Brown clusters.
    """
    word = word[:LONGEST_WORD]
    outline = shape(word)
    if not word[0].isalpha():
        return WordFeatures((f"s={outline}", f"w={lowered(word)}"), (f"s={outline}",), outline, 0)
    low = lowered(word)
    capital = "U" if outline[0] == "X" else "l"
    of_lower, of_capital = clusters.of.get(low, (0, 0))
    cluster = of_capital or of_lower if capital == "U" else of_lower
    near = (f"w={low}", f"s={outline}", f"{capital}k={cluster}", f"{capital}l={of_lower}", f"x={low[-3:]}")
    own = (
        *near,
        f"{capital}w={low}",
        *(f"{capital}k{bits}={_prefix(cluster, bits, clusters)}" for bits in PREFIX_BITS),
        *(f"{capital}l{bits}={_prefix(of_lower, bits, clusters)}" for bits in PREFIX_BITS),
        *_spelling(low, capital),
        *_known(low, capital, lexicon),
    )
    return WordFeatures(own, near, f"{capital}{_ending(low)}{_prefix(cluster, 4, clusters)}", cluster)


def _prefix(cluster: int, bits: int, clusters: Clusters) -> int:
    return clusters.paths[cluster] & (1 << bits) - 1


def _spelling(low: str, capital: str) -> tuple[str, ...]:
    endings = (f"{capital}e={low[-n:]}" for n in range(1, LONGEST_ENDING + 1) if len(low) > n)
    beginnings = (f"b={low[:n]}" for n in range(1, LONGEST_BEGINNING + 1) if len(low) > n)
    return (*endings, *beginnings, f"h={'-' in low:d}")


def _known(low: str, capital: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Return what the name lexicon and the table of verbs say."""
    entry = lexicon.get(low, UNKNOWN)
    kind = f"{entry.first > 0:d}{entry.last > 0:d}{entry.common:d}{entry.city:d}"
    verb = f"{entry.verb:d}{low in base_forms():d}"
    return (f"{capital}n={kind}", f"{capital}c={entry.case}", f"{capital}v={verb}")


def _ending(low: str) -> str:
    for ending in CONTRACTIONS:
        if low.endswith(ending):
            return ending
    return next((e for e in ("ing", "ed", "ly", "es", "er", "est", "s", "y") if low.endswith(e)), "")


@cache
def base_forms() -> frozenset[str]:
    """Return the base forms of all known verbs."""
    return frozenset(load_verbs().values())
