"""Contact data: what is taken out, and which numbers stay."""

import pytest

from tasks.config import ScrubbingConfig
from tasks.pipeline.scrubbing.contact_data import find_pii
from tasks.pipeline.scrubbing.contact_numbers import is_base58_address, passes_gs1
from tasks.pipeline.scrubbing.rows import scrubber_for


@pytest.mark.parametrize(
    "text",
    [
        "order number 1755302400",
        "created at 1755302400",
        "The file is from 1755302400.",
        "text 4006381333931",
        "Flight number 447 7000 123 is late.",
        "Bump to version 1.2.3.4 today.",
        "part no. 555-123-4567-A",
        "I booked on Booking.com and use ASP.net.",
        "tracking 9400 1000 0000 0000",
        "It took from 1990 - 2004.",
        "Main Street is closed.",
        "I scored 5 Way better goals.",
        "I paid 12000 for it on 3 May.",
    ],
)
def test_numbers_and_words_of_nobody_stay(text: str) -> None:
    assert find_pii(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ring me on 07700900123", [("PHONE_NUMBER", "07700900123")]),
        ("0044 7700 900123", [("PHONE_NUMBER", "0044 7700 900123")]),
        ("06 12 34 56 78", [("PHONE_NUMBER", "06 12 34 56 78")]),
        ("(11) 98765-4321", [("PHONE_NUMBER", "(11) 98765-4321")]),
        ("my number is 0171 1234567", [("PHONE_NUMBER", "0171 1234567")]),
        ("gb82 west 1234 5698 7654 32", [("IBAN_CODE", "gb82 west 1234 5698 7654 32")]),
        ("pay 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", [("CRYPTO", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2")]),
        (
            "0x52908400098527886E0F7030069857D2E4169EE7",
            [("CRYPTO", "0x52908400098527886E0F7030069857D2E4169EE7")],
        ),
        ("sort code 12-34-56", [("SORT_CODE", "12-34-56")]),
        ("NI number QQ123456C? No, AB 12 34 56 C.", [("UK_NINO", "AB 12 34 56 C")]),
        ("jo (at) mail (dot) org", [("EMAIL_ADDRESS", "jo (at) mail (dot) org")]),
        ("hi @sarah.k and @hannah-b.", [("HANDLE", "@sarah.k"), ("HANDLE", "@hannah-b")]),
        ("I live at 12 Oak Street.", [("ADDRESS", "12 Oak Street")]),
        (
            "Send it to 221B Baker Street, London NW1 6XE now.",
            [("ADDRESS", "221B Baker Street, London NW1 6XE")],
        ),
        (
            "1600 Elm Avenue, Apt 4B, Springfield, IL 62704",
            [("ADDRESS", "1600 Elm Avenue, Apt 4B, Springfield, IL 62704")],
        ),
        ("Ich wohne Hauptstraße 12, 10115 Berlin.", [("ADDRESS", "Hauptstraße 12, 10115 Berlin")]),
        ("12 rue de la Paix, 75002 Paris", [("ADDRESS", "12 rue de la Paix, 75002 Paris")]),
        ("Calle Mayor 5, 28013 Madrid", [("ADDRESS", "Calle Mayor 5, 28013 Madrid")]),
        ("P.O. Box 123", [("ADDRESS", "P.O. Box 123")]),
        ("She was born on 12 March 1987.", [("BIRTH_DATE", "12 March 1987")]),
        ("DOB: 03/04/1990", [("BIRTH_DATE", "03/04/1990")]),
    ],
)
def test_contact_data_of_many_forms_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(item.type, text[item.start : item.end]) for item in find_pii(text)] == expected


def test_an_address_is_never_half_hidden() -> None:
    scrubber = scrubber_for(ScrubbingConfig())
    found = [
        scrubber.one(text).text
        for text in (
            "Write to anna.smith [at] example.com.",
            "Thanks @sarah.k and @hannah-b!",
        )
    ]
    assert found == ["Write to [email].", "Thanks [username] and [username]!"]


def test_checksums_of_bar_codes_and_wallets() -> None:
    assert passes_gs1("4006381333931")
    assert not passes_gs1("4006381333932")
    assert is_base58_address("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2")
    assert not is_base58_address("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3")
