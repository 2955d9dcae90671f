"""Whether a text holds several samples, numbered or marked, instead of one."""

import re
from itertools import pairwise

_NAME = r"(?:review|example|sample|text|comment|option|version|message|sentence|tweet|post)"
_ITEM = re.compile(
    r"(?:^|\n)[^\S\n]{0,20}[*_]{0,3}"
    rf"(?:(?:\(?\d{{1,3}}[.):]|[-*•]|{_NAME}\s?#?\d{{1,3}}\s?[:.)-])[*_]{{0,3}}\s{{1,5}}"
    rf"|{_NAME}\s?#?\d{{1,3}}[*_]{{0,3}}\n\s{{0,5}})\S",
    re.IGNORECASE,
)
_INLINE = re.compile(r"(?:^|\s)\(?(\d{1,2})[.)]\s{1,3}[\"“A-Za-z]")
_MANY = re.compile(rf"(?:^|\s)[*_]{{0,3}}{_NAME} ?#?\d{{1,3}} ?[:.)-][*_]{{0,3}}\s", re.IGNORECASE)


def holds_several(text: str) -> bool:
    """Whether two lines are marked as items, or inline numbers count 1, 2."""
    if "\n" in text and len(_ITEM.findall(text)) >= 2:
        return True
    if "1" not in text:
        return False
    numbers = [int(n) for n in _INLINE.findall(text)]
    return any(a == 1 and b == 2 for a, b in pairwise(numbers)) or len(_MANY.findall(text)) >= 2
