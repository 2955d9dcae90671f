"""Which topic a text is nearest to: the same measure for texts that were given a topic and those without."""

from collections.abc import Sequence

import numpy as np

from tasks.models.embedding import embed
from tasks.taxonomy import Topic


def nearest_topics(vectors: np.ndarray, topics: Sequence[Topic]) -> list[int]:
    """Number of the topic whose name and scenarios each text is nearest to.

    Args:
        vectors: float (n_texts, 384), as `tasks.models.embedding.embed` gives them.
        topics: Topics, at least one.
    """
    described = embed([f"{topic.name}. {' '.join(topic.scenarios)}" for topic in topics])
    found: list[int] = (vectors @ described.T).argmax(axis=1).tolist()
    return found
