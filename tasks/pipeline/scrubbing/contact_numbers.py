"""Telephone, card, account and identity numbers: what a number is, its digits and its neighbours decide."""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import phonenumbers

from tasks.pipeline.scrubbing.contact_words import any_of
from tasks.pipeline.scrubbing.tokens import Span

MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 7, 15
"""Lengths of telephone numbers (ITU-T E.164 allows 15)."""
MAX_NATIONAL_DIGITS = 11
"""Most digits of a number that `REGIONS` write in groups without a trunk 0."""
REGIONS = ("US", "GB", "FR", "DE", "BR", "IN", "AU", "ES", "IT", "NL")
"""Countries whose national formats count without a word such as "call" before them."""
NUMBER = re.compile(r"(?<![\w.])(?<!\d[-/])\+?\(?\d(?:[\d\s().\-/]{5,24})\d(?!\w)")
DATE = re.compile(
    r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|\d{4}\s{0,2}[-–/]\s{0,2}\d{4}"
)
NORTH_AMERICAN = re.compile(r"\(?\d{3}\)?[\s.\-]?\d{3}[\s.\-]?\d{4}")
GROUPED = re.compile(r"[\s().\-/]")
TIMESTAMP = re.compile(r"1[0-9]{9}|1[0-9]{12}")
"""Seconds or milliseconds since 1970, this century."""
ARTICLE_CODE_LENGTHS = frozenset({8, 12, 13})
PHONE_CUE = re.compile(rf"\b{any_of('phone_cues')}\b[^.!?\n]{{0,24}}$", re.IGNORECASE)
OTHER_CUE = re.compile(
    rf"\b{any_of('other_numbers')}(?: (?:at|no|number|nr|id))?\b\.?[\s:#=]{{0,3}}(?:is\s)?$", re.IGNORECASE
)
VERSION_CUE = re.compile(rf"\b{any_of('version_cues')}(?: to| from)?\s?$", re.IGNORECASE)
CUE_REACH = 48
"""Characters before a number that are searched for what it is."""
SSN = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
NATIONAL_INSURANCE = re.compile(r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z]{2}(?: ?\d{2}){3} ?[A-D]\b")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", re.IGNORECASE)
SORT_CODE = re.compile(r"\bsort[ -]?code(?: is)?[:\s]{1,3}(\d{2}[- ]?\d{2}[- ]?\d{2})(?!\w)", re.IGNORECASE)
IP4 = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\w|\.\d)")
IP6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,6}(?![\w:])")
IDENTIFIER = re.compile(
    r"\b(?:passport|licen[cs]e|policy|insurance|customer|member|account|employee|patient|case|ssn|tax|id)"
    r"(?: (?:no|number|id|nr))?\.?[ :#]{1,3}([A-Z]{0,3}\d[A-Z0-9-]{4,17})\b",
    re.IGNORECASE,
)
BITCOIN = re.compile(r"\b(?:bc1[ac-hj-np-z02-9]{25,71}|[13][a-km-zA-HJ-NP-Z1-9]{25,34})\b")
ETHEREUM = re.compile(r"\b0x[a-fA-F0-9]{40}\b")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class NumberContext(NamedTuple):
    """A number with what stands around it."""

    written: str
    digits: str
    before: str
    """The text before it, up to `CUE_REACH` characters."""
    after: str
    """The next two characters."""


class NumberRule(NamedTuple):
    """One rule about numbers; the first that holds decides."""

    name: str
    example: str
    holds: Callable[[NumberContext], bool]
    type: str | None
    """Entity type, or None where the number stays."""


def _is_card(number: NumberContext) -> bool:
    signs = set(number.written) & set("()/")
    return 13 <= len(number.digits) <= 19 and passes_luhn(number.digits) and not signs


def _is_other(number: NumberContext) -> bool:
    return OTHER_CUE.search(number.before) is not None


def _has_cue(number: NumberContext) -> bool:
    long = len(number.digits) >= 9 or GROUPED.search(number.written) is not None
    return long and PHONE_CUE.search(number.before) is not None


def _is_no_length(number: NumberContext) -> bool:
    return not MIN_PHONE_DIGITS <= len(number.digits) <= MAX_PHONE_DIGITS


def _is_date(number: NumberContext) -> bool:
    return DATE.fullmatch(number.written) is not None


def _goes_on(number: NumberContext) -> bool:
    return number.after[:1] == "-" and number.after[1:2].isalnum()


def _is_international(number: NumberContext) -> bool:
    return number.written[0] == "+" or number.written.startswith(("00", "(00"))


def _is_stamp(number: NumberContext) -> bool:
    plain = number.written.isdigit()
    article = len(number.digits) in ARTICLE_CODE_LENGTHS and passes_gs1(number.digits)
    return plain and (TIMESTAMP.fullmatch(number.written) is not None or article)


