"""Names that need no model: behind a title ("Captain Nakamura"), several words together, before a verb.

Of the runs in the annotated corpora of `build/corpora.py`, 92 % are names inside a sentence, 90 % at
its start; nearly all of the rest are places, teams and firms.
"""

import re
from collections.abc import Iterator

from tasks.pipeline.scrubbing.names.candidate import CAPITAL_CASE, KNOWN_NAME
from tasks.pipeline.scrubbing.names.features import (
    SENTENCE_ENDS,
    UNKNOWN,
    Entry,
    Letters,
    Lexicon,
    entry_of,
    group_of,
    name_likeness,
    shape,
    word_lists,
)
from tasks.pipeline.scrubbing.tokens import Span, Tokens, lowered

NAME_MASK = re.compile(r"\[NAME\](?: ?\[NAME\])*")
"""The mask that GoEmotions puts in place of a name."""
FREE_BEFORE = frozenset(",.!?\n")
TIED = frozenset("@#&-")
LONGEST_NAME = 4
"""Words that a title is followed by, at most."""
MAX_WORDS = 200_000
"""Word forms remembered; beyond it the memory starts again, so that it stays bounded."""
SHORT_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof"})
"""Titles that go before a name even where nobody cares for capitals: "dr. ahmed"."""
TITLE, HONORIFIC, NAMES, ONLY_NAMES, KNOWN, MAY_NAME, THING, CAPITAL = (1 << bit for bit in range(8))
LIKELY, LOWER, FIRST, VERB, END, GIVEN, SURNAME, OFTEN_GIVEN, OFTEN_SURNAME = (
    1 << bit for bit in range(8, 17)
)


