"""Sentences with known names, from the templates and name lists beside this module; nothing is copied."""

import random
from pathlib import Path
from typing import NamedTuple

import yaml

from tasks.pipeline.scrubbing.names.features import Lexicon
from tasks.pipeline.scrubbing.table_builder.people import NameSource, name_source

NAMED_SHARE = 0.55
"""Share of the sentences that hold a name."""
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
PLACE_NAME_SHARE = 0.3
"""Share of the places that are also names of people (Charlotte, Jordan, Austin)."""


class Annotated(NamedTuple):
    """A text with its entities: (start, end, label), label `PER` or `OTH`."""

    text: str
    entities: list[tuple[int, int, str]]


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

    def index(self) -> str:
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
            "G": (self.index, "OTH"),
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
        return "".join(self.value(piece)[0] if index % 2 else piece for index, piece in enumerate(pieces))

    def sentence(self, kind: str) -> Annotated:
        """Fill one template of a kind; in `nameless` ones a surname belongs to a thing."""
        composed = "composed_" if self.rng.random() < COMPOSED_SHARE else ""
        pieces = self.rng.choice(self.templates[composed + kind]).replace("}", "{").split("{")
        text, entities = "", list[tuple[int, int, str]]()
        for index, piece in enumerate(pieces):
            filled, label = self.value(piece) if index % 2 else (piece, "")
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
