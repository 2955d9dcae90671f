"""One way to cut a text into words, shared by training, tagging and the demographic rules."""

import re

# Words keep inner hyphens and apostrophes; a possessive 's stands alone; every other sign is one token.
# Every repeat consumes at least one character of its own, so matching is linear in the text.
TOKEN = re.compile(
    r"[^\W\d_]+(?:['’\-](?![sS]\b)[^\W\d_]+)*"  # words
    r"|['’][sS]\b|\d+|\n|[^\s\w]|_"
)
POSSESSIVES = frozenset({"'s", "’s", "'S", "’S"})

Span = tuple[int, int]
"""First character and the one behind the last, counted in the normalised text."""


Tokens = list[re.Match[str]]
"""The tokens of one text, in order and without overlaps, each knowing its place."""


def tokens_of(text: str) -> Tokens:
    """Cut a text into tokens."""
    return list(TOKEN.finditer(text))


def tokenise(text: str) -> list[tuple[int, int, str]]:
    """Cut a text into (start, end, token)."""
    return [(m.start(), m.end(), m.group()) for m in tokens_of(text)]


def lowered(word: str) -> str:
    """Return the form that the lexicons are keyed by: lower case, straight apostrophe."""
    return word.lower().replace("’", "'")
