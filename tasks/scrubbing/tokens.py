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


def tokenise(text: str) -> list[tuple[int, int, str]]:
    """Cut a text into (start, end, token), in order and without overlaps."""
    return [(m.start(), m.end(), m.group()) for m in TOKEN.finditer(text)]


def lowered(word: str) -> str:
    """Return the form that the lexicons are keyed by: lower case, straight apostrophe."""
    return word.lower().replace("’", "'")
