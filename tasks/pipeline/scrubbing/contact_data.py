"""Contact data and account numbers: bounded regular expressions behind cheap gates, and checksums."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tasks.pipeline.scrubbing.contact_numbers import (
    IDENTIFIER,
    NATIONAL_INSURANCE,
    SORT_CODE,
    SSN,
    ibans,
    ip_addresses,
    phones_and_cards,
    wallets,
)
from tasks.pipeline.scrubbing.postal_addresses import births, postal_addresses


class Item(NamedTuple):
    """One piece of personal data."""

    start: int
    end: int
    type: str
    score: float


EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+'-])[A-Za-z0-9][A-Za-z0-9._%+'-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}"
)
SPELLED_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63} ?[\[({] ?at ?[\])}] ?[A-Za-z0-9-]{1,63}"
    r"(?: ?(?:\.|[\[({] ?dot ?[\])}]) ?[A-Za-z0-9-]{1,63}){1,4}",
    re.IGNORECASE,
)
HANDLE = re.compile(r"(?<![\w@])@[A-Za-z_]\w{0,30}(?:[.-][a-z0-9_]\w{0,30}){0,3}")
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
FIRM = re.compile(r"[A-Z][A-Za-z]*\.[a-z]{2,4}")
"""Firms and products that are called by their address: Booking.com, ASP.net."""
DIGIT = re.compile(r"\d")
PLACEHOLDERS = {
    "EMAIL_ADDRESS": "[email]",
    "URL": "[link]",
    "PHONE_NUMBER": "[phone]",
    "CREDIT_CARD": "[card]",
    "IBAN_CODE": "[account]",
    "SORT_CODE": "[account]",
    "CRYPTO": "[wallet]",
    "IP_ADDRESS": "[IP address]",
    "ADDRESS": "[address]",
    "BIRTH_DATE": "[date of birth]",
    "US_SSN": "[ID]",
    "UK_NINO": "[ID]",
    "ID": "[ID]",
    "HANDLE": "[username]",
}
"""What stands for each kind of contact data afterwards."""


def find_pii(text: str) -> list[Item]:
    """Return every item; overlaps are left to the caller."""
    matches: list[Item] = []
    if "@" in text:
        matches += [Item(*m.span(), "EMAIL_ADDRESS", 1.0) for m in EMAIL.finditer(text)]
        matches += [Item(*m.span(), "HANDLE", 0.6) for m in HANDLE.finditer(text)]
    if "at" in text and any(sign in text for sign in "[({"):
        matches += [Item(*m.span(), "EMAIL_ADDRESS", 0.9) for m in SPELLED_EMAIL.finditer(text)]
    if "u/" in text:
        matches += [Item(*m.span(), "HANDLE", 0.6) for m in REDDIT_USER.finditer(text)]
    if DOTTED.search(text):
        matches += _urls(text)
    return matches + list(_with_digits(text, _digits(text, 7)))


def _digits(text: str, most: int) -> int:
    """Count digits, no further than needed."""
    n = 0
    for _ in DIGIT.finditer(text):
        n += 1
        if n == most:
            break
    return n


def _with_digits(text: str, digits: int) -> Iterator[Item]:
    """Yield what holds digits."""
    if digits == 0:
        return
    yield from (Item(*span, "ADDRESS", 0.7) for span in postal_addresses(text))
    if digits >= 4:
        yield from (Item(*span, "BIRTH_DATE", 0.7) for span in births(text))
        yield from (Item(*span, "IP_ADDRESS", 0.8) for span in ip_addresses(text))
    if digits >= 5:
        yield from (Item(*m.span(1), "ID", 0.7) for m in IDENTIFIER.finditer(text))
    if digits >= 6:
        yield from (Item(*m.span(1), "SORT_CODE", 0.8) for m in SORT_CODE.finditer(text))
        yield from (Item(*m.span(), "UK_NINO", 0.8) for m in NATIONAL_INSURANCE.finditer(text))
        yield from (Item(*span, "CRYPTO", 0.9) for span in wallets(text))
    if digits >= 7:
        yield from (Item(*m.span(), "US_SSN", 0.8) for m in SSN.finditer(text))
        yield from (Item(*span, kind, 0.7) for span, kind in phones_and_cards(text))
        yield from (Item(*span, "IBAN_CODE", 1.0) for span in ibans(text))


def _urls(text: str) -> Iterator[Item]:
    for match in URL.finditer(text):
        address = match.group().rstrip(".,;:!?")
        if _is_address(address):
            yield Item(match.start(), match.start() + len(address), "URL", 0.8)


def _is_address(address: str) -> bool:
    if "/" in address or address.lower().startswith("www."):
        return True
    ending = address.rsplit(".", 1)[-1]
    if not ending.islower() or FIRM.fullmatch(address):
        return False
    return ending not in WORDLIKE_DOMAINS or (address.islower() and len(address.split(".")[0]) > 3)
