"""The letter model: how much a word is spelled like a person's name rather than a town's or a thing's."""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from tasks.pipeline.scrubbing.names.features import N_SHAPES, Letters, letter_grams, place_of
from tasks.pipeline.scrubbing.table_builder.lexicon import (
    census,
    common_words,
    faker_locales,
    faker_names,
    geonames,
    is_latin,
    origins,
    word_probabilities,
)
from tasks.pipeline.scrubbing.tokens import lowered

FREQUENT_SURNAMES = 12_000
"""American surnames that take part; all 88,799 would drown the other origins."""
TOWN_POPULATION = 40_000
STRENGTH = 1.0
"""Inverse of the penalty; small, so that names that no list holds are judged like those that are listed."""


def letter_model() -> Letters:
    """Return the weights of `features.name_likeness`, by logistic regression on runs of letters.

    Towns and countries, everyday words, and no person's name among them, are the counterexamples; every side
    weighs the same.
    """
    names, others = set(person_words()), set(other_words())
    words = sorted(names) + sorted(others - names)
    targets = np.array([1] * len(names) + [0] * len(others - names))
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300)
    model.fit(_counts(words), targets)
    weights: Letters = np.clip(np.round(model.coef_[0] * 16), -127, 127).astype(np.int8)
    weights[0] = int(np.clip(round(float(model.intercept_[0]) * 16), -127, 127))
    return weights


def _counts(words: list[str]) -> csr_matrix:
    """Return (words, `N_SHAPES`) counts of letter runs; the constant's place stays free."""
    places = [[index for index in map(place_of, letter_grams(word)) if index] for word in words]
    edges = np.cumsum([0, *map(len, places)])
    columns = np.array([index for row in places for index in row])
    return csr_matrix((np.ones(len(columns), np.float32), columns, edges), (len(words), N_SHAPES))


def _parts(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from (lowered(part) for part in name.split() if len(part) > 2)


def person_words() -> Iterator[str]:
    """Yield the lower-case first and last names of every source."""
    for share in ("dist.male.first", "dist.female.first"):
        yield from census(share)
    surnames = census("dist.all.last")
    yield from sorted(surnames, key=lambda name: -surnames[name])[:FREQUENT_SURNAMES]
    for locale in faker_locales():
        for names in faker_names(locale):
            yield from _parts(names)
    for lists in origins().values():
        for names in lists.values():
            yield from _parts(names)


def other_words() -> Iterator[str]:
    """Yield lower-case towns, countries and everyday words."""
    cities, countries = geonames()
    yield from _parts(c["name"] for c in cities if c["population"] > TOWN_POPULATION and is_latin(c["name"]))
    yield from _parts(c["name"] for c in countries)
    yield from (word for word in common_words(word_probabilities()) if len(word) > 2)
