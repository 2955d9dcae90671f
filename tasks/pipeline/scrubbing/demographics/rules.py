"""Named rules over a word and its neighbours, as ordered tables: the first one that holds decides."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tasks.pipeline.scrubbing.demographics.token_view import Reading


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


def first_rule(rules: Sequence[Rule], context: Context) -> Rule | None:
    """Return the first rule that decides about a word."""
    word = context.word()
    return next((rule for rule in rules if word in rule.words and rule.holds(context)), None)


def always(_: Context) -> bool:
    """Hold whatever stands around the word."""
    return True
