"""What the generator learns from: human-written texts, each with the requests that it would have met.

A text meets several requests: its labels by one taxonomy or another, a topic, a kind of text, a length. Parts
are left out at random, so that each works without the others, and a label is put by its name, by its meaning,
or by both, so that labels which no text had work by their meanings.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from tasks.config import PromptForm
from tasks.data.reading import LabelledText
from tasks.data.reading.mapping import level_of_score
from tasks.pipeline.training.generator.readable import readable
from tasks.prompts.rendering import Manner, length_word, render
from tasks.taxonomy import Label, Style, load_taxonomy

# Sentiment grouping of GoEmotions' emotions, Demszky et al. 2020, section 4.2; the four ambiguous ones
# (confusion, curiosity, realization, surprise) fit every level.
POSITIVE = frozenset(
    "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief".split()
)
NEGATIVE = frozenset(
    "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse "
    "sadness".split()
)
TAXONOMIES = ("goemotions", "ekman", "polarity3", "sentiment7")
HERE = Path(__file__).parent
COMMENTS = ("comment", "comment", "comment", "forum post", "chat message", "social post", "message", "remark")
REVIEWS = ("film review", "film review", "review")
FILMS = "films"
TEXTS_PER_PROMPT = 6
"""More would save little, and show each wording of a label less often."""
NEAR_TOPIC, NEAR_SCENARIO = 0.33, 0.42
"""Cosine of MiniLM from which a text counts as being about a topic, or as fitting a scenario. A generator
that is told topics which its texts do not have learns to ignore them."""

SENTIMENT = load_taxonomy("sentiment7")
LEVELS = SENTIMENT.names

LabelSet = tuple[str, ...]
"""Labels as `taxonomy/label`."""
Meanings = dict[str, tuple[str, ...]]
"""What a label means, in several wordings; by `taxonomy/label`."""


@dataclass(frozen=True)
class TuningText:
    """A text and the requests that it meets."""

    text: str
    label_sets: tuple[LabelSet, ...]
    """Alternative label sets; each example takes one, the first most often."""
    styles: tuple[str, ...]
    topics: tuple[tuple[str, str], ...] = ()
    """Topics that the text is about, each with a scenario or an empty text."""
    copies: int = 1
    """Times that an epoch shows it."""


@dataclass(frozen=True)
class Example:
    """A prompt and the text that should follow it."""

    prompt: str
    text: str


@dataclass(frozen=True)
class Shared:
    """What texts of one prompt have in common."""

    labels: LabelSet
    topic: str
    scenario: str
    length: str
    styles: tuple[str, ...]


@dataclass(frozen=True)
class TopicVectors:
    """Unit vectors of topic descriptions (n_topics, d) and of every topic's scenarios (n_scenarios, d)."""

    names: tuple[str, ...]
    topics: np.ndarray
    scenarios: tuple[tuple[str, str], ...]
    """Topic and scenario of each row of `scenario_vectors`."""
    scenario_vectors: np.ndarray


def known_meanings() -> Meanings:
    """Meanings of the taxonomies that ship, the published one first, with further wordings of our own."""
    own = yaml.safe_load((HERE / "meanings.yaml").read_text(encoding="utf-8"))
    return {
        f"{name}/{label.name}": (label.meaning, *own[name][label.name])
        for name in TAXONOMIES
        for label in load_taxonomy(name).labels
    }


def demonstrations() -> tuple[list[TuningText], Meanings]:
    """Texts that were written for this project, and the meanings of their labels."""
    texts: list[TuningText] = []
    meanings: Meanings = {}
    blocks = yaml.safe_load((HERE / "demonstrations.yaml").read_text(encoding="utf-8"))
    for number, block in enumerate(blocks):
        space = block.get("taxonomy", f"own{number}")
        meanings |= {f"{space}/{name}": (meaning,) for name, meaning in block.get("labels", {}).items()}
        for line in block["texts"].strip().splitlines():
            style, topic, labels, text = line.split(" | ", 3)
            label_set = tuple(f"{space}/{name}" for name in labels.split("; "))
            texts.append(TuningText(text, (label_set,), (style,), ((topic, ""),), copies=6))
    return texts, meanings


def comment_texts(
    comments: Sequence[LabelledText], rng: np.random.Generator, cap: int
) -> list[tuple[TuningText, str]]:
    """Readable comments, at most `cap` of a label, each with the text that it was made from."""
    counts: Counter[str] = Counter()
    known: dict[str, tuple[TuningText, str]] = {}
    for place in rng.permutation(len(comments)).tolist():
        comment = comments[place]
        if len(comment.labels) > 2 or all(counts[label] >= cap for label in comment.labels):
            continue
        text = readable(comment.text, rng)
        if text and text not in known:
            known[text] = TuningText(text, emotion_sets(comment.labels), COMMENTS), comment.text
            counts.update(comment.labels)
    return list(known.values())


def emotion_sets(labels: Sequence[str]) -> tuple[LabelSet, ...]:
    """The emotions; beside them the basic emotion and the polarity that all of them share, if any."""
    sets = [tuple(f"goemotions/{label}" for label in labels)]
    basic = {name.name for name in load_taxonomy("ekman").labels if {*labels} & {name.name, *name.aliases}}
    if len(basic) == 1:
        sets.append((f"ekman/{basic.pop()}",))
    for side, emotions, others in (("positive", POSITIVE, NEGATIVE), ("negative", NEGATIVE, POSITIVE)):
        if {*labels} & emotions and not {*labels} & others:
            sets.append((f"polarity3/{side}",))
    return tuple(sets)