class CertainNames:
    """Finds names by the words beside them; what it learns of a word is kept for the next text."""

    def __init__(self, lexicon: Lexicon, letters: Letters) -> None:
        self._lexicon = lexicon
        self._letters = letters
        self._marks: dict[str, int] = {}

    def spans(self, tokens: Tokens) -> list[Span]:
        """Return the names of a text; other finders may know more of them."""
        if len(self._marks) > MAX_WORDS:
            self._marks.clear()
        known, words = self._marks, tokens.words
        marks = [known[word] if word in known else self._mark(word) for word in words]
        rules = (self._titled, self._runs, self._full, self._subjects)
        return [span for rule in rules for span in rule(tokens, marks)]

    def _mark(self, word: str) -> int:
        low, capital = lowered(word), word[0].isupper()
        lists = word_lists()
        entry = entry_of(low, self._lexicon)
        listed = any(low in lists[name] for name in ("titles", "kin_titles", "foreign_titles"))
        title = capital and listed and not (len(word) > 2 and word.isupper())
        short = low in SHORT_TITLES and not (len(word) > 2 and word.isupper())
        known = bool(entry.first or entry.last)
        outline = shape(word)
        plain = outline in {"Xx", "Xm"}
        only = plain and group_of(low, entry) == "-" and low not in lists["in_place_names"]
        barred = any(low in lists[name] for name in ("titles", "not_names", "institutions", "after_titles"))
        proper = plain and not barred and not entry.common
        placed = low in lists["in_place_names"] or low in lists["countries"]
        often = plain and not barred and not placed and not (entry.case is not None and entry.case < 0)
        held = (
            (TITLE, title or short),
            (HONORIFIC, short or (title and (low in lists["honorifics"] or low in lists["foreign_titles"]))),
            (NAMES, (plain or (word.islower() and known and not entry.common)) and not barred),
            (ONLY_NAMES, only),
            (KNOWN, known),
            (MAY_NAME, _may_name(low, self._lexicon)),
            (THING, capital and low in lists["institutions"]),
            (CAPITAL, capital),
            (LIKELY, only and name_likeness(low, self._letters) >= 0),
            (LOWER, word[0].islower()),
            (FIRST, only and outline == "Xx" and bool(entry.first) and (entry.case or 0) >= CAPITAL_CASE),
            (VERB, low in lists["finite_verbs"] or low in lists["verbs_of_speech"]),
            (END, word in SENTENCE_ENDS),
            (GIVEN, proper and entry.first > 1),
            (OFTEN_GIVEN, often and entry.first >= KNOWN_NAME),
            (OFTEN_SURNAME, often and entry.last >= KNOWN_NAME),
            (SURNAME, proper and entry.last > 1 and low not in lists["countries"]),
        )
        mark = self._marks[word] = sum(bit for bit, holds in held if holds)
        return mark

    def _titled(self, tokens: Tokens, marks: list[int]) -> Iterator[Span]:
        """Yield capitalised names behind capitalised titles.

        Behind Mr, Ms, Dr and the like any capitalised word is a name; behind other titles one that is known
        as a name, or not known as anything else ("Captain Nakamura", not "General Motors").
        """
        for i in [i for i, mark in enumerate(marks[:-1]) if mark & TITLE]:
            first = i + 2 if tokens.words[i + 1] == "." else i + 1
            end = first
            while end < min(len(tokens), first + LONGEST_NAME) and marks[end] & NAMES:
                end += 1
            if end == first or (end < len(tokens) and marks[end] & THING):
                continue
            if marks[i] & HONORIFIC or marks[first] & MAY_NAME:
                yield tokens.starts[first], tokens.ends[end - 1]

    def _runs(self, tokens: Tokens, marks: list[int]) -> Iterator[Span]:
        """Yield two to four capitalised words that are known as nothing else.

        One of them is known as a name, or all are spelled like one, inside a sentence.
        """
        index = 0
        for i in [i for i, mark in enumerate(marks) if mark & ONLY_NAMES]:
            if i < index:
                continue
            index = i + 1
            while index < len(marks) and marks[index] & ONLY_NAMES:
                index += 1
            inside = i > 0 and bool(marks[i - 1] & LOWER)
            known = any(mark & KNOWN for mark in marks[i:index])
            known = known or (inside and all(mark & LIKELY for mark in marks[i:index]))
            if known and 2 <= index - i <= LONGEST_NAME and _stands_free(tokens.words, marks, i, index):
                yield tokens.starts[i], tokens.ends[index - 1]

    def _full(self, tokens: Tokens, marks: list[int]) -> Iterator[Span]:
        """Yield a first name and a surname, one of which is also a place: "Omar Hassan".

        Both may be something else where both are frequent names and stand inside a sentence.
        """
        for i in [i for i, mark in enumerate(marks[:-1]) if mark & (GIVEN | OFTEN_GIVEN)]:
            other = marks[i + 1]
            sure = marks[i] & GIVEN and other & SURNAME and (marks[i] | other) & ONLY_NAMES
            frequent = marks[i] & OFTEN_GIVEN and other & OFTEN_SURNAME and i > 0 and marks[i - 1] & LOWER
            if (sure or frequent) and _stands_free(tokens.words, marks, i, i + 2):
                yield tokens.starts[i], tokens.ends[i + 1]

    def _subjects(self, tokens: Tokens, marks: list[int]) -> Iterator[Span]:
        """Yield first names, known as nothing else, that open a sentence and are followed by a verb."""
        for i in [i for i, mark in enumerate(marks[:-1]) if mark & FIRST]:
            if marks[i + 1] & VERB and (i == 0 or marks[i - 1] & END):
                yield tokens.starts[i], tokens.ends[i]


def _may_name(word: str, lexicon: Lexicon) -> bool:
    entry: Entry = lexicon.get(word, UNKNOWN)
    return bool(entry.first or entry.last) or not (entry.common or entry.city)


def _stands_free(words: list[str], marks: list[int], start: int, end: int) -> bool:
    """Whether no other capitalised word or sign makes the run a part of something else."""
    before = words[start - 1] if start else "."
    free = before[0].islower() or before in FREE_BEFORE
    return free and not (end < len(words) and (marks[end] & CAPITAL or words[end] in TIED))


def name_masks(text: str) -> list[Span]:
    """Return the spans of GoEmotions' `[NAME]` masks; neighbouring ones are one name."""
    return [match.span() for match in NAME_MASK.finditer(text)] if "[NAME]" in text else []
