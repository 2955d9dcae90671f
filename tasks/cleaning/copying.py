"""Whether a text copies: long runs of words shared with its exemplars or with held-out text."""

import re
from collections.abc import Iterable, Sequence

from tasks.records import Reject, Row, Sifted

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


def copies_prompt(text: str, prompt: str) -> bool:
    """Whether a text shares more than eight words in a row with its prompt and the exemplars in it."""
    return len(prompt) > 2 * EXEMPLAR_RUN and not runs(text, EXEMPLAR_RUN).isdisjoint(
        runs(prompt, EXEMPLAR_RUN)
    )


def drop_copies(rows: Sequence[Row], held_out: Iterable[str]) -> Sifted:
    """Reject rows that share eight words in a row with a held-out text.

    Args:
        rows: Rows that something will be trained on.
        held_out: Texts that it will be measured on.
    """
    known: set[int] = set()
    for text in held_out:
        known |= runs(text, TEST_RUN)
    copied = [not known.isdisjoint(runs(row["text"], TEST_RUN)) for row in rows]
    rejects = [
        Reject(row=row, stage=STAGE, reason="copied from test")
        for row, bad in zip(rows, copied, strict=True)
        if bad
    ]
    return Sifted([row for row, bad in zip(rows, copied, strict=True) if not bad], rejects)
