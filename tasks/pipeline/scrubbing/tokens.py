"""One way to cut a text into words, shared by training, tagging and the demographic rules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

# Words keep inner hyphens and apostrophes; a possessive 's stands alone; every other sign is one token.
# Every repeat consumes at least one character of its own, so matching is linear in the text.
TOKEN = re.compile(
    r"[^\W\d_]+(?:['’\-](?![sS]\b)[^\W\d_]+)*"  # words
    r"|['’][sS]\b|\d+|\n|[^\s\w]|_"
)
SPLIT = re.compile(f"({TOKEN.pattern})")
WORDS_KEPT = 30_000
"""Word forms that are remembered, where looking at each word again would take longer."""
POSSESSIVES = frozenset({"'s", "’s", "'S", "’S"})

Span = tuple[int, int]
"""First character and the one behind the last, counted in the normalised text."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text, in order and without overlaps, and their places."""

    words: list[str]
    starts: list[int]
    ends: list[int]
    tags: Sequence[str] = ()
    """Part of speech of each token (Penn Treebank); empty until they are looked up."""

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.words)

    def part(self, first: int, last: int) -> "Tokens":
        """Return the tokens from `first` up to, not including, `last`."""
        return Tokens(
            self.words[first:last], self.starts[first:last], self.ends[first:last], self.tags[first:last]
        )


def tokens_of(text: str) -> Tokens:
    """Cut a text into tokens."""
    pieces = SPLIT.split(text)  # what lies between tokens, and tokens, in turns
    edges = list(accumulate(map(len, pieces)))
    return Tokens(pieces[1::2], edges[:-1:2], edges[1::2])


def tokenise(text: str) -> list[tuple[int, int, str]]:
    """Cut a text into (start, end, token)."""
    tokens = tokens_of(text)
    return list(zip(tokens.starts, tokens.ends, tokens.words, strict=True))


@lru_cache(WORDS_KEPT)
def lowered(word: str) -> str:
    """Return the form that the lexicons are keyed by: lower case, straight apostrophe."""
    return word.lower().replace("’", "'")
