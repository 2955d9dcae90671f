"""A text cut into words, with its persons marked: what the demographic and gender rules look at."""

import bisect
from collections.abc import Iterable
from functools import cached_property

from tasks.scrubbing.terms import Phrase
from tasks.scrubbing.tokens import Span, lowered, tokenise


class Reading:
    """Words of one text.

    Args:
        text: The normalised text.
        persons: Spans of names in it.
    """

    def __init__(self, text: str, persons: Iterable[Span] = ()) -> None:
        self.text = text
        self.tokens = tokenise(text)
        self.words = [lowered(token) for _, _, token in self.tokens]
        self.persons = sorted(persons)

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)

    def at(self, place: int) -> str:
        """Return the lower-case word at a place; a line break before the text, a full stop behind it."""
        if 0 <= place < len(self.words):
            return self.words[place]
        return "." if place > 0 else "\n"

    def capitalised(self, place: int) -> bool:
        """Whether the word at a place is written with a capital."""
        return self.tokens[place][2][0].isupper()

    def span(self, first: int, last: int) -> Span:
        """Return the characters of the words from `first` up to, not including, `last`."""
        return self.tokens[first][0], self.tokens[last - 1][1]

    def holds(self, place: int, phrase: Phrase) -> bool:
        """Whether a phrase stands at a place."""
        return tuple(self.words[place : place + len(phrase)]) == phrase

    def phrase_at(self, place: int, phrases: tuple[Phrase, ...]) -> Phrase | None:
        """Return the first of several phrases that stands at a place."""
        return next((phrase for phrase in phrases if self.holds(place, phrase)), None)

    @cached_property
    def named(self) -> frozenset[int]:
        """Places of the words that belong to a name."""
        starts = [start for start, _, _ in self.tokens]
        places: set[int] = set()
        for start, end in self.persons:
            place = max(bisect.bisect_right(starts, start) - 1, 0)
            while place < len(starts) and starts[place] < end:
                places.add(place)
                place += 1
        return frozenset(places)
