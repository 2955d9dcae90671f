"""A span that may be a name, with its tokens and what stands around it; rules over it are tables."""

import bisect
from collections.abc import Callable
from typing import NamedTuple

from tasks.pipeline.scrubbing.names.features import Entry, Lexicon, entry_of, word_lists
from tasks.pipeline.scrubbing.tokens import Span, Tokens, lowered

KNOWN_NAME = 3
"""Frequency class from which a first name is a name before it is anything else."""
CAPITAL_CASE = 2
"""First names that prefer capitals this much (Emily) are no words; others may be (Dawn, Ruby)."""
RARELY_CAPITAL = -2
"""Preference for capitals up to which a word is hardly taken for a person's name (Young, Love)."""
SHOUTING_REACH = 20
"""Words on either side that tell whether a text is shouted."""
SENTENCE_ENDS = frozenset(".!?\n:")


class Candidate:
    """A span that may be a name, and what stands around it.

    Args:
        tokens: The text's tokens with their parts of speech.
        first: Place of its first token.
        last: Place of its last token.
        lexicon: Name lexicon.
    """

    def __init__(self, tokens: Tokens, first: int, last: int, lexicon: Lexicon) -> None:
        self.tokens = tokens
        self.first = first
        self.last = last
        self.lexicon = lexicon
        self.word = tokens.words[first]
        """Its first word as written."""
        self.low = lowered(self.word)
        """Its first word in lower case."""
        self.entry: Entry = entry_of(self.low, lexicon)
        """What the lexicon knows of its first word."""
        self.tag = tokens.tags[first]
        """The part of speech of its first word."""
        self.single = first == last
        """Whether it is one word."""
        self._before = lowered(tokens.words[first - 1]) if first else "\n"

    def before(self, distance: int = 1) -> str:
        """Return the lower-case word before it; a line break before the text."""
        if distance == 1:
            return self._before
        index = self.first - distance
        return lowered(self.tokens.words[index]) if index >= 0 else "\n"

    def after(self, distance: int = 1) -> str:
        """Return the word behind it as written; a full stop behind the text."""
        index = self.last + distance
        return self.tokens.words[index] if index < len(self.tokens) else "."

    @property
    def tag_before(self) -> str:
        """The part of speech before it."""
        return self.tokens.tags[self.first - 1] if self.first else "."

    def tag_before_by(self, distance: int) -> str:
        """Return the part of speech at a distance before it."""
        index = self.first - distance
        return self.tokens.tags[index] if index >= 0 else "."

    def tag_after(self, distance: int = 1) -> str:
        """Return the part of speech behind it."""
        index = self.last + distance
        return self.tokens.tags[index] if index < len(self.tokens) else "."

    @property
    def opens_sentence(self) -> bool:
        """Whether a sentence or a line ends before it; the dot of "St. Louis" ends none."""
        before = self.before()
        return before in SENTENCE_ENDS and not (
            before == "." and self.before(2) in word_lists()["abbreviations"]
        )

    @property
    def touches(self) -> bool:
        """Whether no blank stands before it."""
        starts, ends = self.tokens.starts, self.tokens.ends
        return self.first > 0 and ends[self.first - 1] == starts[self.first]

    @property
    def follows_at_once(self) -> bool:
        """Whether the next word stands one blank behind it, on the same line."""
        starts, ends = self.tokens.starts, self.tokens.ends
        return self.last + 1 < len(starts) and starts[self.last + 1] == ends[self.last] + 1

    @property
    def inside(self) -> bool:
        """Whether it is capitalised and no sentence opens with it."""
        return self.word[0].isupper() and self.before().isalpha() and self.before() == self.written_before

    @property
    def before_is_capital(self) -> bool:
        """Whether the word before it is capitalised."""
        return self.written_before[0].isupper()

    @property
    def written_before(self) -> str:
        """The word before it as written."""
        return self.tokens.words[self.first - 1] if self.first else "\n"

    @property
    def shouted(self) -> bool:
        """Whether most words around it are written in capitals."""
        nearest = self.tokens.words[max(0, self.first - SHOUTING_REACH) : self.last + SHOUTING_REACH]
        letters = [word for word in nearest if word[0].isalpha()]
        return sum(len(word) > 1 and word.isupper() for word in letters) * 2 > len(letters)


class CandidateRule(NamedTuple):
    """One rule; the first that holds decides."""

    name: str
    example: str
    holds: Callable[[Candidate], bool]
    person: bool
    """What it decides."""


def candidate_at(tokens: Tokens, span: Span, lexicon: Lexicon) -> Candidate | None:
    """Return the tokens of a span, or None where none begins in it."""
    first = bisect.bisect_left(tokens.starts, span[0])
    last = bisect.bisect_left(tokens.starts, span[1]) - 1
    if last < first:
        return None
    return Candidate(tokens, first, last, lexicon)


def acts(c: Candidate) -> bool:
    """Whether a verb of people, or a department, follows."""
    lists, follower = word_lists(), lowered(c.after())
    if follower in lists["human_verbs"] or follower in lists["verbs_of_speech"]:
        return True
    return follower in {"from", "at", "in"} and lowered(c.after(2)) in lists["departments"]
