"""Postal addresses and dates of birth."""

import re
from collections.abc import Iterator

from tasks.pipeline.scrubbing.contact_words import any_of, words_of
from tasks.pipeline.scrubbing.tokens import Span

HOUSE = r"\d{1,5}(?:[A-Za-z]|[-/]\d{1,4})?"
WORD = r"[A-ZÀ-Þ0-9][\w’'.-]{0,24}"
NAME = r"[A-ZÀ-Þ][\w’'.-]{1,24}"
BEFORE_HOUSE = r"(?:\b(?:Apt|Apartment|Flat|Plot|Shop|Suite|Unit)\.? \w{1,6}, )?"
UNIT = r"(?:,? {1,2}(?:Apt|Apartment|Flat|Floor|Suite|Ste|Unit|#)\.? ?#?\w{1,6})?"
POSTCODE = (
    r"(?:[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]{2},? \d{5}(?:-\d{4})?|[A-Z]{2,3} \d{4}"
    r"|\d{4,6}(?:-\d{3,4})?(?: ?[A-Z]{2})?)"
)
PLACE = (
    rf"(?:(?:,\s{{1,2}}{POSTCODE}(?: {WORD}){{0,2}})|(?:,\s{{1,2}}(?:{WORD} ){{0,2}}{WORD},?\s{POSTCODE}))?\b"
)
ENGLISH = rf"{BEFORE_HOUSE}\b{HOUSE},? (?:{WORD} ){{1,4}}{any_of('street_endings')}\b\.?"
PARTICLES = r"(?:(?:d[aeo]s?|del|della|delle|degli|dei|des|du|e|el|l[aeo]s?|les|y) ){0,2}"
ROMANCE = rf"(?i:\b{any_of('street_openings')}) ?{PARTICLES}(?:l['’])?(?:{NAME} ?{PARTICLES}){{1,4}}"
GERMANIC = rf"\b[A-ZÄÖÜÅÆØ][\wäöüßåæø-]{{1,24}}(?:{any_of('street_suffixes')}| Str\.) {HOUSE}\b"
"""One word, or two of which the second is shortened: "Lindenweg 4", "Berliner Str. 55"."""
BESIDE = rf"\b(?:Am|An der|Auf dem|Auf der|Im|In der|Zum|Zur) {NAME} {HOUSE}, \d{{5}} {NAME}"
ENGLISH_ADDRESS = re.compile(rf"{ENGLISH}{UNIT}{PLACE}")
BOX = re.compile(rf"\bP\.? ?O\.? Box \d{{1,6}}\b{PLACE}")
GERMANIC_ADDRESS = re.compile(f"{GERMANIC}{PLACE}")
BESIDE_ADDRESS = re.compile(BESIDE)
ROMANCE_ADDRESSES = (
    re.compile(rf"\b{HOUSE},? (?:bis |ter )?{ROMANCE}{PLACE}"),
    re.compile(rf"{ROMANCE},? (?:n[º°.o]\.? ?)?\d{{1,4}}\b{PLACE}"),
)
POSTCODE_AND_TOWN = re.compile(r"\d, \d{5} [A-ZÄÖÜ]")
SUFFIXES = tuple(suffix + " " for suffix in words_of("street_suffixes"))
OPENINGS = tuple(word if word[-1] in "./" else word + " " for word in words_of("street_openings"))
MONTH = rf"{any_of('months')}[a-zà-ÿ]{{0,8}}\.?"
DATE = (
    rf"(?:\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}-\d{{1,2}}-\d{{1,2}}"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th|\.)?(?: of| de)? {MONTH}(?:(?:,| de)? \d{{2,4}})?"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?)"
)
BIRTH = re.compile(
    r"\b(?:born(?: on)?|d\.?o\.?b\.?|date of birth|birth ?date|birthday(?: is)?(?: on)?)[\s:]{1,3}(?:is )?"
    rf"({DATE})(?!\w)",
    re.IGNORECASE,
)


def postal_addresses(text: str) -> Iterator[Span]:
    """Yield streets with house numbers, with flat, town and postcode behind them; a street alone stays."""
    yield from (match.span() for match in ENGLISH_ADDRESS.finditer(text))
    yield from (match.span() for match in BOX.finditer(text))
    low = text.lower()
    if any(suffix in low for suffix in SUFFIXES):
        yield from (match.span() for match in GERMANIC_ADDRESS.finditer(text))
    if POSTCODE_AND_TOWN.search(text):
        yield from (match.span() for match in BESIDE_ADDRESS.finditer(text))
    if any(opening in low for opening in OPENINGS):
        for form in ROMANCE_ADDRESSES:
            yield from (match.span() for match in form.finditer(text))


def births(text: str) -> Iterator[Span]:
    """Yield the dates that a text calls somebody's birth."""
    yield from (match.span(1) for match in BIRTH.finditer(text))
