"""Whether a text ends where its sentence ends, and how to give it an end if it does not."""

import re

_SENTENCE_END = re.compile(r"[.!?…。！？]{1,10}[\"'”’)*\]]{0,3}(?=\s|$)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"“])(?:mr|mrs|ms|dr|st|vs|etc|e\.g|i\.e|no|prof|sen|gen|jr|sr|[a-z])\.$", re.I
)
_DANGLING = re.compile(
    r"\b(?:a|an|the|my|your|his|our|their|its|and|or|because|although|whereas|which|whose|than|"
    r"i'm|it's|they're|we're|is a|was a|very)[,\s]{0,2}$",
    re.IGNORECASE,
)
_LONG = 45
"""Words from which a text without a final stop counts as cut, if all sentences before end with one.
The longest comment of the GoEmotions train rows has 33 words: people who write more use full stops."""


def last_full_sentence(text: str) -> str:
    """Text up to the end of its last full sentence; empty where none ends."""
    ends = [m.end() for m in _SENTENCE_END.finditer(text) if not _ABBREVIATION.search(text[: m.end()][-12:])]
    return text[: ends[-1]] if ends else ""


def ends_cut(text: str, known: bool = False) -> bool:
    """Whether a text ends within a sentence: a dangling word, or a long text that just stops.

    Args:
        text: A stripped text.
        known: Whether the token limit ended it: then only a full stop shows an end.
    """
    bare = text.rstrip()
    if not bare or last_full_sentence(bare[-200:]) == bare[-200:]:
        return False
    if bare[-1] in ".!?…\"'”’)*]。！？":
        return known
    return known or _stops_long(bare) or bool(_DANGLING.search(bare[-24:]))


def _stops_long(text: str) -> bool:
    return len(text.split()) >= _LONG and len(_SENTENCE_END.findall(text)) >= 2 and text[-1].isalnum()
