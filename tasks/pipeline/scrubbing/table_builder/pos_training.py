"""Trains the part-of-speech tagger: two softmax regressions, the second of which sees the first one's tags.

The first reads the words around a token, the second also the tags that the first gave to its neighbours
(stacked sequential learning, Cohen and Carvalho 2005). The tags it is trained on come from models that never
saw their sentences, or it would trust them too much.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from tasks.pipeline.scrubbing.names.features import Lexicon
from tasks.pipeline.scrubbing.table_builder.treebank import TaggedSentence
from tasks.pipeline.scrubbing.tagging.clusters import Clusters
from tasks.pipeline.scrubbing.tagging.tables import (
    DISTANCES,
    TAG_DISTANCES,
    TAG_PAIRS,
    WORD_TAG_DISTANCES,
    PosTables,
    in_steps,
)
from tasks.pipeline.scrubbing.tagging.tagger import PosTagger, opens_sentence
from tasks.pipeline.scrubbing.tagging.word_features import WordFeatures, word_features
from tasks.pipeline.scrubbing.tokens import lowered, tokens_of

MIN_COUNT = 2
"""Features seen less often are left out."""
NEIGHBOUR_COUNT = 6
"""Words seen this often speak for themselves to their neighbours, rarer ones by their outline."""
FREQUENT_WORDS = 300
"""Words that are looked at together with the tags beside them."""
EPOCHS = 4
BATCH = 256
RATE = 0.1
"""Of Adagrad (Duchi et al. 2011)."""
FOLDS = 4
"""Models of the first stage that the second one's training tags come from."""
LOWERED_SHARE = 0.1
"""Share of the sentences that are seen once more without capitals, as many people write."""

Features = list[list[str]]
Scores = npt.NDArray[np.float32]


class Setting(NamedTuple):
    """What training needs beside the sentences."""

    lexicon: Lexicon
    clusters: Clusters
    tags: tuple[str, ...]
    seed: int


class Describer:
    """Writes out the features of a sentence, as the tables of `tagging.tagger.PosTagger` sum them."""

    def __init__(self, sentences: Sequence[TaggedSentence], setting: Setting) -> None:
        self._setting = setting
        self._seen: dict[str, WordFeatures] = {}
        counts = Counter(lowered(word) for sentence in sentences for word in sentence.words)
        self.neighbours = frozenset(word for word, n in counts.items() if n >= NEIGHBOUR_COUNT)
        self.frequent = frozenset(word for word, _ in counts.most_common(FREQUENT_WORDS))

    def words(self, words: Sequence[str]) -> Features:
        """Return each token's features of the first stage."""
        seen = [self._features(word) for word in words]
        return [self._token(i, words, seen) for i in range(len(words))]

    def tags(self, words: Sequence[str], tags: Sequence[str]) -> Features:
        """Return each token's features of the second stage."""
        around = ["", "", "", *tags, "", "", ""]
        matches = []
        for i, word in enumerate(words):
            near = {d: around[i + 3 + d] for d in TAG_DISTANCES}
            features = [f"t{d}|{near[d]}" for d in TAG_DISTANCES]
            features += [f"p{a}{b}|{near[a]}|{near[b]}" for a, b in TAG_PAIRS]
            if lowered(word) in self.frequent:
                features += [f"m{d}|{lowered(word)}|{near[d]}" for d in WORD_TAG_DISTANCES]
            matches.append(features)
        return matches

    def _features(self, word: str) -> WordFeatures:
        if word not in self._seen:
            self._seen[word] = word_features(word, self._setting.lexicon, self._setting.clusters)
        return self._seen[word]

    def _token(self, i: int, words: Sequence[str], seen: Sequence[WordFeatures]) -> list[str]:
        features = ["o|b", *(f"o|{f}" for f in seen[i].own)]
        if opens_sentence(words[i - 1] if i else "\n"):
            features += [f"s|{f}" for f in seen[i].opening]
        for d in DISTANCES:
            inside = 0 <= i + d < len(words)
            features.append(f"n{d}|{self._neighbour(words[i + d], seen[i + d]) if inside else 'PAD'}")
            if inside and seen[i + d].cluster:
                features.append(f"k{d}|{seen[i + d].cluster}")
        return features

    def _neighbour(self, word: str, seen: WordFeatures) -> str:
        low = lowered(word)
        return f"w={low}" if low in self.neighbours else seen.outline


