"""Sentence case and spacing for texts that come out of a lower-case WordPiece vocabulary.

Such a vocabulary splits every mark off ("don ' t", ": )", "10 %") and knows no capitals. Both are given back
by rules over the words and marks alone, never over the spacing found, so that a restored text restores to
itself. Where marks are ambiguous the rules take what is more frequent in written comments.
"""

import re
from pathlib import Path

_EMOJI = r"[\u2600-\u27bf\ufe0f\u200d\U0001f000-\U0001faff]"
_TOKEN = re.compile(rf"[^\W_]+|{_EMOJI}+|[^\w\s]|_")

# A hyphen joins two words five times more often than it parts two clauses; these words give a dash away.
_BEFORE_DASH = "yes|yeah|yep|nope|thanks|wow|edit|update|this|that|it|is|me|them|here|mate|oh"
_AFTER_DASH = (
    "i|the|that|this|these|those|you|but|thanks|thank|it|so|he|she|we|they|not|and|there|here|what|how|why|when|"
    "if|is|are|was|my|your|his|her|our|their|just|maybe|then|because|still|though|even|very|really"
)

_JOINED = [
    re.compile(pattern)
    for pattern in (
        r"\[ [a-z]+ \]",
        r"& (?:amp|lt|gt) ;",
        r"https? : / / \w+(?: [./?=&-] \w+)*",
        # Faces and hearts.
        r": ' [()]",
        r"[:;=] (?:- )?\)",
        r"[:;=] (?:- )?\((?![^(]* \))",
        r"[:;] (?:- )?[dpo]\b(?! \. \w)",
        r"(?<![sp] ): (?:- )?[/|](?! /)",
        r"(?<!\d )< 3\b",
        r"\^ (?:_ )?\^",
        r"- _ -",
        r"¯ \\ _ \( ツ \) _ / ¯",
        # Runs of marks, initials, numbers.
        r"[.!?](?: [.!?])+",
        r"([-*_])(?: \1)+",
        r"(?<!\S)[a-z] \.(?: [a-z] \.)+",
        r"\b\d+ \. \d+\w*",
        r"\b\d+(?: , \d{3}\b)+",
        r"\b\d\d? : \d\d\b",
        r"\d (?:%|\+(?! \d))",
        r"[$£€#@] \w",
        # Apostrophes inside and before words.
        r"rock ' n ' roll",
        r"[\w\]] ['’] (?:s|t|m|d|re|ve|ll)\b",
        r"(?<!\S)[cdlmnoy] ['’] \w+",
        r"(?<!\S)ma ['’] am\b",
        r"(?<!\S)' (?:cause|em|til|tis|twas|bout)\b",
        r"(?<!\S)r & b(?!\S)",
        # Words held together.
        r"(?<!\S)/ s$",
        r"\w(?: / \w+)+",
        rf"(?<!\S)(?!(?:{_BEFORE_DASH}) - \D)\w\S*(?: - (?!(?:{_AFTER_DASH})\b)\w\S*)+",
    )
]
"""Matches lose their spaces, in this order; the tokens come in with one space between them."""

_ATTACHED = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r" ([,;:]|[.!?]+)(?=\s|$)", r"\1"),
        (r'(?<!\S)(["~]|\*+|_+) ([^"*]*?) \1(?![^\s,.;:!?)])', r"\1\2\1"),
        (r"(?<!\S)' ([^']*?) '(?![^\s,.;:!?)])", r"'\1'"),
        (r"(?<!\S)([(\[{“‘]) (?=\S)", r"\1"),
        (r" ([)\]}”’])(?![^\s,.;:!?)\]'\"])", r"\1"),
        (r"(?<=in|\ws|\w\]) '(?=\s|$)", "'"),
    )
]
"""What stands next to its neighbour: quotes, brackets, closing marks."""

_SPELLINGS = {word.lower(): word for word in Path(__file__).with_name("spellings.txt").read_text().split()}
"""Names and abbreviations whose capitals are the same wherever they stand."""


# Not after "...", which seldom ends a sentence, nor after "a.m." or "Mr.".
_END = r"(?<![.!?])(?<!\.\w)(?<!\b[MDJS][rs])(?<!\bMrs)(?:\.|[!?][.!?]*)"
_START = re.compile(rf"((?:^|{_END}[\"'”)*]*\s)[\"'“(*>\s]*)([a-z])")


def restore_case(text: str) -> str:
    """Give a lower-case text its sentence case, its "I", and its spacing back.

    Placeholders such as [NAME] come out in capitals. Applying it twice is applying it once.

    Args:
        text: What the model wrote, as decoded or as restored before.
    """
    return _capitalise(_attach(_join(" ".join(_TOKEN.findall(text.lower())))))


def _join(text: str) -> str:
    for pattern in _JOINED:
        text = pattern.sub(lambda match: match[0].replace(" ", ""), text)
    return text


def _attach(text: str) -> str:
    for pattern, replacement in _ATTACHED:
        text = pattern.sub(replacement, text)
    return text


def _capitalise(text: str) -> str:
    text = re.sub(r"\[[a-z]+\]", lambda match: match[0].upper(), text)
    text = re.sub(r"(?<![\w.'])i(?=$|[\s,;:!?)\"*'’]|\.(?!\w))", "I", text)
    text = re.sub(r"(?<=[:;])-?[dpo](?!\w)", lambda match: match[0].upper() if match[0] != "o" else "o", text)
    text = re.sub(r"(?<![\w.])[a-z]+(?![\w])", lambda match: _SPELLINGS.get(match[0], match[0]), text)
    text = re.sub(r"\b(?:Mr|Mrs|Ms|Dr)\. [a-z]", lambda match: match[0][:-1] + match[0][-1].upper(), text)
    text = re.sub(r"\bu\.[ks]\.", lambda match: match[0].upper(), text)
    return _START.sub(lambda match: match[1] + match[2].upper(), text)
