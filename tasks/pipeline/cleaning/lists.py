"""Whether a text holds several samples, numbered or marked, instead of one."""

import re
from itertools import pairwise

_NAME = r"(?:review|example|sample|text|comment|option|version|message|sentence|tweet|post)"
_MARK = (
    # 1. 1) (1) 1: [1], a keycap, a) A. iv. and bullets
    r"(?:\(?\d{1,3}[.):]|\[\d{1,3}\]|\d\ufe0f?\u20e3|\(?(?:[a-h]|i{1,3}|iv|v)[.)]|[-–—*•]"
    rf"|{_NAME}\s?#?(?:\d{{1,3}}|[a-e])\s?[:.)-]|(?:first|second|third|fourth|another) {_NAME}:"
    r"|(?:positive|negative|neutral|mixed)(?: \w{1,10})?:)"
)
_ITEM = re.compile(
    r"(?:^|\n)[^\S\n]{0,20}[*_#]{0,6} ?"
    rf"(?:{_MARK}[*_]{{0,3}}\s{{1,5}}|{_NAME}\s?#?\d{{1,3}}[*_]{{0,3}}\n\s{{0,5}})\S",
    re.IGNORECASE,
)
_RULE = re.compile(r"\S\s{0,5}\n\s{0,5}(?:-{3,80}|\*{3,80}|_{3,80}|or)\s{0,5}\n\s{0,5}\S", re.IGNORECASE)
_QUOTED = re.compile(r"^[\"“][^\n]{1,1000}[\"”]$", re.MULTILINE)
# "1) it died and 2) nobody answers" counts reasons, not samples.
_INLINE = re.compile(r"(?:^|(?<!\band)(?<![,;])\s)\(?(\d{1,2})[.)]\s{1,3}[\"“A-Za-z]")
_MANY = re.compile(rf"(?:^|\s)[*_]{{0,3}}{_NAME} ?#?\d{{1,3}} ?[:.)-][*_]{{0,3}}\s", re.IGNORECASE)


def holds_several(text: str) -> bool:
    """Whether two lines are marked as items or quoted, a rule divides them, or inline numbers count 1, 2."""
    if "\n" in text and (_RULE.search(text) or any(len(p.findall(text)) >= 2 for p in (_ITEM, _QUOTED))):
        return True
    if "1" not in text:
        return False
    numbers = [int(n) for n in _INLINE.findall(text)]
    return any(a == 1 and b == 2 for a, b in pairwise(numbers)) or len(_MANY.findall(text)) >= 2
