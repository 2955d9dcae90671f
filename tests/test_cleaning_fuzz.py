"""Bad input: whatever comes in is kept or counted, never a crash, never a wait that grows with the square."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cleaning import row

from tasks.config import CleaningConfig
from tasks.pipeline.cleaning import clean_rows
from tasks.pipeline.cleaning.stripping import strip

CONFIG = CleaningConfig()
ANY = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)

MARKS = [
    *(
        "<think>",
        "</think>",
        "```",
        "**",
        "*",
        "_",
        '"',
        "““",
        "””",
        "'",
        "Sure! ",
        "Here is a review:",
        "Review 1: ",
    ),
    *("1. ", "2) ", "\n", "- ", "# ", ": ", "<b>", "</b>", "<a href='", "&amp;", "&lt;b&gt;", "as an AI "),
    *("I'm sorry, but I can't ", "[insert name]", "The random topic is: ", "please provide the topic "),
    *("Let me know if ", ". ", "!", "?", "Dr. ", " the", "soup", "was cold", "  ", "\t", "9" * 20),
    *("👍", "🏳️‍🌈", "مرحبا ", "שלום ", "\u202e", "\ud800", "\x00", "\x1b[31m", "\u200d", "ﬁ", "e\u0301" * 3),
]
SURROGATES = st.text(st.characters(codec=None), max_size=80)
GLUED = st.lists(st.sampled_from(MARKS), max_size=14).map("".join)


@ANY
@given(st.lists(st.one_of(SURROGATES, GLUED), max_size=6), st.booleans())
def test_every_row_is_kept_or_counted(texts, cut):
    votes = {"cut": 1.0} if cut else {}
    rows = [row(text, str(i), votes=votes) for i, text in enumerate(texts)]
    filtered = clean_rows(rows, CONFIG)
    ids = [kept["id"] for kept in filtered.kept] + [reject["row"]["id"] for reject in filtered.rejects]
    assert sorted(ids) == sorted(str(i) for i in range(len(texts)))
    for one in [*filtered.kept, *(reject["row"] for reject in filtered.rejects)]:
        one["text"].encode("utf-8")  # whatever stays can be written to a file


@ANY
@given(st.one_of(SURROGATES, GLUED))
def test_stripping_twice_is_stripping_once(text):
    once = strip(text)
    assert strip(once) == once


@ANY
@given(st.lists(GLUED, max_size=6))
def test_cleaning_what_was_kept_changes_nothing(texts):
    once = clean_rows([row(text, str(i)) for i, text in enumerate(texts)], CONFIG).kept
    assert clean_rows(once, CONFIG).kept == once


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing left"),
        ("\x00\x07\x1b", "nothing left"),
        ("\ud800\udfff", "nothing left"),
        ("👍👍👍 🎉", "too short"),
        ("<div><p></p></div>", "nothing left"),
        ("a" * 1_000_000, "too long"),
        ("word " * 200_000, "too long"),
        ("مرحبا كيف حالك اليوم يا صديقي العزيز", "foreign language"),
    ],
)
def test_bad_input_is_counted(text, reason):
    assert clean_rows([row(text)], CONFIG).counts() == {f"cleaning: {reason}": 1}


@pytest.mark.parametrize("text", ["🎉 what a lovely day 🎉", "שלום was the first word that I learned there"])
def test_emoji_and_foreign_letters_within_a_text_are_fine(text):
    assert [kept["text"] for kept in clean_rows([row(text)], CONFIG).kept] == [text]


def test_rejects_can_be_written_although_the_text_came_with_surrogates():
    assert clean_rows([row("ab\ud800")], CONFIG).rejects[0]["row"]["text"] == "ab\ufffd"


# What makes a careless expression backtrack: a mark, over and over. A quadratic rule would take minutes here.
REPEATED = [
    *MARKS,
    *(
        "a",
        "a ",
        "*a",
        "a*",
        "<",
        "<a ",
        '"a',
        "(1) a ",
        "Sure Sure ",
        "here is ",
        " \n",
        "1",
        "a.",
        "[your ",
    ),
]


@pytest.mark.parametrize("mark", REPEATED)
@pytest.mark.parametrize("cut", [True, False])
def test_a_mark_repeated_over_ninety_thousand_characters_is_handled(mark, cut):
    text = mark * (90_000 // len(mark))
    filtered = clean_rows([row(text, votes={"cut": float(cut)})], CleaningConfig(max_words=100_000))
    assert len(filtered.kept) + len(filtered.rejects) == 1
