"""Whether a text copies: long runs of words shared with its exemplars or with held-out text."""

import re
from collections.abc import Iterable

STAGE = "cleaning"
EXEMPLAR_RUN = 9
"""Words in a row shared with the prompt from which a text counts as copied: more than eight."""
TEST_RUN = 8
"""Words in a row shared with a held-out text from which a text counts as copied."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def runs(text: str, length: int) -> set[int]:
    """Hashes of all runs of `length` consecutive words, case and punctuation aside."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    return {hash(tuple(words[i : i + length])) for i in range(len(words) - length + 1)}


def copies_exemplar(text: str, exemplars: Iterable[str]) -> bool:
    """Whether a text shares more than eight words in a row with one of the texts that it was to be like."""
    long = [exemplar for exemplar in exemplars if len(exemplar) > 2 * EXEMPLAR_RUN]
    own = runs(text, EXEMPLAR_RUN) if long else set()
    return any(not own.isdisjoint(runs(exemplar, EXEMPLAR_RUN)) for exemplar in long)


def runs_of(texts: Iterable[str]) -> set[int]:
    """All runs of eight words of held-out texts."""
    known: set[int] = set()
    for text in texts:
        known |= runs(text, TEST_RUN)
    return known


def shares_run(text: str, known: set[int]) -> bool:
    """Whether a text shares eight words in a row with those that `runs_of` was given."""
    return bool(known) and not known.isdisjoint(runs(text, TEST_RUN))
