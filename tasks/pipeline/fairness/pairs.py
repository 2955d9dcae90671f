"""Counterfactual pairs: two sentences that differ in nothing but whom they are about.

After Kiritchenko and Mohammad 2018, "Examining gender and race bias in two hundred sentiment analysis
systems" (Equity Evaluation Corpus), with sentences, persons and axes of our own.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from tasks.pipeline.fairness.templates import Templates, fill


class Pair(NamedTuple):
    """Two texts and the groups that they are about."""

    axis: str
    group_a: str
    group_b: str
    text_a: str
    text_b: str
    carrier: int
    """Number of the sentence: pairs of one sentence are not independent."""


PairMaker = Callable[[str, tuple[str, str], tuple[str, str]], Pair]
"""Makes a pair of an axis and two (group, person)."""


def counterfactual_pairs(templates: Templates, n_pairs: int) -> list[Pair]:
    """At least `n_pairs` pairs, or all there are: whole sentences, spread evenly over the tones."""
    carriers = [sentence for tone in templates.carriers.values() for sentence in tone]
    per_carrier = sum(1 for _ in _pairs_of(templates, carriers[0], 0))
    n_carriers = min(len(carriers), max(2, -(-n_pairs // per_carrier)))
    chosen = np.linspace(0, len(carriers) - 1, n_carriers).round().astype(int)
    return [pair for i in chosen.tolist() for pair in _pairs_of(templates, carriers[i], i)]


def _pairs_of(templates: Templates, carrier: str, number: int) -> Iterator[Pair]:
    noun = templates.nouns[number % len(templates.nouns)]

    def pair(axis: str, a: tuple[str, str], b: tuple[str, str]) -> Pair:
        (group_a, person_a), (group_b, person_b) = a, b
        return Pair(
            axis, group_a, group_b, fill(carrier, person_a, noun), fill(carrier, person_b, noun), number
        )

    for axis, groups in templates.axes.items():
        people = [(group, persons[number % len(persons)]) for group, persons in groups.items()]
        yield from (pair(axis, a, b) for a, b in combinations(people, 2))
    (female, her_kin), (male, his_kin) = templates.family.items()
    for her, him in zip(her_kin, his_kin, strict=True):
        yield pair("family", (female, f"my {her}"), (male, f"my {him}"))
    yield from _name_pairs(templates, pair, number)


def _name_pairs(templates: Templates, pair: PairMaker, number: int) -> Iterator[Pair]:
    """Women and men of one origin, and origins of one gender."""
    chosen = {
        origin: {gender: names[number % len(names)] for gender, names in genders.items()}
        for origin, genders in templates.names.items()
    }
    for names in chosen.values():
        female, male = names.items()
        yield pair("name gender", female, male)
    for gender in ("female", "male"):
        people = [(origin, names[gender]) for origin, names in chosen.items()]
        yield from (pair("name origin", a, b) for a, b in combinations(people, 2))


def country_texts(templates: Templates) -> list[list[str]]:
    """Sentences by country: one list per carrier, in the order of the countries."""
    return [
        [carrier.replace("{C}", country) for country in templates.countries.names]
        for carrier in templates.countries.carriers
    ]
