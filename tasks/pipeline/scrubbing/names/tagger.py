"""Finds names in a whole batch of texts at once: a linear-chain CRF run from tables, with numpy alone.

A word's features depend on the word form only, so each form's contribution to every slot is summed once and
kept; the score of a token is then a few table look-ups, and Viterbi runs over all texts of a batch side by
side (Lafferty et al. 2001, Conditional Random Fields; training in `build/training.py`).
"""

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.pipeline.scrubbing.names.assets import Weights
from tasks.pipeline.scrubbing.names.features import (
    AHEAD,
    LABELS,
    LONGEST_WORD,
    OPENERS,
    PRONOUNS,
    QUOTES,
    SENTENCE_ENDS,
    SLOTS,
    TAG_DISTANCES,
    TAG_PAIRS,
    Knowledge,
    Lexicon,
    abbreviates,
    is_sure_name,
    word_features,
)
from tasks.pipeline.scrubbing.names.gram_tables import (
    FORBIDDEN,
    GramTables,
    TagTables,
    forbidden_transitions,
    taken,
)
from tasks.pipeline.scrubbing.tagging.clusters import Clusters
from tasks.pipeline.scrubbing.tagging.loading import tagged
from tasks.pipeline.scrubbing.tagging.word_rows import WordRows
from tasks.pipeline.scrubbing.tokens import Span, Tokens, lowered, tokens_of

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MAX_WORDS = 200_000
"""Word forms kept; beyond it the tables start again, so that memory stays bounded over millions of texts."""
PERSON_LABELS = [LABELS.index("B-PER"), LABELS.index("I-PER")]
SURE_BONUS = 2.0
"""Added to the score of a word that is a first name and nothing else, inside a sentence."""
ENDS, OPENS, SHORT, DOT, QUOTE, CAPITAL, LETTER, CAPITALS, PRONOUN = (1 << bit for bit in range(9))


class WordTable:
    """Rows of scores for the word forms met so far; row 0 stands for the padding around a text."""

    def __init__(self, weights: Weights, knowledge: Knowledge) -> None:
        self.weights = weights
        self.knowledge = knowledge
        self.grams = GramTables(weights)
        self.tags = TagTables(weights, self.grams.kinds)
        self.clear()

    def clear(self) -> None:
        """Forget every word form."""
        self.ids = WordRows(self._add)
        self.scores = np.zeros((4096, len(SLOTS), len(LABELS)), np.float32)
        self.kind_of = np.zeros(4096, np.int64)
        self.marks = np.zeros(4096, np.int64)

    def rows(self, words: Sequence[str]) -> list[int]:
        """Return the row of each word, adding new ones."""
        return list(map(self.ids.__getitem__, words))

    def _add(self, word: str) -> int:
        word = word[:LONGEST_WORD]
        if word in self.ids:
            return self.ids[word]
        row = self.ids[word] = len(self.ids) + 1
        if row == len(self.marks):
            self._double()
        matches = word_features(word, self.knowledge, self.weights.vocabulary)
        known = self.weights.features
        named = [known[f] for f in (*matches.own, f"K={matches.kind}") if f in known]
        self.scores[row] = self.weights.slots[named].sum(axis=0)
        if is_sure_name(word, self.knowledge.lexicon):
            self.scores[row, SLOTS.index("S0"), PERSON_LABELS] += SURE_BONUS
        self.kind_of[row] = self.grams.kinds.get(matches.kind, 0)
        self.marks[row] = marks_of(word)
        return row

    def _double(self) -> None:
        self.scores = np.concatenate([self.scores, np.zeros_like(self.scores)])
        self.kind_of = np.concatenate([self.kind_of, np.zeros_like(self.kind_of)])
        self.marks = np.concatenate([self.marks, np.zeros_like(self.marks)])


def marks_of(word: str) -> int:
    """Return the bits that decide where sentences start and how a text is capitalised."""
    held = (
        (ENDS, word in SENTENCE_ENDS),
        (OPENS, word in OPENERS),
        (SHORT, abbreviates(word)),
        (DOT, word == "."),
        (QUOTE, word in QUOTES),
        (CAPITAL, word[0].isupper()),
        (LETTER, word[0].isalpha()),
        (CAPITALS, len(word) > 1 and word.isupper()),
        (PRONOUN, lowered(word) in PRONOUNS),
    )
    return sum(bit for bit, holds in held if holds)


