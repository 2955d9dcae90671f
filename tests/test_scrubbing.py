"""What the scrubber as a whole promises."""

import json
import socket
import subprocess
import sys

import pytest
from factories import make_row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.config import DemographicCategory, Scope, ScrubbingConfig
from tasks.data.records import Row
from tasks.pipeline.scrubbing import SCRUBBER_VERSION, Scrubbed, Scrubber, scrub_report, scrub_rows
from tasks.pipeline.scrubbing.audit import examples, redacted
from tasks.pipeline.scrubbing.normalization import normalise
from tasks.pipeline.scrubbing.rows import scrubber_for

FRAGMENTS = """
John Smith |Mr. Smith said |Maria Lopez's |Person A met |she is |He’s |he doesn't |a Muslim |An Irish actress
the blacks |whites. |65-year-old |her mother |his |. |, |https://a.com/x?y=1 |a@b.co |+1 (212) 555-0187 |her
ﬁancée |🏳️‍🌈 |&amp;lt; |<b>Maria</b> |[NAME] |[RELIGION] |O’Neil |É|people and people |an |A |Ünal |  |İstanbul
soft\u00adhyphen """.replace("\n", "|\n|").split("|")
DOCUMENTS = st.lists(
    st.one_of(st.sampled_from(FRAGMENTS), st.text(alphabet="abc XYZ.,'’-\n@1&;", max_size=8)), max_size=12
).map("".join)
SOME = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def scrubber() -> Scrubber:
    return scrubber_for(ScrubbingConfig())


def a_row(text: str, id_: str = "r1") -> Row:
    return make_row(text, id=id_, topic="work")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "John Smith praised Mary Jones. Mr. Smith was glad, and Mary smiled.",
            "Person A praised Person B. Person A was glad, and Person B smiled.",
        ),
        ("I told Priya Natarajan that Priya's plan works.", "I told Person A that Person A's plan works."),
        ("Person A met David Miller.", "Person A met Person B."),
        (
            "According to Mark Young, it failed. Young refused to comment.",
            "According to Person A, it failed. Person A refused to comment.",
        ),
        ("She was raised Hindu.", "They were raised in a given religion."),
        ("[NAME] is so kind, thank you [NAME]!", "Person A is so kind, thank you Person B!"),
        ("A young Nigerian engineer fixed it.", "An engineer fixed it."),
        ("Many Germans disagreed.", "Many people disagreed."),
        ("She is Jewish and proud of it.", "They are of a given religion and proud of it."),
        ("My mother is a waitress.", "My parent is a server."),
        ("He loves his job and always smiles.", "They love their job and always smile."),
        ("Does she like him?", "Do they like them?"),
        ("He throws like a 6 year old girl.", "They throw like a child."),
        ("Ladies and gentlemen, welcome.", "People, welcome."),
        ("Her autism is mild.", "Their condition is mild."),
        ("I have autism and severe dyslexia.", "I have a condition and a severe condition."),
        ("My [RELIGION] neighbour was kind.", "My neighbour was kind."),
        ("Mail me at kim.lee@example.org now.", "Mail me at [email] now."),
        ("Maria\u200b Garc\u00eda called.", "Person A called."),
        ("Tom &amp; I spoke to Ahmed Hassan.", "Person A & I spoke to Person B."),
        ("Tanisha spat on the floor.", "Person A spat on the floor."),
        ("Carmen made my day.", "Person A made my day."),
        ("My Christian doctor left the keys.", "My doctor left the keys."),
        ("My colleague in a wheelchair took the bus.", "My colleague took the bus."),
        ("I met a blind man in his wheelchair.", "I met a person."),
        ("Someone who uses a wheelchair asked.", "Someone asked."),
        ("She is in a wheelchair now.", "They are living with a condition now."),
    ],
)
def test_personal_parts_give_way_to_neutral_words(scrubber: Scrubber, text: str, expected: str) -> None:
    assert scrubber.one(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "I drink black coffee every morning.",
        "Old habits die hard, so give me a straight answer.",
        "We ate French fries near the White House.",
        "I will call you in May, and I hope it helps.",
        "The bill was paid at dawn.",
        "Frank discussion is welcome.",
        "Mother Nature won again.",
        "Oh boy, that was close.",
        "Early Alzheimer's is cruel.",
        "Is autism a disease?",
        "The native app is fast.",
        "The ghost sat in a wheelchair.",
        "People in a wheelchair race go fast.",
        "Nah, that is fine. Hurrah! Crikey.",
        "I read an article about Kenya, and food from Saudi Arabia is good.",
    ],
)
def test_words_that_describe_nobody_stay(scrubber: Scrubber, text: str) -> None:
    done = scrubber.one(text)
    assert (done.text, done.counts) == (text, {})


