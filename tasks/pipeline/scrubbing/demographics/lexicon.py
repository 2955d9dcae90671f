"""The demographic lexicon and the words around it, from the YAML files beside this module."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from tasks.config import DemographicCategory

FOLDER = Path(__file__).parent


class Term(NamedTuple):
    """One demographic term."""

    category: DemographicCategory
    kind: str
    """`either` (adjective and noun), `adjective`, `plural`, `singular`, `abstract` or `complement`."""


Phrase = tuple[str, ...]


def _listed(text: str) -> list[str]:
    return [item for item in " ".join(text.split()).split(", ") if item]


@cache
def _yaml(name: str) -> dict[str, dict[str, str]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (FOLDER / name).read_text(encoding="utf-8")
    loaded: dict[str, dict[str, str]] = yaml.load(text, loader)
    return loaded


@cache
def terms() -> dict[Phrase, Term]:
    """Return every term by its words; the first category that claims a word keeps it."""
    matches: dict[Phrase, Term] = {}
    for category, kinds in _yaml("demographics.yaml").items():
        for kind, text in kinds.items():
            for words, fitting in _spelled(kind, _listed(text)):
                matches.setdefault(tuple(words.split()), Term(DemographicCategory(category), fitting))
    return matches


def _spelled(kind: str, items: list[str]) -> list[tuple[str, str]]:
    """Return (words, kind) pairs; `american` stands for all compounds with -American."""
    if kind != "american":
        return [(item, kind) for item in items]
    forms = [(f"{item}{joint}american", "either") for item in items for joint in ("-", " ")]
    return forms + [(words + "s", "plural") for words, _ in forms]


@cache
def phrases_by_first_word() -> dict[str, tuple[Phrase, ...]]:
    """Return the terms that begin with each word, longest first."""
    return _by_first_word(terms())


@cache
def exceptions() -> dict[str, tuple[Phrase, ...]]:
    """Return the phrases in which a term means something else, by first word."""
    items = [*_listed(_contexts_text("exceptions")), *_listed(str(_yaml("gender.yaml")["exceptions"]))]
    return _by_first_word(tuple(item.split()) for item in items)


@cache
def term_triggers() -> frozenset[str]:
    """Return the words at which a term or an exception may begin."""
    return frozenset(phrases_by_first_word()) | frozenset(exceptions())


@cache
def gender_exceptions() -> dict[str, tuple[Phrase, ...]]:
    """Return the phrases in which a gendered word means something else, by first word."""
    text = str(_yaml("gender.yaml")["exceptions"])
    return _by_first_word(tuple(item.split()) for item in _listed(text))


def _by_first_word(phrases: object) -> dict[str, tuple[Phrase, ...]]:
    matches: dict[str, list[Phrase]] = {}
    for phrase in phrases:  # type: ignore[attr-defined]
        matches.setdefault(phrase[0], []).append(phrase)
    return {word: tuple(sorted(group, key=len, reverse=True)) for word, group in matches.items()}


def _contexts_text(name: str) -> str:
    return str(_yaml("contexts.yaml")[name])


@cache
def context(name: str) -> frozenset[str]:
    """Return a word list of `contexts.yaml`."""
    return frozenset(_listed(_contexts_text(name)))


@cache
def gender_words(name: str) -> frozenset[str]:
    """Return a word list of `gender.yaml`."""
    return frozenset(_listed(str(_yaml("gender.yaml")[name])))


@cache
def person_nouns() -> frozenset[str]:
    """Return the nouns for people, singular and plural."""
    singular = context("person_nouns")
    plural = {word + "s" for word in singular if not word.endswith(("s", "man"))}
    return singular | plural | context("irregular_plurals")


NO_MEN = frozenset({"human", "german", "roman", "ottoman", "specimen", "regimen", "abdomen"})


def is_person_noun(word: str) -> bool:
    """Whether a lower-case word names a person or a group of people."""
    return word in person_nouns() or (
        len(word) > 6 and word.endswith(("woman", "women", "man", "men")) and word not in NO_MEN
    )


def describes_people(word: str, unlisted: bool) -> bool:
    """Whether a lone lower-case word is a demographic noun, or a demographic term that is no known name."""
    term = terms().get((word,))
    return term is not None and (unlisted or term.kind in {"plural", "abstract"})


@cache
def neutral_nouns() -> dict[str, str]:
    """Return the neutral word of each gendered one."""
    nouns = _yaml("gender.yaml")["nouns"]
    return {gendered: neutral for neutral, words in nouns.items() for gendered in _listed(words)}