def sentence_starts(marks: Ints) -> Bools:
    """Mark the tokens that begin a sentence.

    Args:
        marks: (texts, 2 + tokens + 2), padded by two on either side.

    Returns:
        Same shape. A dot behind an initial or a title ends nothing; a quote or bracket passes its start on.
    """
    ends, dot, short = (marks & ENDS) > 0, (marks & DOT) > 0, (marks & SHORT) > 0
    base = np.zeros(marks.shape, np.bool_)
    base[:, 1:] = ends[:, :-1]
    base[:, 2:] &= ~(dot[:, 1:-1] & short[:, :-2])
    base[:, 2] = True
    starts = base.copy()
    opens, quotes = (marks & OPENS) > 0, (marks & QUOTE) > 0
    starts[:, 1:] |= opens[:, :-1] & (base[:, :-1] | quotes[:, :-1])
    return starts


def pronoun_ahead(marks: Ints) -> Bools:
    """Mark the capitalised tokens with a personal pronoun among the next `AHEAD`; same shape as `marks`."""
    pronouns = (marks & PRONOUN) > 0
    ahead = np.zeros(marks.shape, np.bool_)
    for distance in range(1, min(AHEAD, marks.shape[1] - 1) + 1):
        ahead[:, :-distance] |= pronouns[:, distance:]
    return ahead & ((marks & CAPITAL) > 0)


def capitalisation(marks: Ints) -> npt.NDArray[np.int64]:
    """Return per text 0 (mixed), 1 (no capitals) or 2 (mostly capitals)."""
    capital = ((marks & CAPITAL) > 0).sum(1)
    letters = ((marks & LETTER) > 0).sum(1)
    capitals = ((marks & CAPITALS) > 0).sum(1)
    matches: npt.NDArray[np.int64] = np.where(
        (letters > 2) & (capitals > 0.6 * letters), 2, np.where(capital == 0, 1, 0)
    )
    return matches