class Regression:
    """A softmax regression over named features, fitted with Adagrad on one core.

    Args:
        rows: Features of each training token.
        targets: (tokens,) index of the right tag.
        n_tags: Number of tags.
        offsets: (tokens, tags) scores that are added, times a factor that is fitted as well.
        seed: Of the order of the tokens.
    """

    def __init__(
        self, rows: Features, targets: Sequence[int], n_tags: int, offsets: Scores | None, seed: int
    ) -> None:
        counts = Counter(feature for row in rows for feature in row)
        self.ids = {feature: i for i, feature in enumerate(f for f, n in counts.items() if n >= MIN_COUNT)}
        self._weights = torch.nn.EmbeddingBag(len(self.ids) + 1, n_tags, mode="sum", sparse=True)
        torch.nn.init.zeros_(self._weights.weight)
        self.trust = torch.nn.Parameter(torch.ones(1))
        self._fit(rows, torch.tensor(targets), None if offsets is None else torch.from_numpy(offsets), seed)

    @property
    def weights(self) -> Scores:
        """(features, tags)."""
        matches: Scores = self._weights.weight.detach().numpy()
        return matches

    def scores(self, rows: Features) -> Scores:
        """Return (tokens, tags) of further tokens, offsets left out."""
        with torch.no_grad():
            matches: Scores = self._weights(*self._flat([self._known(row) for row in rows])).numpy()
        return matches

    def _known(self, row: Iterable[str]) -> list[int]:
        return [self.ids[f] for f in row if f in self.ids]

    def _flat(self, rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        starts = np.cumsum([0, *(len(row) for row in rows)])[:-1]
        return torch.tensor([i for row in rows for i in row]), torch.from_numpy(starts)

    def _fit(self, rows: Features, targets: torch.Tensor, offsets: torch.Tensor | None, seed: int) -> None:
        known = [np.array(self._known(row)) for row in rows]
        optimizer = torch.optim.Adagrad(self._weights.parameters(), lr=RATE)
        slow = torch.optim.Adagrad([self.trust], lr=0.05)
        rng = np.random.default_rng(seed)
        for epoch in range(EPOCHS):
            for group in optimizer.param_groups:
                group["lr"] = RATE * (1 - epoch / EPOCHS)
            order = rng.permutation(len(known))
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                lengths = np.array([len(known[i]) for i in chosen])
                flat = torch.from_numpy(np.concatenate([known[i] for i in chosen]))
                places = torch.from_numpy(np.cumsum([0, *lengths[:-1]]))
                scores = self._weights(flat, places)
                if offsets is not None:
                    scores = scores + self.trust * offsets[chosen]
                loss = torch.nn.functional.cross_entropy(scores, targets[chosen])
                loss.backward()  # type: ignore[no-untyped-call]
                for step in (optimizer, slow):
                    step.step()
                    step.zero_grad()


def train_pos(
    sentences: Sequence[TaggedSentence], lexicon: Lexicon, clusters: Clusters, seed: int
) -> PosTables:
    """Return the trained tables; about six minutes of one core for 12,500 sentences."""
    tags = tuple(sorted({tag for sentence in sentences for tag in sentence.tags}))
    setting = Setting(lexicon, clusters, tags, seed)
    sentences = [*sentences, *lowered_sentences(sentences, seed)]
    describer = Describer(sentences, setting)
    rows = [describer.words(sentence.words) for sentence in sentences]
    targets = [[tags.index(tag) for tag in sentence.tags] for sentence in sentences]
    offsets = _unseen_scores(rows, targets, setting)
    guessed = [[tags[i] for i in scores.argmax(1)] for scores in offsets]
    second_rows = [
        describer.tags(sentence.words, matches) for sentence, matches in zip(sentences, guessed, strict=True)
    ]
    first = Regression(list(chain(*rows)), list(chain(*targets)), len(tags), None, seed)
    second = Regression(
        list(chain(*second_rows)), list(chain(*targets)), len(tags), np.concatenate(offsets), seed
    )
    return as_tables(first, second, describer, setting)


def accuracy(tagger: PosTagger, sentences: Sequence[TaggedSentence]) -> float:
    """Return the share of the tokens that get the treebank's tag."""
    matches = tagger.tags([tokens_of(sentence.text) for sentence in sentences])
    pairs = [
        pair for tags, s in zip(matches, sentences, strict=True) for pair in zip(tags, s.tags, strict=True)
    ]
    return sum(a == b for a, b in pairs) / len(pairs)


def lowered_sentences(sentences: Sequence[TaggedSentence], seed: int) -> list[TaggedSentence]:
    """Return a share of the sentences in lower case."""
    drawn = random.Random(seed).sample(sentences, round(len(sentences) * LOWERED_SHARE))
    return [TaggedSentence(s.text.lower(), [w.lower() for w in s.words], s.tags) for s in drawn]


def _unseen_scores(rows: list[Features], targets: list[list[int]], setting: Setting) -> list[Scores]:
    """Return the first stage's scores of each sentence by a model that was trained without it."""
    matches: list[Scores] = [np.zeros((0, 0), np.float32)] * len(rows)
    for fold in range(FOLDS):
        others = [i for i in range(len(rows)) if i % FOLDS != fold]
        model = Regression(
            [row for i in others for row in rows[i]],
            [target for i in others for target in targets[i]],
            len(setting.tags),
            None,
            setting.seed,
        )
        for i in range(fold, len(rows), FOLDS):
            matches[i] = model.scores(rows[i])
    return matches


def as_tables(first: Regression, second: Regression, describer: Describer, setting: Setting) -> PosTables:
    """Sort the trained weights by slot."""
    tags, n_clusters = setting.tags, len(setting.clusters.paths)
    n = len(tags)
    own_names = sorted({name for f in first.ids if (name := f.partition("|")[2]) and f[:2] in {"o|", "s|"}})
    features = {name: row for row, name in enumerate(own_names)}
    known = {name for f in first.ids if f[0] == "n" and (name := f.partition("|")[2])}
    neighbours = {name: row for row, name in enumerate(["", *sorted({"PAD", *known})])}
    word_rows = {word: row for row, word in enumerate(["", *sorted(describer.frequent)])}
    stored = {
        "o": np.zeros((len(features), n), np.float32),
        "s": np.zeros((len(features), n), np.float32),
        "n": np.zeros((len(DISTANCES), len(neighbours), n), np.float32),
        "k": np.zeros((len(DISTANCES), n_clusters, n), np.float32),
        "t": np.zeros((len(TAG_DISTANCES), n + 1, n), np.float32),
        "p": np.zeros((len(TAG_PAIRS), n + 1, n + 1, n), np.float32),
        "m": np.zeros((len(WORD_TAG_DISTANCES), len(word_rows), n + 1, n), np.float32),
    }
    index = {"": n, **{tag: i for i, tag in enumerate(tags)}}
    pairs = {f"{a}{b}": i for i, (a, b) in enumerate(TAG_PAIRS)}
    for model in (first, second):
        for name, row in model.ids.items():
            slot, _, rest = name.partition("|")
            kind, at = slot[0], slot[1:]
            key: tuple[int, ...]
            match kind:
                case "o" | "s":
                    key = (features[rest],)
                case "n":
                    key = (DISTANCES.index(int(at)), neighbours[rest])
                case "k":
                    key = (DISTANCES.index(int(at)), int(rest))
                case "t":
                    key = (TAG_DISTANCES.index(int(at)), index[rest])
                case "p":
                    key = (pairs[at], *(index[tag] for tag in rest.split("|")))
                case _:
                    word, _, tag = rest.rpartition("|")
                    key = (WORD_TAG_DISTANCES.index(int(at)), word_rows[word], index[tag])
            stored[kind][key] = model.weights[row]
    return PosTables(
        tags=tags,
        features=features,
        own=in_steps(stored["o"]),
        opening=in_steps(stored["s"]),
        neighbours=neighbours,
        around=stored["n"],
        clusters_around=stored["k"],
        single=stored["t"],
        paired=stored["p"],
        word_rows=word_rows,
        with_word=stored["m"],
        trust=float(second.trust.detach()),
    )
