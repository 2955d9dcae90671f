"""What the generator learns from: people's texts, each with the wishes that it would have fulfilled.

A text teaches several wishes: its human labels, a level on the seven-step scale, a topic, a style and a
length. Wishes are left open part of the time, so that each works without the others.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from unicodedata import category

import numpy as np
from sklearn.linear_model import RidgeCV

from tasks.data.reading import LabelledText
from tasks.data.reading.mapping import level_of_score
from tasks.prompts.control_prompts import control_prompt, length_word
from tasks.taxonomy import load_taxonomy

# Sentiment grouping of GoEmotions' emotions, Demszky et al. 2020, section 4.2; the four ambiguous ones
# (confusion, curiosity, realization, surprise) fit every level.
POSITIVE = frozenset(
    "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief".split()
)
NEGATIVE = frozenset(
    "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse "
    "sadness".split()
)

SENTIMENT = load_taxonomy("sentiment7")
LEVELS = SENTIMENT.names

Wish = Callable[[Sequence[str], str, str, str], str]


@dataclass(frozen=True)
class TuningText:
    """A text and the wishes that it fulfils."""

    text: str
    label_sets: tuple[tuple[str, ...], ...]
    """Alternative label sets; each epoch takes one."""
    style: str
    topic: str = ""


@dataclass(frozen=True)
class Example:
    """A prompt and the text that should follow it."""

    prompt: str
    text: str


def tuning_texts(
    comments: Sequence[LabelledText],
    reviews: Sequence[LabelledText],
    topics: dict[str, str],
    embeddings: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> list[TuningText]:
    """Annotate people's texts with levels and topics.

    Args:
        comments: Texts with emotion labels (GoEmotions).
        reviews: Texts with scores (SST).
        topics: Description by topic name.
        embeddings: Unit vectors of comments, reviews and topic descriptions, (n, 384) each.
    """
    of_comments, of_reviews, of_topics = embeddings
    scores = np.array([review.score for review in reviews])
    comment_topics = nearest_topics(of_comments, of_topics, list(topics))
    review_topics = nearest_topics(of_reviews, of_topics, list(topics))
    levels = comment_levels(comments, of_comments, of_reviews, scores)
    masked = mask_names([review.text for review in reviews])
    return [
        TuningText(c.text, (c.labels, (level,)) if level else (c.labels,), "comment", topic)
        for c, level, topic in zip(comments, levels, comment_topics, strict=True)
    ] + [
        TuningText(text, review_sets(score), "review", topic)
        for text, score, topic in zip(masked, scores.tolist(), review_topics, strict=True)
    ]


def nearest_topics(texts: np.ndarray, topics: np.ndarray, names: list[str]) -> list[str]:
    """Topic of each text by cosine; empty for the half that is closest to none."""
    cosine = texts @ topics.T  # (n_texts, n_topics)
    best = cosine.argmax(axis=1)
    near = cosine.max(axis=1)
    return [names[i] if value > np.median(near) else "" for i, value in zip(best, near, strict=True)]


def review_sets(score: float) -> tuple[tuple[str, ...], ...]:
    """The level of a score, and beside it the pair of neighbours when the score is near their border."""
    level = level_of_score(score, SENTIMENT)
    sets: list[tuple[str, ...]] = [(level,)]
    border = round(score * 7)
    if 0 < border < 7 and abs(score * 7 - border) < 0.2:
        sets.append((LEVELS[6 - border], LEVELS[7 - border]))
    return tuple(sets)


def comment_levels(
    comments: Sequence[LabelledText], of_comments: np.ndarray, of_reviews: np.ndarray, scores: np.ndarray
) -> list[str | None]:
    """Level of each comment by a ridge on embeddings, kept where the human emotions allow it.

    The ridge knows films only; the emotions, given by people, overrule its sign.
    """
    ridge = RidgeCV(alphas=np.logspace(-2, 2, 9)).fit(of_reviews, scores)
    raw = ridge.predict(of_comments)
    # A regression shrinks towards the mean; give it back the spread of the human scores.
    stretched = (raw - raw.mean()) / raw.std() * scores.std() + 0.5
    return [
        _consistent(level_of_score(float(np.clip(score, 0, 1)), SENTIMENT), comment.labels)
        for comment, score in zip(comments, stretched, strict=True)
    ]


def _consistent(level: str, emotions: Sequence[str]) -> str | None:
    place = LEVELS.index(level)
    if set(emotions) & POSITIVE and not set(emotions) & NEGATIVE:
        return level if place < 3 else None
    if set(emotions) & NEGATIVE and not set(emotions) & POSITIVE:
        return level if place > 3 else None
    if tuple(emotions) == ("neutral",):
        return level if place == 3 else None
    return None


def mask_names(texts: Sequence[str]) -> list[str]:
    """Replace runs of capitalised words that the texts never write in lower case by `[NAME]`.

    The generator writes lower case and gets its capitals back by rule, so a name that it learnt could not
    be told from a word afterwards: it must not learn any. Titles of films go too.
    """
    lower = Counter(word for text in texts for word in re.findall(r"\b[a-z]+\b", text))
    capital = Counter(word for text in texts for word in re.findall(r"\b[A-Z][a-zA-Z]+\b", text))

    def is_name(word: str) -> bool:
        return lower[word.lower()] < 0.5 * capital[word]

    def mask(match: re.Match[str]) -> str:
        return "[NAME]" if is_name(match[0]) else match[0]

    out = [re.sub(r"\b[A-Z][a-zA-Z]+\b", mask, text) for text in texts]
    return [re.sub(r"\[NAME\](?:[ -]+(?:of the |of |the |[A-Z]\. )?\[NAME\])+", "[NAME]", t) for t in out]


def new_symbols(texts: Sequence[str], fewest: int = 8) -> list[str]:
    """Emoji and other pictures that at least `fewest` texts use, most frequent first."""
    counts = Counter(char for text in texts for char in set(text) if ord(char) >= 0x2600)
    return [char for char, count in counts.most_common() if count >= fewest and category(char) == "So"]


def row_weights(texts: Sequence[TuningText], strongest: float = 3.0, weakest: float = 0.35) -> np.ndarray:
    """Times that a text is seen per epoch: the square root of how rare its rarest label is.

    Returns:
        float array (n_texts,), `weakest` .. `strongest`.
    """
    counts = Counter(label for text in texts for label in text.label_sets[0])
    median = float(np.median(list(counts.values())))
    rarest = np.array([min(counts[label] for label in text.label_sets[0]) for text in texts])
    return np.clip(np.sqrt(median / rarest), weakest, strongest)


def epoch_examples(
    texts: Sequence[TuningText], seed: int, epoch: int, wish: Wish = control_prompt
) -> list[Example]:
    """Examples of one epoch; the same for the same seed and epoch.

    Args:
        texts: Texts with the wishes that they fulfil.
        seed: Decides copies, label sets and the wishes that are left open.
        epoch: From 0.
        wish: Puts labels, topic, style and length into a prompt; an empty one is left open.
    """
    rng = np.random.default_rng([seed, epoch])
    weights = row_weights(texts)
    copies = np.floor(weights + rng.random(len(texts))).astype(int)
    return [_example(text, rng, wish) for text, n in zip(texts, copies, strict=True) for _ in range(n)]


def _example(text: TuningText, rng: np.random.Generator, wish: Wish) -> Example:
    sets = text.label_sets
    # Human labels come first and weigh more than derived levels.
    labels = sets[0] if len(sets) == 1 or rng.random() < 0.65 else sets[1]
    length = length_word(len(text.text.split()))
    no_labels, no_topic, no_style, no_length = rng.random(4) < (0.1, 0.3, 0.1, 0.2)
    prompt = wish(
        () if no_labels else rng.permutation(labels).tolist(),
        "" if no_topic else text.topic,
        "" if no_style else text.style,
        "" if no_length else length,
    )
    return Example(prompt, text.text)
