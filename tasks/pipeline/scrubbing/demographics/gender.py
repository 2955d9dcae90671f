"""Turns gendered nouns and pronouns into neutral ones, verbs agreeing: "he is tired" -> "they are tired"."""

import bisect
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from tasks.pipeline.scrubbing.demographics.lexicon import (
    context,
    gender_exceptions,
    gender_words,
    is_person_noun,
    neutral_nouns,
)
from tasks.pipeline.scrubbing.demographics.token_view import Reading
from tasks.pipeline.scrubbing.names.assets import load_verbs
from tasks.pipeline.scrubbing.tokens import Span


class Edit(NamedTuple):
    """One replacement."""

    start: int
    end: int
    type: str
    """`GENDER` for nouns and pronouns, `AGREEMENT` for verbs."""
    text: str


IRREGULAR = {
    "is": "are",
    "was": "were",
    "has": "have",
    "does": "do",
    "goes": "go",
    "isn't": "aren't",
    "wasn't": "weren't",
    "hasn't": "haven't",
    "doesn't": "don't",
}
PLAIN = {"him": "them", "himself": "themselves", "herself": "themselves", "hers": "theirs"}
CONTRACTED = {"'d": "they'd", "'ll": "they'll"}
PRONOUNS = frozenset({"he", "she", "him", "her", "his", "hers", "himself", "herself"}) | {
    f"{pronoun}'{rest}" for pronoun in ("he", "she") for rest in ("s", "d", "ll")
}
NOT_VERBS = gender_words("not_verbs")
ADVERBS = gender_words("adverbs")
NOT_ADVERBS = gender_words("not_adverbs")
PARTICIPLES = gender_words("participles")
AFTER_OBJECT = gender_words("after_object") | frozenset('\n!"),.:;?”')
"""Words that cannot begin a noun phrase owned by "her" or "his", so that these stand alone before them."""
OWNED_BY_HER = gender_words("owned_by_her")
OWNED_BY_HIS = gender_words("owned_by_his")
CLAUSE_ENDS = gender_words("clause_ends") | frozenset("\n!.:;?")
TITLES_BEFORE_NAMES = gender_words("titles_before_names")
COORDINATION_REACH = 9
"""Words between a verb and one coordinated with it, at most."""
LONGEST_ASIDE = 6
"""Words between the commas of an aside, at most."""
CLAUSE_SIGNS = frozenset(".,;:!?)\n")
AFTER_NOUNS = frozenset({"of", "for", "and", "or"})
"""Words that follow a second noun ("toys and games for kids") rather than a second verb."""
MOST_ADVERBS = 5


@cache
def gender_triggers() -> frozenset[str]:
    """Return the words at which something may have to change."""
    return PRONOUNS | set(neutral_nouns()) | set(gender_exceptions())


def neutral_edits(reading: Reading, skipped: Iterable[Span]) -> list[Edit]:
    """Return the replacements that make a text neutral, sorted and disjoint.

    Args:
        reading: The text.
        skipped: Spans that other rules replace.
    """
    return sorted(Neutraliser(reading, skipped).edits())


def matched_case(original: str, replacement: str) -> str:
    """Write the replacement with the capitals of the original."""
    if len(original) > 1 and original.isupper():
        return replacement.upper()
    return replacement[:1].upper() + replacement[1:] if original[0].isupper() else replacement


def base_form(verb: str) -> str | None:
    """Return the base form of a third person singular, or None."""
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    return None if verb in NOT_VERBS else load_verbs().get(verb)


def is_adverb(word: str) -> bool:
    """Whether a word may stand between a pronoun and its verb."""
    return word in ADVERBS or (word.endswith("ly") and len(word) > 4 and word not in NOT_ADVERBS)


