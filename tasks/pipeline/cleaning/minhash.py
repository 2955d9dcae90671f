"""Which texts are near-duplicates: MinHash over character shingles, banded, then verified exactly.

The permutations and their scheme are datasketch's; the signatures of a whole block of texts are computed
in a handful of numpy calls instead of one object per text (tests hold both equal), and the bands are
grouped by sorting, so that a million texts fit into memory and a million equal texts take no longer.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

SHINGLE = 4
"""Characters per shingle. Short texts need short shingles: at 5, one changed word of six costs half."""
N_PERMUTATIONS = 64
"""Standard error of the estimate at Jaccard 0.75: sqrt(0.75 * 0.25 / 64) = 0.054; every hit is verified."""
SLACK = 0.12
"""Two standard errors: pairs whose estimate is this far below the wanted similarity are still verified."""
MISS = 0.02
"""Largest probability that a pair at the wanted similarity shares no band."""
BLOCK_CHARS = 500_000
"""Characters of the texts that one numpy call takes; bounds the temporary arrays to a few MB."""
NEIGHBOURS = 3
"""Predecessors in its bucket that a text is compared with, beside the first; keeps huge buckets linear."""
SHINGLED_CHARS = 20_000
"""Characters that are compared; longer texts are compared by their beginning."""

_WORD = re.compile(r"\w+")
_BASE = np.uint32(0x01000193)  # odd, the 32-bit FNV prime: mixes four code points into one number

Signatures = NDArray[np.uint32]  # (n_texts, N_PERMUTATIONS)
Pairs = NDArray[np.int64]  # (n_pairs, 2), earlier text first


def normalised(text: str) -> str:
    """Case, punctuation, spacing and Unicode variants taken away; texts without a word keep their signs."""
    folded = unicodedata.normalize("NFKC", text[:SHINGLED_CHARS]).casefold()
    return " ".join(_WORD.findall(folded)) or " ".join(folded.split())


@lru_cache(maxsize=256)  # 8 kB for a short text, 2 MB for the longest
def shingles(text: str) -> frozenset[str]:
    """Distinct runs of `SHINGLE` characters of a normalised text; a shorter text is its own shingle."""
    return frozenset(text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1)))


def jaccard(a: str, b: str) -> float:
    """Exact Jaccard similarity of the shingles of two normalised texts, 0..1."""
    first, second = shingles(a), shingles(b)
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def shingle_hashes(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Hash every shingle of every text.

    Returns:
        The hashes of all texts one after the other, (n_shingles,), and where each text begins, (n_texts,).
    """
    padded = [text.ljust(SHINGLE, "\0") for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(text) for text in padded])
    windows = np.lib.stride_tricks.sliding_window_view(codes, SHINGLE)  # (n_codes - SHINGLE + 1, SHINGLE)
    hashes = np.zeros(len(windows), dtype=np.uint32)
    for column in range(SHINGLE):
        hashes = hashes * _BASE + windows[:, column]
    ends = np.cumsum(lengths)
    across = (ends[:-1, None] - np.arange(SHINGLE - 1, 0, -1)).ravel()  # windows that straddle two texts
    inside = np.ones(len(hashes), dtype=bool)
    inside[across] = False
    starts = np.concatenate([[0], np.cumsum(lengths - SHINGLE + 1)[:-1]])
    return hashes[inside], starts