def _is_north_american(number: NumberContext) -> bool:
    return NORTH_AMERICAN.fullmatch(number.written) is not None


def _is_national(number: NumberContext) -> bool:
    """Whether a number with its trunk 0 or its area in brackets is valid in one of `REGIONS`."""
    if not (number.written[0] in "(0" and (number.digits[0] == "0" or number.written[0] == "(")):
        return False
    return any(_is_valid(number.written, region) for region in REGIONS)


def _is_as_written(number: NumberContext) -> bool:
    """Whether one of `REGIONS` writes a valid number in exactly these groups, without a trunk 0."""
    grouped = number.written.count(" ") > 1 and len(number.digits) <= MAX_NATIONAL_DIGITS
    return grouped and any(_formats_as(number.written, region) for region in REGIONS)


def _formats_as(written: str, region: str) -> bool:
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return False
    valid = phonenumbers.is_valid_number(number)
    return valid and phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL) == written


def _is_valid(written: str, region: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(written, region)))
    except phonenumbers.NumberParseException:
        return False


def _always(_: NumberContext) -> bool:
    return True


NUMBER_RULES = (
    NumberRule("card", "4111 1111 1111 1111", _is_card, "CREDIT_CARD"),
    NumberRule("too short or too long", "12 345", _is_no_length, None),
    NumberRule("date", "2024-03-17", _is_date, None),
    NumberRule("part of a code", "555-123-4567-A", _goes_on, None),
    NumberRule("number of something else", "order number 1755302400", _is_other, None),
    NumberRule("international", "+44 20 7946 0958", _is_international, "PHONE_NUMBER"),
    NumberRule("behind a word", "ring me on 07700900123", _has_cue, "PHONE_NUMBER"),
    NumberRule("time stamp or article", "4006381333931", _is_stamp, None),
    NumberRule("North American", "(212) 555-0187", _is_north_american, "PHONE_NUMBER"),
    NumberRule("national", "06 12 34 56 78", _is_national, "PHONE_NUMBER"),
    NumberRule("national, in groups", "810 12 34 56", _is_as_written, "PHONE_NUMBER"),
    NumberRule("any other number", "447 7000 123", _always, None),
)


def number_kind(number: NumberContext) -> str | None:
    """Return the entity type of a number, or None where it is nobody's."""
    return next(rule.type for rule in NUMBER_RULES if rule.holds(number))


def phones_and_cards(text: str) -> Iterator[tuple[Span, str]]:
    """Yield the telephone and card numbers of a text."""
    for match in NUMBER.finditer(text):
        written = match.group()
        digits = "".join(c for c in written if c.isdigit())
        before = text[max(0, match.start() - CUE_REACH) : match.start()]
        kind = number_kind(NumberContext(written, digits, before, text[match.end() : match.end() + 2]))
        if kind:
            yield match.span(), kind


def ip_addresses(text: str) -> Iterator[Span]:
    """Yield the addresses of computers; four numbers behind "version" are none."""
    for match in IP4.finditer(text):
        if not VERSION_CUE.search(text, max(0, match.start() - CUE_REACH), match.start()):
            yield match.span()
    if text.count(":") > 3:
        yield from (match.span() for match in IP6.finditer(text))


def wallets(text: str) -> Iterator[Span]:
    """Yield Bitcoin and Ethereum addresses."""
    for match in BITCOIN.finditer(text):
        if match.group().startswith("bc1") or is_base58_address(match.group()):
            yield match.span()
    yield from (match.span() for match in ETHEREUM.finditer(text))


def ibans(text: str) -> Iterator[Span]:
    """Yield account numbers; what stands behind one, as "for", may look like its last group."""
    for match in IBAN.finditer(text):
        start, end = match.span()
        while end > start and not is_iban(text[start:end]):
            end = text.rfind(" ", start, end)
        if end > start:
            yield start, end


def passes_luhn(digits: str) -> bool:
    """Check a card number's last digit (ISO/IEC 7812-1, annex B)."""
    doubled = [int(d) * 2 if index % 2 else int(d) for index, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def passes_gs1(digits: str) -> bool:
    """Check the last digit of a bar code (GS1 general specifications, 7.9)."""
    return sum(int(d) * (3 if index % 2 else 1) for index, d in enumerate(reversed(digits))) % 10 == 0


def is_iban(written: str) -> bool:
    """Check an account number's checksum (ISO 13616: remainder 1 modulo 97)."""
    compact = written.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def is_base58_address(written: str) -> bool:
    """Check the last four bytes of a Bitcoin address (Base58Check)."""
    number = 0
    for sign in written:
        number = number * 58 + BASE58.index(sign)
    try:
        data = number.to_bytes(25, "big")
    except OverflowError:
        return False
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]
