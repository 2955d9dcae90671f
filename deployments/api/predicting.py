"""Texts in, decisions out, in the way that the model was evaluated: scrubbed, cut, judged, compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from deployments.api.loading import Served


class Item(NamedTuple):
    """One text to judge."""

    served: Served
    """The model that was served when the request came; all texts of a request are judged by one."""
    text: str
    scrub: bool


@dataclass(frozen=True)
class Prediction:
    """What the classifier says about one text."""

    served: Served
    text: str
    """As it was judged."""
    scrubbed: dict[str, int]
    spans: tuple[tuple[int, int, str], ...]
    """(start, end, kind) of what was found in the normalised text."""
    probabilities: np.ndarray
    """float (n_labels,)."""
    decided: np.ndarray
    """bool (n_labels,)."""
    level: int | None
    n_tokens: int
    """Tokens of the whole text, also those that the model does not read."""

    @property
    def truncated(self) -> bool:
        """Whether the model read only the beginning."""
        return self.n_tokens > int(self.served.settings["max_length"])

    @cached_property
    def confidence(self) -> float:
        """F1 that the probabilities promise the label set, 0..1."""
        from tasks.pipeline.decision.thresholds import confidence

        return float(confidence(self.probabilities[None], self.decided[None])[0])

    @property
    def unsure(self) -> bool:
        """Whether the model was told to abstain on texts like this one."""
        return self.confidence < float(self.served.settings.get("unsure_below", 0.0))


def predict_items(items: Sequence[Item]) -> list[Prediction]:
    """Judge texts, each with its model; what comes out of one does not depend on the others."""
    if len({id(item.served) for item in items}) == 1:
        return _predict(items[0].served, items)
    return [prediction for item in items for prediction in _predict(item.served, [item])]


def _predict(served: Served, items: Sequence[Item]) -> list[Prediction]:
    from tasks.pipeline.decision.ordinal_levels import predict_level
    from tasks.pipeline.decision.thresholds import decide_as

    scrubbed = _scrubbed(served, items)
    found = served.judge([text for text, _, _ in scrubbed])
    levels: list[int | None] = [None] * len(items)
    if served.taxonomy.ordinal:
        # Without a head for the scale by the labels' probabilities, as in the evaluation.
        places = (
            predict_level(found.probabilities, served.settings["recalibration"])
            if found.levels is None
            else found.levels
        )
        levels = places.tolist()
    decisions = decide_as(served.settings, found.probabilities)
    return [
        Prediction(served, *scrub, row, decision, level, length)
        for scrub, row, decision, level, length in zip(
            scrubbed, found.probabilities, decisions, levels, found.n_tokens, strict=True
        )
    ]


def _scrubbed(
    served: Served, items: Sequence[Item]
) -> list[tuple[str, dict[str, int], tuple[tuple[int, int, str], ...]]]:
    """(text, counts, spans) of each item; an item that is not to be scrubbed stays as it is."""
    wanted = iter(served.scrubber.many([item.text for item in items if item.scrub]))
    done = [next(wanted) if item.scrub else None for item in items]
    return [
        (each.text, each.counts, each.spans) if each else (item.text, {}, ())
        for item, each in zip(items, done, strict=True)
    ]
