"""Trains the linear-chain CRF with python-crfsuite and writes its weights as tables."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pycrfsuite

from tasks.pipeline.scrubbing.names.features import (
    LABELS,
    SLOTS,
    TAG_DISTANCES,
    TAG_PAIRS,
    Knowledge,
    Lexicon,
    WordFeatures,
    word_features,
    word_lists,
)
from tasks.pipeline.scrubbing.names.tagger import capitalisation, marks_of, pronoun_ahead, sentence_starts
from tasks.pipeline.scrubbing.table_builder.sentences import Annotated
from tasks.pipeline.scrubbing.tagging.loading import tagged
from tasks.pipeline.scrubbing.tokens import POSSESSIVES, TOKEN, lowered, tokens_of

L1, L2 = 0.02, 0.3
"""Penalties of the training; found beforehand on held-out text."""
ITERATIONS = 100
MIN_COUNT = 2
"""Features seen less often are left out."""
FREQUENT = 5
"""Everyday words seen this often get a feature of their own."""
CAUTION = 0.5
"""Taken off the score of a name's first word: comments hold few names, the templates many."""
HIDDEN_SHARE, HIDDEN_NAMES = 0.12, 0.15
"""Share of the sentences whose names are treated as if no list held them (gazetteer dropout), and of the
single words of names in the others."""


def vocabulary_of(samples: Sequence[Annotated], lexicon: Lexicon) -> frozenset[str]:
    """Return the frequent everyday words."""
    counts = Counter(lowered(word) for sample in samples for word in TOKEN.findall(sample.text))
    function_words = word_lists()["not_names"]
    return frozenset(
        word
        for word, n in counts.items()
        if n >= FREQUENT and (word in function_words or (word in lexicon and lexicon[word].common))
    )


def labels_of(tokens: Sequence[tuple[int, int, str]], entities: Sequence[tuple[int, int, str]]) -> list[str]:
    """Return one label per token; a possessive behind a name is outside it."""
    labels = ["O"] * len(tokens)
    for start, end, label in entities:
        begun = False
        for index, (a, b, word) in enumerate(tokens):
            closing = word in POSSESSIVES and b >= end and a > start
            if a < end and b > start and not closing:
                labels[index] = f"{'I' if begun else 'B'}-{label}"
                begun = True
    return labels


def sentence_features(
    words: Sequence[str], seen: Sequence[WordFeatures], tags: Sequence[str]
) -> list[list[str]]:
    """Write out each token's features, as the tables of `tagger.Tagger` sum them."""
    marks = np.array([[0, 0, *(marks_of(word) for word in words), 0, 0]])
    starts = sentence_starts(marks)[0, 2:-2].tolist()
    spoken_of = pronoun_ahead(marks)[0, 2:-2].tolist()
    case = int(capitalisation(marks)[0])
    return [
        [*_token_features(i, seen, starts, case, spoken_of[i]), *_tag_features(i, seen, tags)]
        for i in range(len(words))
    ]


def _tag_features(i: int, seen: Sequence[WordFeatures], tags: Sequence[str]) -> list[str]:
    """Write out the parts of speech around a token."""
    near = {d: tags[i + d] for d in TAG_DISTANCES if 0 <= i + d < len(tags)}
    features = [f"PK|{tags[i]}|{seen[i].kind}"]
    features += [f"P{index}|{near[d]}" for index, d in enumerate(TAG_DISTANCES) if d in near]
    features += [
        f"PP{index}|{near[a]}|{near[b]}" for index, (a, b) in enumerate(TAG_PAIRS) if a in near and b in near
    ]
    return features