def test_counts_and_spans_name_types_only(scrubber: Scrubber) -> None:
    done = scrubber.one("John Smith is a French actor.")
    assert done.counts == {"PERSON": 1, "NATIONALITY": 1, "GENDER": 1}
    assert done.spans == ((0, 10, "PERSON"), (16, 23, "NATIONALITY"), (23, 28, "GENDER"))
    assert done.text == "Person A is a performer."


def test_scope_all_also_takes_terms_that_describe_things() -> None:
    text = "The Mexican food was great."
    assert scrubber_for(ScrubbingConfig()).one(text).text == text
    assert scrubber_for(ScrubbingConfig(scope=Scope.all)).one(text).text == "The food was great."


def test_categories_and_gender_can_be_switched_off() -> None:
    config = ScrubbingConfig(categories=(DemographicCategory.religion,), neutralise_gender=False)
    text = "She is a young Muslim teacher."
    assert scrubber_for(config).one(text).text == "She is a young teacher."


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValueError, match="Input should be 'religion', 'nationality'"):
        ScrubbingConfig(categories=("shoe size",))


@pytest.mark.parametrize(
    ("value", "text", "flags"),
    [
        ("", "", ("empty",)),
        (None, "", ("not_text", "empty")),
        (7, "", ("not_text", "empty")),
        (b"caf\xc3\xa9 \xff", "café \ufffd", ("bytes",)),
        ("half \ud800 pair", "half \ufffd pair", ("invalid_surrogates",)),
        (
            "Le chat est dans la maison et il dort.",
            "Le chat est dans la maison et il dort.",
            ("not_english",),
        ),
        ("Это хорошая книга", "Это хорошая книга", ("not_english",)),
        ("pаypal is down", "pаypal is down", ("mixed_script",)),
    ],
)
def test_odd_input_is_flagged_and_never_stops_a_batch(
    scrubber: Scrubber, value: object, text: str, flags: tuple[str, ...]
) -> None:
    before, odd, after = scrubber.many(["All is well.", value, "All is well."])
    assert (odd.text, odd.flags) == (text, flags)
    assert before.text == after.text == "All is well."


@SOME
@given(DOCUMENTS)
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = scrubber_for(ScrubbingConfig()).one(text)
    assert scrubber_for(ScrubbingConfig()).one(once.text).text == once.text
    assert "unsettled" not in once.flags


@SOME
@given(st.lists(DOCUMENTS, max_size=5))
def test_a_batch_gives_what_one_by_one_gives(texts: list[str]) -> None:
    scrubber = scrubber_for(ScrubbingConfig())
    assert scrubber.many(texts) == [scrubber.one(text) for text in texts]


@SOME
@given(DOCUMENTS)
def test_spans_are_sorted_disjoint_and_inside_the_normalised_text(text: str) -> None:
    place, length = 0, len(normalise(text))
    for start, end, _ in scrubber_for(ScrubbingConfig()).one(text).spans:
        assert place <= start < end <= length
        place = end


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("He said his brother helped him.", "She said her sister helped her."),
        ("The actor blamed himself.", "The actress blamed herself."),
        ("He's been a policeman; he never stops.", "She's been a policewoman; she never stops."),
        ("That book is his.", "That book is hers."),
        ("I gave him the book.", "I gave her the book."),
        ("It hurts to see him like this.", "It hurts to see her like this."),
        ("Michael Brown is late.", "Sarah Johnson is late."),
        ("A Polish nurse helped.", "A Kenyan nurse helped."),
        ("The Muslim teacher was kind.", "The Hindu teacher was kind."),
    ],
)
def test_swapped_people_read_the_same(scrubber: Scrubber, one: str, other: str) -> None:
    assert scrubber.one(one).text == scrubber.one(other).text


