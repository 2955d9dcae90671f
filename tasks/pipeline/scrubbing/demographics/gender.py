"""Turns gendered nouns and pronouns into neutral ones, verbs agreeing: "he is tired" -> "they are tired"."""

import bisect
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from tasks.pipeline.scrubbing.demographics.agreement import AUXILIARY_SUBJECTS, SUBJECTS, agreeing_verbs
from tasks.pipeline.scrubbing.demographics.lexicon import gender_exceptions, neutral_nouns
from tasks.pipeline.scrubbing.demographics.nouns import NEUTRAL, NOUN_RULES
from tasks.pipeline.scrubbing.demographics.pronouns import PRONOUN_RULES
from tasks.pipeline.scrubbing.demographics.rules import Context, first_rule
from tasks.pipeline.scrubbing.demographics.token_view import Reading
from tasks.pipeline.scrubbing.tokens import Span


class Edit(NamedTuple):
    """One replacement."""

    start: int
    end: int
    type: str
    """`GENDER` for nouns and pronouns, `AGREEMENT` for verbs."""
    text: str
    rule: str
    """Name of the rule that asked for it."""


PRONOUNS = frozenset(word for rule in PRONOUN_RULES for word in rule.words)
LONGEST_ABBREVIATION = 2
"""Letters of "GF" and "BF", whose capitals say nothing."""
APOSTROPHES = frozenset("'’")


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


class Neutraliser:
    """One pass over one text."""

    def __init__(self, reading: Reading, skipped: Iterable[Span]) -> None:
        self.reading = reading
        self.skipped = sorted(skipped)
        self._starts = [start for start, _ in self.skipped]
        self._done: set[int] = set()

    def edits(self) -> Iterator[Edit]:
        """Yield the replacements, in no particular order."""
        reading, others, triggers, index = self.reading, gender_exceptions(), gender_triggers(), 0
        for i in [i for i, word in enumerate(reading.words) if word in triggers]:
            if i < index:
                continue
            other = reading.phrase_at(i, others.get(reading.words[i], ()))
            if other:
                index = i + len(other)
            elif not self._taken(i):
                yield from self._pronoun(i) if reading.words[i] in PRONOUNS else self._noun(i)

    def _taken(self, i: int) -> bool:
        start, end = self.reading.span(i, i + 1)
        index = bisect.bisect_left(self._starts, end) - 1
        return index >= 0 and self.skipped[index][1] > start

    def _edit(self, i: int, type_: str, text: str, rule: str, last: int | None = None) -> Edit:
        self._done.add(i)
        start, end = self.reading.span(i, i + 1 if last is None else last + 1)
        token = self.reading.text[start:end]
        text = text.replace("'", "’") if "’" in token else text
        return Edit(start, end, type_, matched_case(token, text), rule)

    def _pronoun(self, i: int) -> Iterator[Edit]:
        rule = first_rule(PRONOUN_RULES, Context(self.reading, i))
        if rule and rule.result:
            yield self._edit(i, "GENDER", rule.result, rule.name)
        if self.reading.words[i] in SUBJECTS | AUXILIARY_SUBJECTS:
            for verb in agreeing_verbs(self.reading, i):
                if verb.position not in self._done and not self._taken(verb.position):
                    yield self._edit(verb.position, "AGREEMENT", verb.text, verb.rule)

    def _noun(self, i: int) -> Iterator[Edit]:
        if self.reading.words[i] not in neutral_nouns():
            return
        rule = first_rule(NOUN_RULES, Context(self.reading, i))
        if rule is None or rule.result is None:
            return
        if rule.result != NEUTRAL:
            yield self._edit(i, "GENDER", rule.result, rule.name)
            return
        word = self.reading.words[i]
        words = neutral_nouns()[word]
        owner = self._is_plural_owner(i) and not words.endswith("s")
        edit = (
            self._edit(i, "GENDER", words + "'s", rule.name, i + 1)
            if owner
            else self._edit(i, "GENDER", words, rule.name)
        )
        yield edit._replace(text=words) if len(word) <= LONGEST_ABBREVIATION else edit

    def _is_plural_owner(self, i: int) -> bool:
        """Whether an apostrophe behind a plural makes it an owner: "the girls' night out"."""
        reading, sign = self.reading, i + 1
        if not reading.words[i].endswith("s") or reading.at(sign) not in APOSTROPHES:
            return False
        text, end = reading.text, reading.tokens.ends[i]
        opened = text.count("'", 0, end) % 2 == 1 and reading.at(sign) == "'"
        return text[end : end + 1] in APOSTROPHES and reading.tag(sign + 1) not in {"."} and not opened
