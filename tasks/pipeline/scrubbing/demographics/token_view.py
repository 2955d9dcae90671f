"""A text cut into words, with its persons marked: what the demographic and gender rules look at."""

import bisect
from collections.abc import Iterable, Sequence
from functools import cached_property

from tasks.pipeline.scrubbing.demographics.lexicon import Phrase
from tasks.pipeline.scrubbing.tagging.loading import pos_tagger
from tasks.pipeline.scrubbing.tokens import Span, Tokens, lowered, tokens_of


class Reading:
    """Words of one text.

    Args:
        text: The normalised text.
        persons: Spans of names in it.
        tokens: Its tokens, if they are known already.
    """

    def __init__(self, text: str, persons: Iterable[Span] = (), tokens: Tokens | None = None) -> None:
        self.text = text
        self.tokens = tokens_of(text) if tokens is None else tokens
        self.words = list(map(str.lower, self.tokens.words))
        if "’" in text:
            self.words = [lowered(word) for word in self.words]
        self.persons = sorted(persons)

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.words)

    def at(self, index: int) -> str:
        """Return the lower-case word at a place; a line break before the text, a full stop behind it."""
        if 0 <= index < len(self.words):
            return self.words[index]
        return "." if index > 0 else "\n"

    @cached_property
    def tags(self) -> Sequence[str]:
        """Part of speech of each word (Penn Treebank)."""
        return self.tokens.tags or pos_tagger().tags([self.tokens])[0]

    def tag(self, index: int) -> str:
        """Return the part of speech of the word at a place; a full stop's outside the text."""
        return self.tags[index] if 0 <= index < len(self.tags) else "."

    def capitalised(self, index: int) -> bool:
        """Whether the word at a place is written with a capital."""
        return self.tokens.words[index][0].isupper()

    def span(self, first: int, last: int) -> Span:
        """Return the characters of the words from `first` up to, not including, `last`."""
        return self.tokens.starts[first], self.tokens.ends[last - 1]

    def phrase_at(self, index: int, phrases: tuple[Phrase, ...]) -> Phrase | None:
        """Return the first of several phrases that stands at a place."""
        words, second = self.words, self.at(index + 1)
        for phrase in phrases:
            if len(phrase) == 1:
                if words[index] == phrase[0]:
                    return phrase
            elif second == phrase[1] and tuple(words[index : index + len(phrase)]) == phrase:
                return phrase
        return None

    @cached_property
    def shouted(self) -> bool:
        """Whether most words are written in capitals, so that a capital says nothing."""
        letters = [word for word in self.tokens.words if word[0].isalpha()]
        return sum(map(str.isupper, letters)) * 2 > len(letters)

    @cached_property
    def named(self) -> frozenset[int]:
        """Places of the words that belong to a name."""
        places: set[int] = set()
        for start, end in self.persons:
            index = max(bisect.bisect_right(self.tokens.starts, start) - 1, 0)
            while index < len(self.words) and self.tokens.starts[index] < end:
                places.add(index)
                index += 1
        return frozenset(places)
