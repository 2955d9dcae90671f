"""What a generator is worth: held-out perplexity, label fidelity, and how much it only remembers."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

RUN_OF_WORDS = 8


def word_runs(text: str, length: int = RUN_OF_WORDS) -> set[int]:
    """Hashes of all runs of `length` words in a text, lower case, punctuation left out."""
    words = re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))
    return {hash(tuple(words[i : i + length])) for i in range(len(words) - length + 1)}


def memorised_share(samples: Sequence[str], training: Iterable[str]) -> float:
    """Share of samples, 0..1, that hold a run of eight words of a training text."""
    known: set[int] = set()
    for text in training:
        known |= word_runs(text)
    return sum(bool(word_runs(sample) & known) for sample in samples) / max(1, len(samples))


def fidelity(probabilities: np.ndarray, intended: Sequence[int], top: int = 3) -> np.ndarray:
    """Whether the intended label is among the `top` most probable ones of a judge.

    Args:
        probabilities: Judge's float (n_samples, n_labels).
        intended: Index of the label that each sample was asked for.
        top: How many labels of the judge count.

    Returns:
        bool (n_samples,).
    """
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    hits: np.ndarray = (best == np.asarray(intended)[:, None]).any(axis=1)
    return hits
