"""Penn Treebank tokens, as SST writes them, back to running text."""

import re
from collections.abc import Sequence

SAMPLE = 1_000
SHARE = 0.5
"""Share of the texts that must end in a mark that is a token of its own."""

_END = re.compile(r" (?:[.?!]|''|\.\.\.)$")
_TOKENS = (
    (re.compile(r"-LRB- ?"), "("),
    (re.compile(r" ?-RRB-"), ")"),
    (re.compile(r" (n't|'(?:s|re|ve|ll|d|m))\b", re.I), r"\1"),
    (re.compile(r"``\s?"), '"'),
    (re.compile(r"\s?''"), '"'),
    (re.compile(r" ([,.;:!?%)])"), r"\1"),
    (re.compile(r"([($#]) "), r"\1"),
    (re.compile(r"\\/"), "/"),
)


def is_treebank(texts: Sequence[str]) -> bool:
    """Whether most texts end in a mark that is a token of its own."""
    sample = texts[:SAMPLE]
    return bool(sample) and sum(bool(_END.search(text)) for text in sample) >= SHARE * len(sample)


def detokenise(text: str) -> str:
    """Put a treebank-tokenised sentence (`It 's fun , is n't it ?`) back as people write it."""
    for pattern, replacement in _TOKENS:
        text = pattern.sub(replacement, text)
    return text.strip()