class Tagger:
    """Names in texts.

    Args:
        weights: Trained tables.
        lexicon: Name lexicon.
        clusters: Word clusters.
        bias: Added to the score of a name's first word; higher finds more names and more false ones.
    """

    def __init__(self, weights: Weights, lexicon: Lexicon, clusters: Clusters, bias: float = 0.0) -> None:
        self.weights = weights
        self.bias = bias
        self._table = WordTable(weights, Knowledge(lexicon, clusters, weights.letters))
        self._lock = threading.Lock()

    def names(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of the names of each text, in order."""
        return self.names_in(tagged([tokens_of(text) for text in texts]))

    def names_in(self, documents: Sequence[Tokens], batch: int = 256) -> list[list[Span]]:
        """Return the spans of the names of each text, given as its tokens with their parts of speech.

        Texts are worked on in batches of similar length; the result does not depend on the batch.
        """
        matches: list[list[Span]] = [[] for _ in documents]
        order = sorted(
            (i for i, tokens in enumerate(documents) if len(tokens)), key=lambda i: len(documents[i])
        )
        with self._lock:
            for start in range(0, len(order), batch):
                self._tag(order[start : start + batch], documents, matches)
        return matches

    def _tag(self, chosen: list[int], documents: Sequence[Tokens], matches: list[list[Span]]) -> None:
        if len(self._table.ids) > MAX_WORDS:
            self._table.clear()
        rows = [self._table.rows(documents[i].words) for i in chosen]
        lengths = np.array([len(row) for row in rows])
        scores = self._emissions(rows, lengths)
        scores += self._of_tags(rows, [documents[i].tags for i in chosen], lengths)
        labels = self._decode(scores, lengths)
        for index in np.nonzero(((labels == 1) | (labels == 2)).any(1))[0]:
            i = chosen[int(index)]
            matches[i] = spans_of(documents[i], labels[index].tolist())

    def _emissions(self, documents: list[list[int]], lengths: Ints) -> Floats:
        """Return (texts, tokens, labels) scores of each token's labels."""
        table, grams = self._table, self.weights.grams
        padded = np.zeros((len(documents), int(lengths.max()) + 4), np.int64)
        for index, rows in enumerate(documents):
            padded[index, 2 : 2 + len(rows)] = rows
        marks = table.marks[padded]
        starts = sentence_starts(marks)
        start = starts[:, 2:-2].astype(np.int64)
        scores = table.scores.take(padded, axis=0)
        inner = scores[:, 2:-2]
        total: Floats = (
            inner[:, :, 0] + np.where(start[:, :, None], inner[:, :, 2], inner[:, :, 1]) + grams["b"]
        )
        for slot, first in ((3, 1), (4, 3), (5, 0), (6, 4)):
            total += scores[:, first : first + total.shape[1], slot]
        capitals = capitalisation(marks)
        for value in (1, 2):
            texts = capitals == value
            total[texts] += inner[texts, :, 6 + value]
        spoken_of = pronoun_ahead(marks)[:, 2:-2]
        total[spoken_of] += inner[spoken_of, SLOTS.index("H")]
        total += self._combinations(table.kind_of[padded], start)
        markers = np.where(starts[:, 1:-3, None], grams["ps"], grams["pn"])
        markers[:, 0] = grams["BOS"]
        total += markers
        total[np.arange(len(documents)), lengths - 1] += grams["EOS"]
        return total

    def _of_tags(self, rows: list[list[int]], tags: list[Sequence[str]], lengths: Ints) -> Floats:
        """Score the parts of speech of each token and its neighbours."""
        tables, size = self._table.tags, int(lengths.max())
        known = tables.ids.get
        padded = np.zeros((len(tags), size + 2), np.int64)
        kinds = np.zeros((len(tags), size), np.int64)
        for index, (matches, row) in enumerate(zip(tags, rows, strict=True)):
            padded[index, 1 : 1 + len(matches)] = [known(tag, 0) for tag in matches]
            kinds[index, : len(row)] = self._table.kind_of[row]
        near = {d: padded[:, 1 + d : 1 + d + size] for d in TAG_DISTANCES}
        scores = taken(tables.with_kind, near[0] * tables.with_kind.shape[1] + kinds)
        for table, distance in enumerate(TAG_DISTANCES):
            scores += taken(tables.single[table], near[distance])
        for table, (first, second) in enumerate(TAG_PAIRS):
            scores += taken(tables.pairs[table], near[first] * len(tables.single[table]) + near[second])
        return scores

    def _combinations(self, kinds: Ints, start: Ints) -> Floats:
        """Score the pairs and triples of neighbouring classes."""
        grams = self._table.grams
        here, left, far, right = kinds[:, 2:-2], kinds[:, 1:-3], kinds[:, :-4], kinds[:, 3:-1]
        n = len(grams.pairs)
        pair = left * n + here
        scores = taken(grams.pairs, pair) + taken(grams.ahead, (start * n + here) * n + right)
        scores += taken(grams.triples, far * (n * n) + pair)
        return scores

    def _decode(self, scores: Floats, lengths: Ints) -> npt.NDArray[np.int8]:
        """Return the best label sequence of each text (Viterbi), (texts, tokens)."""
        scores[:, :, 1] += self.bias
        transitions = (self.weights.transitions + forbidden_transitions())[:, :, None]
        n_texts, n_tokens, n_labels = scores.shape
        by_token = np.ascontiguousarray(scores.transpose(1, 2, 0))
        best = by_token[0] + np.array([0, 0, FORBIDDEN, 0, FORBIDDEN], np.float32)[:, None]
        back = np.zeros((n_tokens, n_labels, n_texts), np.int8)
        last = best.copy()
        for t in range(1, n_tokens):
            paths = best[:, None] + transitions
            best = paths[0]
            for label in range(1, n_labels):
                better = paths[label] > best
                back[t][better] = label
                np.copyto(best, paths[label], where=better)
            best += by_token[t]
            np.copyto(last, best, where=lengths - 1 == t)
        return _traced(back, last.argmax(0), lengths)


def _traced(back: npt.NDArray[np.int8], final: Ints, lengths: Ints) -> npt.NDArray[np.int8]:
    """Follow the back pointers from each text's last token; (texts, tokens)."""
    n_tokens, _, n_texts = back.shape
    every = np.arange(n_texts)
    labels = np.zeros((n_texts, n_tokens), np.int8)
    current = final.astype(np.int8)
    for t in range(n_tokens - 1, -1, -1):
        inside = t <= lengths - 1
        labels[inside, t] = current[inside]
        current = np.where(inside, back[t, current, every], current)
    return labels


def spans_of(tokens: Tokens, labels: Sequence[int]) -> list[Span]:
    """Join the tokens labelled as names into spans."""
    spans: list[Span] = []
    for index, label in enumerate(labels[: len(tokens)]):
        if label == 1:
            spans.append((tokens.starts[index], tokens.ends[index]))
        elif label == 2 and spans:
            spans[-1] = (spans[-1][0], tokens.ends[index])
    return spans