def _token_features(
    i: int, seen: Sequence[WordFeatures], starts: Sequence[bool], case: int, spoken_of: bool
) -> list[str]:
    here, start = seen[i], int(starts[i])
    features = [
        "b",
        *(f"0|{f}" for f in here.own),
        *(f"S{start}|{f}" for f in (*here.near, f"K={here.kind}")),
    ]
    if spoken_of:
        features += [f"H|{f}" for f in (*here.near, f"K={here.kind}")]
    if case:
        features += [f"D{case}|{f}" for f in here.near]
    for distance in (-1, 1, -2, 2):
        if 0 <= i + distance < len(seen):
            features += [f"{distance:+d}|{f}" for f in seen[i + distance].near]
    features.append(("ps" if starts[i - 1] else "pn") if i else "BOS")
    if i:
        features.append(f"B|{seen[i - 1].kind}|{here.kind}")
    if i > 1:
        features.append(f"T|{seen[i - 2].kind}|{seen[i - 1].kind}|{here.kind}")
    features.append(f"C{start}|{here.kind}|{seen[i + 1].kind}" if i + 1 < len(seen) else "EOS")
    return features


def train(
    samples: Sequence[Annotated], knowledge: Knowledge, seed: int, iterations: int = ITERATIONS
) -> dict[str, Any]:
    """Return the arrays of `tagger.npz`; about ten minutes of one core for 58,000 sentences."""
    vocabulary = vocabulary_of(samples, knowledge.lexicon)
    rng = random.Random(seed)
    describe = cache(lambda word, known: word_features(word, knowledge, vocabulary, known))
    trainer = pycrfsuite.Trainer(verbose=False)
    documents = tagged([tokens_of(sample.text) for sample in samples])
    for sample, tokens in zip(samples, documents, strict=True):
        if len(tokens):
            places = list(zip(tokens.starts, tokens.ends, tokens.words, strict=True))
            labels = labels_of(places, sample.entities)
            seen = _seen(tokens.words, labels, knowledge.lexicon, describe, rng)
            trainer.append(sentence_features(tokens.words, seen, tokens.tags), labels)
    trainer.set_params({"c1": L1, "c2": L2, "max_iterations": iterations, "feature.minfreq": MIN_COUNT})
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "tagger.crfsuite")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        return {**as_tables(tagger.info(), vocabulary), "letters": knowledge.letters}


def _seen(
    words: Sequence[str],
    labels: Sequence[str],
    lexicon: Lexicon,
    describe: Callable[[str, bool], WordFeatures],
    rng: random.Random,
) -> list[WordFeatures]:
    """Describe the words, the names among them as unknown ones now and then."""
    hide = rng.random() < HIDDEN_SHARE
    return [
        describe(word, not (label.endswith("PER") and _hidden(word, lexicon, hide, rng)))
        for word, label in zip(words, labels, strict=True)
    ]


def _hidden(word: str, lexicon: Lexicon, hide: bool, rng: random.Random) -> bool:
    """Whether a word of a name is treated as unknown; everyday words never are."""
    drawn = rng.random() < HIDDEN_NAMES
    entry = lexicon.get(lowered(word))
    return (hide or drawn) and not (entry is not None and entry.common)


def as_tables(info: Any, vocabulary: frozenset[str]) -> dict[str, Any]:
    """Sort the trained weights by feature and slot."""
    slots: dict[str, Any] = defaultdict(lambda: np.zeros((len(SLOTS), len(LABELS)), np.float16))
    grams: dict[str, Any] = defaultdict(lambda: np.zeros(len(LABELS), np.float16))
    for (name, label), weight in info.state_features.items():
        slot, _, feature = name.partition("|")
        target = slots[feature][SLOTS.index(slot)] if feature and slot in SLOTS else grams[name]
        target[LABELS.index(label)] = weight
    for marker in ("b", "BOS", "EOS", "ps", "pn"):
        grams[marker]  # present even where its weight is zero
    grams["b"][LABELS.index("B-PER")] -= CAUTION
    transitions = np.zeros((len(LABELS), len(LABELS)), np.float32)
    for (source, target_label), weight in info.transitions.items():
        transitions[LABELS.index(source), LABELS.index(target_label)] = weight
    return {
        "features": joined(sorted(slots)),
        "slots": np.stack([slots[f] for f in sorted(slots)]),
        "grams": joined(sorted(grams)),
        "gram_weights": np.stack([grams[g] for g in sorted(grams)]),
        "transitions": transitions,
        "vocabulary": joined(sorted(vocabulary)),
    }


def joined(strings: Sequence[str]) -> Any:
    """Return strings as bytes of one array, a line each."""
    return np.frombuffer("\n".join(strings).encode("utf-8"), np.uint8)
