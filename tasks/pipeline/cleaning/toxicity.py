"""How likely a text is to offend: the linear model of alt-profanity-check, an optional package.

It was trained on 200,000 comments that people judged (Twitter and Wikipedia talk pages), and comes with pip.
"""

from collections.abc import Sequence
from importlib.util import find_spec

TOXIC = 0.9
"""Probability from which a text counts as toxic."""


def can_judge() -> bool:
    """Whether the package is installed: `pip install sentimill[toxicity]`."""
    return find_spec("profanity_check") is not None


def toxicity(texts: Sequence[str]) -> list[float]:
    """Probability of every text, 0..1; raises ModuleNotFoundError if the package is not installed."""
    if not texts:
        return []
    from profanity_check import predict_prob

    return [float(p) for p in predict_prob(list(texts))]
