"""A demographic term with what stands around it, and what a rule says of it."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from tasks.config import DemographicCategory as Category
from tasks.config import Scope
from tasks.pipeline.scrubbing.demographics.lexicon import Term, context
from tasks.pipeline.scrubbing.demographics.token_view import Reading

SENTENCE_SIGNS = frozenset('.,;:!?)"”\n')


class Role(StrEnum):
    """How a term stands in its sentence, which decides what replaces it."""

    attribute = "attribute"
    predicate = "predicate"
    person = "person"
    people = "people"
    abstract = "abstract"
    child = "child"
    member = "one of a group"
    members = "group"
    time = "at a given age"


class Finding(NamedTuple):
    """One demographic term."""

    start: int
    end: int
    category: Category
    role: Role
    rule: str = ""
    """Name of the rule that decided."""
    noun: str = ""
    """The noun behind it that a group is named by, where it is not "people", or the adjective before a
    condition that needs an article."""


class TermContext(NamedTuple):
    """A term with what stands around it."""

    view: Reading
    first: int
    end: int
    """Place of its first word, and of the word behind it."""
    term: Term
    scope: Scope
    last: Finding | None
    """The term found before, for lists of terms."""

    @property
    def word(self) -> str:
        """Its first word."""
        return self.view.words[self.first]

    @property
    def before(self) -> str:
        """The word before it."""
        return self.view.at(self.first - 1)

    @property
    def before2(self) -> str:
        """The word before that."""
        return self.view.at(self.first - 2)

    @property
    def after(self) -> str:
        """The word behind it."""
        return self.view.at(self.end)

    @property
    def closes(self) -> bool:
        """Whether it ends its phrase: a sign, a function word or a last adverb follows."""
        last = self.view.tag(self.end) == "RB" and self.view.at(self.end + 1) in SENTENCE_SIGNS
        return last or self.after in SENTENCE_SIGNS or self.after in context("closed_class")

    @property
    def ambiguous(self) -> bool:
        """Whether its word means other things as well."""
        return self.word in context("ambiguous")


class TermRule(NamedTuple):
    """One rule; the first that holds decides."""

    name: str
    example: str
    holds: Callable[[TermContext], bool]
    role: Role | None
    """How the term stands, or None where it describes nobody."""
    kinds: frozenset[str] | None = None
    """Kinds of terms that it is about; None for all."""
    categories: frozenset[Category] | None = None
    """Categories that it is about; None for all."""
