"""Gives every token of a whole batch its Penn tag, from tables, with numpy alone.

The tokens of all texts lie in one row, texts apart by padding, so that a neighbour is the same row shifted.
No stage looks at its own output, so there is no search: a tag costs some thirty table look-ups.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.pipeline.scrubbing.names.features import OPENERS, SENTENCE_ENDS, Lexicon
from tasks.pipeline.scrubbing.tagging.clusters import Clusters
from tasks.pipeline.scrubbing.tagging.tables import (
    DISTANCES,
    STEP,
    TAG_DISTANCES,
    TAG_PAIRS,
    WORD_TAG_DISTANCES,
    Floats,
    PosTables,
)
from tasks.pipeline.scrubbing.tagging.word_features import LONGEST_WORD, word_features
from tasks.pipeline.scrubbing.tagging.word_rows import WordRows
from tasks.pipeline.scrubbing.tokens import Tokens, lowered

Ints = npt.NDArray[np.int64]
Steps = npt.NDArray[np.int16]

MAX_WORDS = 30_000
"""Word forms kept; beyond it the table starts again, so that memory stays bounded over millions of texts."""
MAX_TOKENS = 8_192
"""Tokens worked on in one go, but for a longer text."""
PADDING = 3
"""Empty places on either side of a text: the farthest neighbour's distance."""


def opens_sentence(before: str) -> bool:
    """Whether a token behind `before` opens a sentence; a line break stands for the start of a text."""
    return before in SENTENCE_ENDS or before in OPENERS