class Neutraliser:
    """One pass over one text."""

    def __init__(self, reading: Reading, skipped: Iterable[Span]) -> None:
        self.reading = reading
        self.skipped = sorted(skipped)
        self._starts = [start for start, _ in self.skipped]
        self._done: set[int] = set()

    def edits(self) -> Iterator[Edit]:
        """Yield the replacements, in no particular order."""
        reading, others, triggers, place = self.reading, gender_exceptions(), gender_triggers(), 0
        for i in [i for i, word in enumerate(reading.words) if word in triggers]:
            if i < place:
                continue
            other = reading.phrase_at(i, others.get(reading.words[i], ()))
            if other:
                place = i + len(other)
            elif not self._taken(i):
                yield from self._at(i)

    def _taken(self, i: int) -> bool:
        start, end = self.reading.span(i, i + 1)
        place = bisect.bisect_left(self._starts, end) - 1
        return place >= 0 and self.skipped[place][1] > start

    def _edit(self, i: int, type_: str, text: str) -> Edit:
        self._done.add(i)
        start, end = self.reading.span(i, i + 1)
        token = self.reading.text[start:end]
        text = text.replace("'", "’") if "’" in token else text
        return Edit(start, end, type_, matched_case(token, text))

    def _at(self, i: int) -> Iterator[Edit]:
        word = self.reading.words[i]
        if word in {"he", "she"}:
            yield self._edit(i, "GENDER", "they")
            yield from self._subject(i)
        elif word in {"he's", "she's"}:
            yield self._edit(i, "GENDER", "they're")
        elif word in PRONOUNS:
            yield self._edit(i, "GENDER", self._pronoun(i))
        elif word in neutral_nouns():
            yield from self._noun(i)

    def _pronoun(self, i: int) -> str:
        word, follower = self.reading.words[i], self.reading.at(i + 1)
        if word == "his":
            alone = follower in AFTER_OBJECT - OWNED_BY_HIS and follower not in {"and", "or"}
            return "theirs" if alone else "their"
        if word == "her":
            adverb = follower.endswith("ly") and follower not in NOT_ADVERBS
            alone = follower in AFTER_OBJECT - OWNED_BY_HER or adverb
            compared = follower == "like" and self.reading.at(i + 2) in AFTER_OBJECT
            return "them" if alone or compared else "their"
        return PLAIN.get(word) or CONTRACTED[word[word.index("'") :]]

    def _noun(self, i: int) -> Iterator[Edit]:
        reading, word = self.reading, self.reading.words[i]
        if word in TITLES_BEFORE_NAMES and reading.capitalised(i) and reading.at(i - 1) not in {"\n", "."}:
            return
        if word in {"male", "female"}:
            follower = reading.at(i + 1)
            if is_person_noun(follower) or follower in context("adjectives"):
                yield self._edit(i, "GENDER", "")
                return
            if follower not in context("closed_class") and follower.isalpha():
                return
        yield self._edit(i, "GENDER", neutral_nouns()[word])

    def _subject(self, i: int) -> Iterator[Edit]:
        """Make the verb of a "he" or "she" at `i` agree with "they"."""
        reading = self.reading
        before, follower = reading.at(i - 1), reading.at(i + 1)
        if follower == "'s":
            after = reading.at(i + 2)
            yield self._edit(i + 1, "AGREEMENT", "'ve" if after in PARTICIPLES else "'re")
        elif before in IRREGULAR and i - 1 not in self._done and reading.at(i - 2) not in {"he", "she"}:
            yield self._edit(i - 1, "AGREEMENT", IRREGULAR[before])
        elif follower == ",":
            yield from self._verb_behind_aside(i + 1)
        elif follower not in {"and", "or"}:
            yield from self._verb(i + 1)

    def _verb_behind_aside(self, comma: int) -> Iterator[Edit]:
        """Reach over "he, however, disagrees"."""
        for i in range(comma + 2, min(comma + LONGEST_ASIDE, len(self.reading))):
            if self.reading.words[i] == ",":
                yield from self._verb(i + 1)
                return

    def _verb(self, place: int) -> Iterator[Edit]:
        for i in range(place, min(place + MOST_ADVERBS, len(self.reading))):
            word = self.reading.words[i]
            if is_adverb(word):
                continue
            base = base_form(word)
            if base and i not in self._done and not self._taken(i):
                yield self._edit(i, "AGREEMENT", base)
                yield from self._coordinated(i)
            return

    def _coordinated(self, verb: int) -> Iterator[Edit]:
        """Make the verb behind an "and" agree too: "they sing and dance"."""
        reading = self.reading
        if self._lists_on(verb):
            yield self._edit(verb + 2, "AGREEMENT", base_form(reading.words[verb + 2]) or "")
            yield from self._coordinated(verb + 2)
            return
        for i in range(verb + 1, min(verb + COORDINATION_REACH, len(reading))):
            object_ = i == verb + 1 and reading.words[i] in {"it", "you"}
            if reading.words[i] in CLAUSE_ENDS and not object_:
                return
            if reading.words[i] in {"and", "or", "but"}:
                yield from self._second_verb(i + 1, verb, i)
                return

    def _lists_on(self, verb: int) -> bool:
        """Whether a list of verbs goes on: "walks, talks and laughs"."""
        at = self.reading.at
        listed = at(verb + 1) == "," and at(verb + 3) in {",", "and", "or"}
        return listed and base_form(at(verb + 2)) is not None

    def _second_verb(self, place: int, verb: int, joint: int) -> Iterator[Edit]:
        reading = self.reading
        while place < len(reading) and is_adverb(reading.words[place]):
            place += 1
        word = reading.at(place)
        base = base_form(word)
        if not base or word in neutral_nouns() or place >= len(reading):
            return
        follower = reading.at(place + 1)
        closes = follower in CLAUSE_SIGNS
        sure = joint == verb + 1 or place > joint + 1  # nothing before the "and", or an adverb behind it
        ends = word in IRREGULAR or (sure if closes else follower not in AFTER_NOUNS)
        noun_before = joint - 1 > verb and base_form(reading.words[joint - 1]) is not None
        if ends and not noun_before:
            yield self._edit(place, "AGREEMENT", base)