def test_importing_and_starting_need_no_network() -> None:
    program = (
        "import socket\n"
        "def refuse(*_, **__): raise OSError('no network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse; socket.create_connection = refuse\n"
        "from tasks.pipeline.scrubbing import Scrubber\n"
        "print(Scrubber().one('Write to Ann Lee, jo@example.co.uk.').text)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "Write to Person A, [email].\n"


def test_nothing_is_fetched(scrubber: Scrubber, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert scrubber.one("Write to jo@example.co.uk.").text == "Write to [email]."


@pytest.mark.parametrize(
    "attack",
    [
        "a.",
        "@",
        "1 ",
        "John ",
        "a@",
        "&amp;",
        "he is ",
        "(",
        "a-",
        "\u200b",
        "Mr. ",
        "black ",
        "a@b.c",
        "[NAME]",
    ],
)
def test_attack_strings_come_through(scrubber: Scrubber, attack: str) -> None:
    assert "unsettled" not in scrubber.one(attack * (40_000 // len(attack))).flags


def test_rows_carry_their_counts_and_emptied_rows_are_rejected() -> None:
    rows = [a_row("Anna Kowalska is happy.", "r1"), a_row("Fine day.", "r2"), a_row(" ", "r3")]
    filtered = scrub_rows(rows, ScrubbingConfig())
    assert [(row["text"], row["scrubbed"]) for row in filtered.kept] == [
        ("Person A is happy.", {"PERSON": 1}),
        ("Fine day.", {}),
    ]
    assert filtered.counts() == {"scrub: nothing left": 1}
    assert rows[0]["text"] == "Anna Kowalska is happy."


def test_switched_off_it_leaves_rows_alone() -> None:
    rows = [a_row("Anna Kowalska is happy.")]
    assert scrub_rows(rows, ScrubbingConfig(enabled=False)).kept == rows


def test_the_account_shows_types_and_no_names() -> None:
    rows = [a_row("Anna Kowalska is a happy French nurse.", "r1"), a_row("Fine day.", "r2")]
    report = scrub_report(rows, scrub_rows(rows, ScrubbingConfig()).kept, ScrubbingConfig())
    assert report["version"] == SCRUBBER_VERSION
    assert report["totals"] == {"PERSON": 1, "NATIONALITY": 1}
    assert report["by_label"] == {"joy": {"PERSON": 1, "NATIONALITY": 1}}
    assert report["by_topic"] == {"work": {"PERSON": 1, "NATIONALITY": 1}}
    assert report["examples"] == [
        {
            "about": "NATIONALITY",
            "before": "<PERSON> is a happy <NATIONALITY> nurse.",
            "after": "Person A is a happy nurse.",
        }
    ]
    assert report["leaks"]["second_pass"] == {}
    assert "Kowalska" not in json.dumps(report)


def test_odd_rows_are_counted_whether_scrubbed_or_not() -> None:
    rows = [a_row("Das ist nicht gut und auch nicht neu.", "r1"), a_row("Fine day.", "r2")]
    report = scrub_report(rows, scrub_rows(rows, ScrubbingConfig()).kept, ScrubbingConfig())
    assert report["flags"] == {"not_english": 1}


@pytest.mark.parametrize(
    "text",
    [
        "Heute hat John Smith nicht mit uns und auch nicht mit Maria Lopez gesprochen.",
        "Elle est arrivée hier soir avec sa mère et son frère Paul.",
        "Ella dice que su hermano vive en Madrid con Carmen.",
        "Ieri sera Marco è andato al cinema con sua sorella.",
        "Ze zei dat haar broer morgen met de trein komt.",
        "Hon sa att hennes bror kommer med tåget i morgon.",
        "Ona powiedziała, że jej brat przyjedzie jutro pociągiem.",
        "Ela disse que o irmão dela chega amanhã de comboio.",
        "Она сказала, что её брат приедет завтра.",
        "彼女は昨日、兄と一緒に東京へ行きました。",
    ],
)
def test_a_text_in_another_language_comes_back_as_it_is(scrubber: Scrubber, text: str) -> None:
    done = scrubber.one(text)
    assert (done.text, done.counts, done.flags) == (text, {}, ("not_english",))


def test_names_of_foreigners_make_no_text_foreign(scrubber: Scrubber) -> None:
    done = scrubber.one("Guillermo Hernández y Fernández and Agnieszka Wiśniewska left.")
    assert "not_english" not in done.flags


def test_a_text_with_findings_of_a_later_round_is_withheld() -> None:
    once = Scrubbed("Person A left.", {"PERSON": 1}, (), ((0, 3, "PERSON"),))
    later = Scrubbed("Person A left Person B.", {"PERSON": 2}, (), ((0, 3, "PERSON"),))
    assert redacted("Ann left.", once) == "<PERSON> left."
    assert redacted("Ann left Zork.", later) == "(not shown: something was found in a later round only)"
    assert [e["after"] for e in examples(["Ann left.", "Ann left Zork."], [once, later])] == [
        "Person A left."
    ]
