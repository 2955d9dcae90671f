"""Requests as a run makes them, drawn at random for the benchmarks of the generator."""

import numpy as np

from tasks.prompts.rendering import LENGTHS, Manner
from tasks.taxonomy import Topics


def drawn_manner(rng: np.random.Generator, topics: Topics) -> tuple[int, Manner]:
    """A topic's place, and a manner about it: one of its scenarios, a style and a length."""
    place = int(rng.integers(len(topics.topics)))
    topic = topics.topics[place]
    return place, Manner(
        topic.name,
        topic.scenarios[int(rng.integers(len(topic.scenarios)))],
        topics.styles[int(rng.integers(len(topics.styles)))],
        LENGTHS[int(rng.integers(len(LENGTHS)))],
    )
