"""Contact data and account numbers: bounded regular expressions behind cheap gates, and checksums."""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Item(NamedTuple):
    """One piece of personal data."""

    start: int
    end: int
    type: str
    score: float


EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+'-])[A-Za-z0-9][A-Za-z0-9._%+'-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}"
)
HANDLE = re.compile(r"(?<![\w@])@[A-Za-z_]\w{1,30}")
REDDIT_USER = re.compile(r"(?<![\w/])/?u/[A-Za-z0-9_-]{3,20}")
DOMAINS = (
    "com|org|net|edu|gov|mil|int|info|biz|name|io|co|ai|app|dev|me|tv|us|uk|ca|au|de|fr|es|it|nl|se|no|dk|fi|pl|ru|cn|jp"
    "|kr|in|br|mx|za|ie|nz|ch|at|be|eu|hu|cz|pt|gr|tr"
)
WORDLIKE_DOMAINS = frozenset(
    ["it", "in", "me", "no", "at", "be", "is", "us", "so", "to", "de", "es", "int", "name", "co", "se"]
)
"""Endings that are also words: "him.It" is a missing blank, not an address."""
URL = re.compile(
    r"(?:https?|ftp)://[^\s<>\"'\])}]{1,2048}|\bwww\.[^\s<>\"'\])}]{1,2048}"
    r"|(?<![@\w.-])(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,6}(?:"
    + DOMAINS
    + r")(?![\w-]|\.\w)(?:/[^\s<>\"'\])}]{0,2048})?"
)
DOTTED = re.compile(r"[A-Za-z0-9-]\.[A-Za-z0-9-]|://")
"""No address is without one of these."""
DIGIT = re.compile(r"\d")
NUMBER = re.compile(r"(?<![\w.])\+?\(?\d(?:[\d\s().\-/]{5,24})\d(?!\w)")
DATE = re.compile(
    r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|\d{4}\s{0,2}[-–/]\s{0,2}\d{4}"
)
NORTH_AMERICAN = re.compile(r"\(?\d{3}\)?[\s.\-]?\d{3}[\s.\-]?\d{4}")
PHONE_CUE = re.compile(
    r"\b(?:phone|tel|telephone|cell|mobile|call|fax|number|contact|reach|text|whatsapp|at|ext)\b",
    re.IGNORECASE,
)
NO_PHONE = re.compile(r"\bIS[BS]N", re.IGNORECASE)
SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
IP4 = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)")
IP6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,6}(?![\w:])")
IDENTIFIER = re.compile(
    r"\b(?:passport|licen[cs]e|policy|insurance|customer|member|account|employee|patient|case|ssn|tax|id)"
    r"(?: (?:no|number|id|nr))?\.?[ :#]{1,3}([A-Z]{0,3}\d[A-Z0-9-]{4,17})\b",
    re.IGNORECASE,
)
PLACEHOLDERS = {
    "EMAIL_ADDRESS": "[email]",
    "URL": "[link]",
    "PHONE_NUMBER": "[phone]",
    "CREDIT_CARD": "[card]",
    "IBAN_CODE": "[account]",
    "IP_ADDRESS": "[IP address]",
    "US_SSN": "[ID]",
    "ID": "[ID]",
    "HANDLE": "[username]",
}
FEWEST_PHONE_DIGITS, MOST_PHONE_DIGITS = 7, 15
"""Lengths of telephone numbers (ITU-T E.164 allows 15)."""


def find_pii(text: str) -> list[Item]:
    """Return every item; overlaps are left to the caller."""
    found: list[Item] = []
    if "@" in text:
        found += [Item(*m.span(), "EMAIL_ADDRESS", 1.0) for m in EMAIL.finditer(text)]
        found += [Item(*m.span(), "HANDLE", 0.6) for m in HANDLE.finditer(text)]
    if "u/" in text:
        found += [Item(*m.span(), "HANDLE", 0.6) for m in REDDIT_USER.finditer(text)]
    if DOTTED.search(text):
        found += _urls(text)
    digits = _digits(text, 7)
    if digits >= 5:
        found += [Item(*m.span(1), "ID", 0.7) for m in IDENTIFIER.finditer(text)]
    if digits >= 7:
        found += _numbers(text)
    if digits >= 4 and "." in text:
        found += [Item(*m.span(), "IP_ADDRESS", 0.8) for m in IP4.finditer(text)]
    if text.count(":") > 3:
        found += [Item(*m.span(), "IP_ADDRESS", 0.7) for m in IP6.finditer(text)]
    return found


def _digits(text: str, most: int) -> int:
    """Count digits, no further than needed."""
    n = 0
    for _ in DIGIT.finditer(text):
        n += 1
        if n == most:
            break
    return n


def _urls(text: str) -> Iterator[Item]:
    for match in URL.finditer(text):
        address = match.group().rstrip(".,;:!?")
        if _is_address(address):
            yield Item(match.start(), match.start() + len(address), "URL", 0.8)


def _is_address(address: str) -> bool:
    if "/" in address or address.lower().startswith("www."):
        return True
    ending = address.rsplit(".", 1)[-1]
    if not ending.islower():
        return False
    return ending not in WORDLIKE_DOMAINS or (address.islower() and len(address.split(".")[0]) > 3)


def _numbers(text: str) -> Iterator[Item]:
    yield from (Item(*m.span(), "US_SSN", 0.8) for m in SSN.finditer(text))
    for match in NUMBER.finditer(text):
        kind = _number_kind(text, match)
        if kind:
            yield Item(*match.span(), kind, 0.7)
    if any(c.isupper() for c in text):
        yield from (Item(*m.span(), "IBAN_CODE", 1.0) for m in IBAN.finditer(text) if is_iban(m.group()))


def _number_kind(text: str, match: re.Match[str]) -> str | None:
    written = match.group()
    digits = "".join(c for c in written if c.isdigit())
    if 13 <= len(digits) <= 19 and passes_luhn(digits) and not set(written) & set("()/"):
        return "CREDIT_CARD"
    if not FEWEST_PHONE_DIGITS <= len(digits) <= MOST_PHONE_DIGITS or DATE.fullmatch(written):
        return None
    start = match.start()
    if NO_PHONE.search(text, max(0, start - 12), start):
        return None
    if written[0] == "+" or NORTH_AMERICAN.fullmatch(written):
        return "PHONE_NUMBER"
    cue = PHONE_CUE.search(text, max(0, start - 40), start)
    return "PHONE_NUMBER" if cue and (len(digits) >= 9 or not written.isdigit()) else None


def passes_luhn(digits: str) -> bool:
    """Check a card number's last digit (ISO/IEC 7812-1, annex B)."""
    doubled = [int(d) * 2 if place % 2 else int(d) for place, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_iban(written: str) -> bool:
    """Check an account number's checksum (ISO 13616: remainder 1 modulo 97)."""
    compact = written.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1