class PosTagger:
    """Part-of-speech tags; safe to share between threads.

    Args:
        tables: Trained weights.
        lexicon: Name lexicon.
        clusters: Brown clusters.
    """

    def __init__(self, tables: PosTables, lexicon: Lexicon, clusters: Clusters) -> None:
        self.tables = tables
        self._lexicon = lexicon
        self._clusters = clusters
        self._lock = threading.Lock()
        self._clear()

    def use(self, tables: PosTables) -> None:
        """Go on with other tables, as measuring fold by fold needs it."""
        with self._lock:
            self.tables = tables
            self._clear()

    def tags(self, documents: Sequence[Tokens]) -> list[list[str]]:
        """Return the tag of each token of each text, in order; a text's tags do not depend on the batch."""
        matches: list[list[str]] = []
        names = self.tables.tags
        with self._lock:
            for group in _groups(documents):
                if len(self._rows) > MAX_WORDS:
                    self._clear()
                row, starts = self._laid_out(group)
                best = self._best(row).tolist()
                matches += [
                    list(map(names.__getitem__, best[start : start + len(tokens)]))
                    for start, tokens in zip(starts, group, strict=True)
                ]
        return matches

    def leaning(self, word: str, tag: str, other: str) -> float:
        """Return how much more likely a word's form makes one tag than another, in log-odds."""
        with self._lock:
            scores = self._own[self._rows[word]]
            first, second = scores[[self.tables.tags.index(tag), self.tables.tags.index(other)]].tolist()
            return float(first - second) * STEP

    def first_stage(self, row: Ints) -> Steps:
        """Return (tokens, tags) scores by the words around each token of a padded row, in units of `STEP`."""
        here = row[PADDING:-PADDING]
        total = self._own.take(here, axis=0)
        opens = self._ends[row[PADDING - 1 : -PADDING - 1]]
        total[opens] += self._opening[here[opens]]
        added = np.empty_like(total)
        for table, distance in enumerate(DISTANCES):
            total += self._around[table].take(_shifted(row, distance), axis=0, out=added, mode="clip")
        return total

    def _best(self, row: Ints) -> Ints:
        """Return the best tag of each token of a padded row, padding between texts left out at the ends."""
        tables, outside = self.tables, len(self.tables.tags)
        first = self.first_stage(row)
        tags = np.full(len(row), outside, np.int64)
        tags[PADDING:-PADDING] = np.where(row[PADDING:-PADDING] > 0, first.argmax(1), outside)
        scores = first * np.float32(STEP * tables.trust)
        added = np.empty_like(scores)
        for table, distance in enumerate(TAG_DISTANCES):
            scores += tables.single[table].take(_shifted(tags, distance), axis=0, out=added, mode="clip")
        for table, (left, right) in enumerate(TAG_PAIRS):
            pair = _shifted(tags, left) * (outside + 1) + _shifted(tags, right)
            scores += _flat(tables.paired[table]).take(pair, axis=0, out=added, mode="clip")
        frequent = self._frequent[row[PADDING:-PADDING]]
        known = np.nonzero(frequent)[0]
        for table, distance in enumerate(WORD_TAG_DISTANCES):
            pair = frequent[known] * (outside + 1) + _shifted(tags, distance)[known]
            scores[known] += _flat(tables.with_word[table]).take(pair, axis=0)
        best: Ints = scores.argmax(1)
        return best

    def _laid_out(self, documents: Sequence[Tokens]) -> tuple[Ints, list[int]]:
        """Return the word rows of all texts with padding around each, and where each text's tags begin."""
        rows, starts, padding = [0] * PADDING, list[int](), [0] * PADDING
        for tokens in documents:
            starts.append(len(rows) - PADDING)
            rows += map(self._rows.__getitem__, tokens.words)
            rows += padding
        return np.array(rows, np.int64), starts

    def _clear(self) -> None:
        n = len(self.tables.tags)
        self._rows = WordRows(self._add)
        self._own = np.zeros((2048, n), np.int16)
        self._opening = np.zeros((2048, n), np.int16)
        self._around = [np.zeros((2048, n), np.int16) for _ in DISTANCES]
        self._frequent = np.zeros(2048, np.int64)
        self._ends = np.zeros(2048, np.bool_)
        self._ends[0] = True
        self._set_around(0, self.tables.neighbours["PAD"], 0)

    def _add(self, word: str) -> int:
        word = word[:LONGEST_WORD]
        if word in self._rows:
            return self._rows[word]
        row = self._rows[word] = len(self._rows) + 1
        if row == len(self._ends):
            self._double()
        tables, low = self.tables, lowered(word)
        matches = word_features(word, self._lexicon, self._clusters)
        own = [tables.features[f] for f in ("b", *matches.own) if f in tables.features]
        opening = [tables.features[f] for f in matches.opening if f in tables.features]
        self._own[row] = tables.own[own].sum(axis=0, dtype=np.int16)
        self._opening[row] = tables.opening[opening].sum(axis=0, dtype=np.int16)
        outline = tables.neighbours.get(matches.outline, 0)
        self._set_around(row, tables.neighbours.get(f"w={low}", outline), matches.cluster)
        self._frequent[row] = tables.word_rows.get(low, 0)
        self._ends[row] = opens_sentence(word)
        return row

    def _set_around(self, row: int, neighbour: int, cluster: int) -> None:
        """Sum what a word says of the words around it."""
        words, clusters = self.tables.around[:, neighbour], self.tables.clusters_around[:, cluster]
        for table, weights in zip(self._around, (words + clusters) / STEP, strict=True):
            table[row] = weights

    def _double(self) -> None:
        for name in ("_own", "_opening", "_frequent", "_ends"):
            setattr(self, name, _doubled(getattr(self, name)))
        self._around = [_doubled(table) for table in self._around]


def _doubled(table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([table, np.zeros_like(table)])


def _flat(table: Floats) -> Floats:
    """Return a table of two indices with one."""
    return table.reshape(-1, table.shape[-1])


def _shifted(row: Ints, distance: int) -> Ints:
    """Return the neighbours at a distance of each token of a padded row."""
    return row[PADDING + distance : len(row) - PADDING + distance]


def _groups(documents: Sequence[Tokens]) -> Iterator[Sequence[Tokens]]:
    """Yield neighbouring texts of about `MAX_TOKENS` tokens together."""
    first = size = 0
    for index, tokens in enumerate(documents):
        if size and size + len(tokens) > MAX_TOKENS:
            yield documents[first:index]
            first, size = index, 0
        size += len(tokens)
    if first < len(documents):
        yield documents[first:]
