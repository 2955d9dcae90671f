"""Share of contact data that is taken out, by kind, on generated examples in the formats of ten countries."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import phonenumbers
import yaml
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from scrubbing_quality import OWN

from tasks.pipeline.scrubbing import Scrubber

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "BR", "IN", "AU")
FORMATS = {
    "phone, international": (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164),
    "phone, national": (PhoneNumberFormat.NATIONAL,),
}
LINES = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
CARD_PREFIXES = {"4": 16, "51": 16, "37": 15, "6011": 16}
PER_KIND = 40
KINDS = {
    "address": {"ADDRESS"},
    "date of birth": {"BIRTH_DATE"},
    "account": {"IBAN_CODE"},
    "card": {"CREDIT_CARD"},
    "e-mail": {"EMAIL_ADDRESS"},
    "link": {"URL"},
    "username": {"HANDLE"},
    "IP address": {"IP_ADDRESS"},
    "US social security number": {"US_SSN"},
    "UK insurance number": {"UK_NINO"},
}


class Example(NamedTuple):
    """One piece of contact data in a sentence."""

    kind: str
    country: str
    data: str
    text: str


def contacts(scrubber: Scrubber) -> dict[str, float]:
    """Recall per kind (half of the characters taken out as that kind), and the worst country of two kinds."""
    examples = list(_examples())
    hits, by_country = defaultdict[str, list[bool]](list), defaultdict[tuple[str, str], list[bool]](list)
    for example, done in zip(examples, scrubber.many([e.text for e in examples]), strict=True):
        start = example.text.index(example.data)
        wanted = KINDS.get(example.kind, {"PHONE_NUMBER"})
        covered = {i for a, b, kind in done.spans if kind in wanted for i in range(a, b)}
        held = sum(i in covered for i in range(start, start + len(example.data)))
        hits[example.kind].append(2 * held >= len(example.data))
        by_country[example.kind, example.country].append(hits[example.kind][-1])
    shares = {kind: sum(found) / len(found) for kind, found in hits.items()}
    for kind in ("phone, national", "address"):
        worst = min((sum(v) / len(v), c) for (k, c), v in by_country.items() if k == kind)
        shares[f"{kind}: lowest, {worst[1]}"] = worst[0]
    return shares


def _examples() -> Iterator[Example]:
    plan, rng = yaml.safe_load((OWN / "contacts.yaml").read_text(encoding="utf-8")), random.Random(17)
    sentences = {key: text.split(" | ") for key, text in plan["sentences"].items()}

    def placed(kind: str, country: str, data: str, group: str = "other") -> Example:
        return Example(kind, country, data, rng.choice(sentences[group]).replace("{}", data))

    for country in COUNTRIES:
        yield from (placed(kind, country, number, "phone") for kind, number in _phones(country))
        for kind, key, group in (("address", "addresses", "address"), ("date of birth", "births", "birth")):
            data = " ".join(plan[key][country].split()).split(" | ")
            yield from (placed(kind, country, item, group) for item in data)
    for country, shape in plan["ibans"].items():
        account = iban(country, shape, rng)
        grouped = " ".join(account[i : i + 4] for i in range(0, len(account), 4))
        yield from (placed("account", country, data) for data in (account, grouped, account.lower()))
    for kind, key in (("e-mail", "emails"), ("username", "usernames"), ("link", "links")):
        yield from (placed(kind, "", data) for data in _filled(plan[key], rng))
    for _ in range(PER_KIND):
        prefix = rng.choice(sorted(CARD_PREFIXES))
        card = luhn(prefix, CARD_PREFIXES[prefix], rng)
        yield placed(
            "card", "", rng.choice((card, " ".join(card[i : i + 4] for i in range(0, len(card), 4))))
        )
        yield placed("IP address", "", ".".join(str(rng.randint(1, 254)) for _ in range(4)))
        yield placed("US social security number", "US", _digits("5##-4#-4###", rng))
        yield placed("UK insurance number", "GB", _digits(rng.choice(("AB######C", "JM ## ## ## A")), rng))


def _phones(country: str) -> Iterator[tuple[str, str]]:
    for line in LINES:
        number = phonenumbers.example_number_for_type(country, line)
        for kind, formats in FORMATS.items():
            for form in formats:
                yield kind, phonenumbers.format_number(number, form)


def _filled(forms: str, rng: random.Random) -> Iterator[str]:
    templates = " ".join(forms.split()).split(" | ")
    for i in range(PER_KIND):
        values = {
            "u": rng.choice(("maja", "tobi", "lin", "ken7", "rosa", "ximena")),
            "n": rng.randint(10, 999),
        }
        yield templates[i % len(templates)].format(
            **values, d=rng.choice(("com", "org", "de", "fr", "co.uk"))
        )


def _digits(shape: str, rng: random.Random) -> str:
    return "".join(str(rng.randint(1, 9)) if sign == "#" else sign for sign in shape)


def iban(country: str, shape: str, rng: random.Random) -> str:
    """Return an account number with a right checksum (ISO 13616)."""
    rest = "".join(rng.choice("ABCDEFGH") if sign == "A" else str(rng.randint(0, 9)) for sign in shape)
    remainder = int("".join(str(int(sign, 36)) for sign in f"{rest}{country}00")) % 97
    return f"{country}{98 - remainder:02d}{rest}"


def luhn(prefix: str, length: int, rng: random.Random) -> str:
    """Return a card number with a right last digit (ISO/IEC 7812-1, annex B)."""
    digits = prefix + "".join(str(rng.randint(0, 9)) for _ in range(length - len(prefix) - 1))
    doubled = [int(d) * (1 if place % 2 else 2) for place, d in enumerate(reversed(digits))]
    return digits + str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)
