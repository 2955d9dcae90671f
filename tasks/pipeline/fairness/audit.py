"""One audit: pairs and countries, asked as they are and as the service asks."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import Matrix
from tasks.data.fairness_scores import FairnessAudit, FairnessScores, RateGap
from tasks.pipeline.fairness.measures import measure_countries, measure_pairs
from tasks.pipeline.fairness.pairs import Pair, counterfactual_pairs, country_texts
from tasks.pipeline.fairness.templates import load_templates

Ask = Callable[[list[str]], Matrix]
"""Probabilities (n, n_labels), 0..1, of n texts."""
Scrub = Callable[[list[str]], list[str]]
Decide = Callable[[Matrix], NDArray[np.bool_]]
"""Label sets (n, n_labels) of probabilities, at the thresholds that are deployed."""


def audit_classifier(
    ask: Ask, decide: Decide, scrub: Scrub, n_pairs: int, rates: Sequence[RateGap] = ()
) -> FairnessAudit:
    """Ask a classifier about pairs that should be labelled alike, twice: raw, and scrubbed as deployed.

    Args:
        ask: The classifier.
        decide: Its thresholds.
        scrub: What the service does with a text before it asks the classifier.
        n_pairs: Pairs wanted; see `counterfactual_pairs`.
        rates: What is known of real groups, handed through.
    """
    templates = load_templates()
    pairs = counterfactual_pairs(templates, n_pairs)
    countries = country_texts(templates)
    texts = list(dict.fromkeys([*_texts_of(pairs), *(text for line in countries for text in line)]))
    scrubbed = dict(zip(texts, scrub(texts), strict=True))
    # Each text is asked once, however many pairs it stands in and whatever scrubs to it.
    asked = list(dict.fromkeys([*texts, *scrubbed.values()]))
    probabilities = np.asarray(ask(asked), dtype=float)
    place = {text: i for i, text in enumerate(asked)}

    def behind(setting: Callable[[str], str]) -> FairnessScores:
        first = probabilities[[place[setting(pair.text_a)] for pair in pairs]]
        second = probabilities[[place[setting(pair.text_b)] for pair in pairs]]
        of_countries = np.array(
            [[probabilities[place[setting(text)]] for text in line] for line in countries]
        )
        flipped = (decide(first) != decide(second)).any(axis=1)
        spread = measure_countries(templates.countries.names, of_countries)
        return measure_pairs(pairs, first, second, flipped, spread)

    return FairnessAudit(
        n_pairs=len(pairs),
        n_texts=len(texts),
        raw=behind(str),
        deployed=behind(scrubbed.__getitem__),
        rates=tuple(rates),
    )


def _texts_of(pairs: Sequence[Pair]) -> list[str]:
    return [text for pair in pairs for text in (pair.text_a, pair.text_b)]
