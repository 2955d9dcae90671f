"""Named rules over a word and its neighbours, as ordered tables: the first one that holds decides."""

import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, TypeVar

from tasks.pipeline.scrubbing.demographics.token_view import Reading

SYMBOLS = frozenset({"So", "Sk", "Sm"})
"""Unicode categories of emoji and other symbols that stand for no word."""
SEPARATORS = frozenset("-–—/…~")
"""Signs that end a phrase where a blank stands before them."""


class Context:
    """A word of a text with what stands around it.

    Args:
        view: The text.
        index: Place of the word.
    """

    __slots__ = ("index", "view")

    def __init__(self, view: Reading, index: int) -> None:
        self.view = view
        self.index = index

    def word(self, distance: int = 0) -> str:
        """Return the lower-case word at a distance; a line break before the text, a full stop behind it."""
        return self.view.at(self.index + distance)

    def tag(self, distance: int = 0) -> str:
        """Return the part of speech at a distance, a full stop's outside the text."""
        return self.view.tag(self.index + distance)

    def capitalised(self, distance: int = 0) -> bool:
        """Whether the word at a distance is written with a capital."""
        index = self.index + distance
        return 0 <= index < len(self.view) and self.view.capitalised(index)

    def touches(self, distance: int = 0) -> bool:
        """Whether no blank stands before the word at a distance."""
        tokens, index = self.view.tokens, self.index + distance
        return 0 < index < len(tokens) and tokens.ends[index - 1] == tokens.starts[index]

    def symbol(self, distance: int) -> bool:
        """Whether an emoji, or a sign that ends a phrase, stands at a distance."""
        word = self.word(distance)
        return (word in SEPARATORS and not self.touches(distance)) or (
            unicodedata.category(word[0]) in SYMBOLS
        )


class Rule(NamedTuple):
    """One rule for some words."""

    name: str
    example: str
    """A text before and after, with an arrow between."""
    words: frozenset[str]
    """Words that it is about."""
    holds: Callable[[Context], bool]
    """Whether it decides."""
    result: str | None
    """What stands there instead; empty to drop the word, None to leave it."""


class Deciding(Protocol):
    """A rule of any table: its `holds` says whether it decides."""

    @property
    def holds(self) -> Callable[[Any], bool]:
        """Take what the table's rules look at."""


AnyRule = TypeVar("AnyRule", bound=Deciding)


def first_that_holds(rules: Iterable[AnyRule], context: object) -> AnyRule | None:
    """Return the first rule that holds, or None where none does."""
    for rule in rules:
        if rule.holds(context):
            return rule
    return None


def first_rule(rules: Iterable[Rule], context: Context) -> Rule | None:
    """Return the first rule that decides about a word."""
    word = context.word()
    return first_that_holds((rule for rule in rules if word in rule.words), context)


def always(_: Context) -> bool:
    """Hold whatever stands around the word."""
    return True