def mixed(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """MurmurHash3's 32-bit finalizer, which datasketch's `affine32` scheme applies before permuting."""
    h = hashes ^ (hashes >> np.uint32(16))
    h = h * np.uint32(0x85EBCA6B)
    h = h ^ (h >> np.uint32(13))
    h = h * np.uint32(0xC2B2AE35)
    return np.asarray(h ^ (h >> np.uint32(16)), dtype=np.uint32)


def signatures(texts: Sequence[str]) -> Signatures:
    """MinHash signatures of normalised texts, equal to datasketch's for the same shingle hashes.

    Returns:
        Minima per text and permutation, (n_texts, `N_PERMUTATIONS`), uint32.
    """
    factors, offsets = MinHash(num_perm=N_PERMUTATIONS, seed=1, scheme="affine32").permutations
    out = np.empty((len(texts), N_PERMUTATIONS), dtype=np.uint32)
    for block in _blocks(texts):
        hashes, starts = shingle_hashes(texts[block])
        hashes = mixed(hashes)
        for p in range(N_PERMUTATIONS):
            out[block, p] = np.minimum.reduceat(hashes * factors[p] + offsets[p], starts)
    return out


def _blocks(texts: Sequence[str]) -> Iterator[slice]:
    """Slices of at most `BLOCK_CHARS` characters, or of one longer text."""
    first = size = 0
    for i, text in enumerate(texts):
        if size and size + len(text) > BLOCK_CHARS:
            yield slice(first, i)
            first, size = i, 0
        size += len(text)
    if texts:
        yield slice(first, len(texts))


def band_rows(similarity: float) -> int:
    """Rows per band: as many as still let a pair at `similarity` share a band with 1 - `MISS`.

    A pair shares one band of r rows with s^r, and none of n // r bands with (1 - s^r)^(n // r);
    Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.2.
    """
    fitting = [r for r in range(1, 17) if (1 - similarity**r) ** (N_PERMUTATIONS // r) <= MISS]
    return max(fitting, default=1)


def _bucket_pairs(keys: NDArray[np.uint64]) -> Pairs:
    """Pairs of texts with equal keys: each with the first of its bucket and its nearest predecessors."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    new = np.concatenate([[True], ranked[1:] != ranked[:-1]])
    place = np.arange(len(keys))
    first = np.maximum.accumulate(np.where(new, place, 0))  # place of the first of one's bucket
    found = []
    for earlier in [first, *(place - step for step in range(1, NEIGHBOURS + 1))]:
        valid = (earlier >= first) & (earlier < place)
        found.append(np.stack([order[earlier[valid]], order[place[valid]]], axis=1))
    return np.concatenate(found)


def candidate_pairs(signs: Signatures, similarity: float) -> Iterator[Pairs]:
    """Pairs whose estimated similarity reaches `similarity` minus `SLACK`, band by band, repeats included."""
    rows = band_rows(similarity)
    weights = np.random.default_rng(0).integers(1, 2**63, rows, dtype=np.uint64) | np.uint64(1)
    least = (similarity - SLACK) * N_PERMUTATIONS
    for first in range(0, N_PERMUTATIONS - rows + 1, rows):
        band = signs[:, first : first + rows].astype(np.uint64)
        pairs = _bucket_pairs((band * weights).sum(axis=1, dtype=np.uint64))
        for start in range(0, len(pairs), 1 << 18):
            chunk = pairs[start : start + (1 << 18)]
            equal = (signs[chunk[:, 0]] == signs[chunk[:, 1]]).sum(axis=1)
            yield chunk[equal >= least]


def similar_pairs(texts: Sequence[str], similarity: float) -> tuple[Pairs, NDArray[np.float64]]:
    """Pairs of normalised texts with an exact Jaccard similarity of at least `similarity`.

    Args:
        texts: Normalised, distinct texts.
        similarity: Least Jaccard similarity, above 0, at most 1.

    Returns:
        Pairs, (n_pairs, 2), the later text second, sorted by it; and their similarities, (n_pairs,).
        Of many texts alike, only pairs with the first and the nearest are listed, never all n * n.
    """
    if len(texts) < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    none = np.empty((0, 2), dtype=np.int64)
    found = np.concatenate([none, *candidate_pairs(signatures(texts), similarity)])
    coded = np.unique(found[:, 1] * len(texts) + found[:, 0])
    pairs = np.stack([coded % len(texts), coded // len(texts)], axis=1)
    exact = np.array([jaccard(texts[a], texts[b]) for a, b in pairs.tolist()])
    keep = exact >= similarity
    return pairs[keep], exact[keep]