def review_texts(reviews: Sequence[LabelledText], rng: np.random.Generator, cap: int) -> list[TuningText]:
    """Readable reviews without names, at most `cap` of a level."""
    names = name_words([review.text for review in reviews])
    counts: Counter[str] = Counter()
    texts = []
    for place in rng.permutation(len(reviews)).tolist():
        review = reviews[place]
        level = level_of_score(review.score or 0.0, SENTIMENT)
        text = readable(review.text, rng)
        if text and counts[level] < cap and not names & set(re.findall(r"\b[A-Z][a-zA-Z]+", text)):
            sets = ((f"sentiment7/{level}",), (f"polarity3/{_side(level)}",))
            texts.append(TuningText(text, sets, REVIEWS, ((FILMS, ""), ("a film", ""))))
            counts[level] += 1
    return texts


def _side(level: str) -> str:
    place = LEVELS.index(level) - 3
    return "neutral" if place == 0 else "positive" if place < 0 else "negative"


def name_words(texts: Sequence[str]) -> frozenset[str]:
    """Words that stand in capitals inside sentences and seldom in lower case: titles, people and places."""
    lower = Counter(word for text in texts for word in re.findall(r"\b[a-z]+\b", text))
    capital = Counter(word for text in texts for word in re.findall(r"(?<=[a-z,] )[A-Z][a-zA-Z]+\b", text))
    return frozenset(word for word, n in capital.items() if lower[word.lower()] < 0.5 * n and word != "I")


def nouns_of(texts: Sequence[str], fewest: int = 5) -> frozenset[str]:
    """Words that mostly follow an article or a possessive: what a text without a topic of ours is about."""
    words = Counter(word for text in texts for word in re.findall(r"\b[a-z]{4,}\b", text.lower()))
    led = r"\b(?:the|a|an|my|your|his|her|our|their|this|that) ([a-z]{4,})\b"
    followers = Counter(word for text in texts for word in re.findall(led, text.lower()))
    return frozenset(word for word, n in followers.items() if n >= fewest and n > 0.4 * words[word])


def topics_of(text: str, vector: np.ndarray, near: TopicVectors, nouns: frozenset[str]) -> tuple[str, str]:
    """The topic and the scenario that a text is close to; else a noun of its own; else nothing.

    Args:
        text: Readable text.
        vector: Its unit vector (d,).
        near: Topics to choose from.
        nouns: Words that may name a topic.
    """
    cosine = near.topics @ vector
    if cosine.max() > NEAR_TOPIC:
        name = near.names[int(cosine.argmax())]
        fits = near.scenario_vectors @ vector
        own = [i for i, (topic, _) in enumerate(near.scenarios) if topic == name]
        best = max(own, key=lambda i: float(fits[i]), default=None)
        close = best is not None and fits[best] > NEAR_SCENARIO
        return name, near.scenarios[best][1] if best is not None and close else ""
    found = sorted({word for word in re.findall(r"\b[a-z]{4,}\b", text.lower()) if word in nouns})
    return (found[len(text) % len(found)], "") if found else ("", "")


def epoch_examples(texts: Sequence[TuningText], meanings: Meanings, seed: int, epoch: int) -> list[Example]:
    """Examples of one epoch; the same for the same seed and epoch.

    Up to `TEXTS_PER_PROMPT` texts with the same labels, topic and length share a prompt, and so its
    computation; copies of a text do not.
    """
    rng = np.random.default_rng([seed, epoch])
    shared: dict[tuple[Shared, int], list[str]] = {}
    for place in rng.permutation(len(texts)).tolist():
        text = texts[place]
        for copy in range(text.copies):
            shared.setdefault((_drawn(text, rng), copy), []).append(text.text)
    return [
        Example(prompt, text)
        for (what, _), own in shared.items()
        for start in range(0, len(own), TEXTS_PER_PROMPT)
        for prompt in (_prompt(what, meanings, rng),)
        for text in own[start : start + TEXTS_PER_PROMPT]
    ]


def _drawn(text: TuningText, rng: np.random.Generator) -> Shared:
    sets = text.label_sets
    place = 0 if len(sets) == 1 or rng.random() < 0.8 else int(rng.integers(1, len(sets)))
    no_topic, no_length = rng.random(2) < (0.2, 0.25)
    topic, scenario = text.topics[int(rng.integers(len(text.topics)))] if text.topics else ("", "")
    return Shared(
        labels=sets[place],
        topic="" if no_topic else topic,
        scenario="" if no_topic else scenario,
        length="" if no_length else length_word(len(text.text.split())),
        styles=text.styles,
    )


def _prompt(what: Shared, meanings: Meanings, rng: np.random.Generator) -> str:
    labels = [_asked(key, meanings[key], rng) for key in rng.permutation(what.labels).tolist()]
    no_labels, no_style = rng.random(2) < (0.1, 0.08)
    style = Style(name="text" if no_style else str(rng.choice(what.styles)))
    manner = Manner(what.topic, what.scenario, style, what.length)
    return render(PromptForm.chat, [] if no_labels else labels, manner)


def _asked(key: str, wordings: tuple[str, ...], rng: np.random.Generator) -> Label:
    """A label by name (15 of 100), by meaning (25), or by both."""
    name = key.split("/", 1)[1]
    meaning = wordings[0] if rng.random() < 0.35 else str(rng.choice(wordings))
    draw = rng.random()
    if draw < 0.15:
        return Label(name=name, meaning=name)
    # By meaning alone: a label that is called what it means.
    return (
        Label.model_construct(name=meaning, meaning=meaning)
        if draw < 0.4
        else Label(name=name, meaning=meaning)
    )
