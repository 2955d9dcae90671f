"""Which words are people's names, whatever their origin, and which are not."""

from pathlib import Path

import pytest

from tasks.config import ScrubbingConfig
from tasks.pipeline.scrubbing import Scrubber
from tasks.pipeline.scrubbing.names.assets import load_lexicon
from tasks.pipeline.scrubbing.names.candidates import CANDIDATE_RULES
from tasks.pipeline.scrubbing.names.contexts import CONTEXT_RULES, chat_labels, names_by_context
from tasks.pipeline.scrubbing.rows import scrubber_for
from tasks.pipeline.scrubbing.rules_page import page
from tasks.pipeline.scrubbing.tagging.loading import tagged
from tasks.pipeline.scrubbing.tokens import tokens_of


@pytest.fixture(scope="module")
def scrubber() -> Scrubber:
    return scrubber_for(ScrubbingConfig())


@pytest.mark.parametrize(
    "text",
    [
        "Short, succinct, and perfect.",
        "You'll never find it.",
        "We'd never lose again.",
        "This is America.",
        "Taliban is the worst.",
        "Is this Futurama?",
        "It ships by May Day.",
        "Summer is great and Autumn is my favourite season.",
        "April was cold.",
        "Call 1-800-FLOWERS today.",
        "Java and Ruby are slow.",
        "Jenkins is down, Kafka is slow, Ansible works.",
        "My Roomba broke.",
        "I paid with Venmo on DoorDash.",
        "We had Pad Thai and Peach Melba.",
        "Alexa, play it again.",
        "I asked Siri, Claude and Gemini.",
        "The Bentley was too loud.",
        "A Tom Collins, please.",
        "For Pete's sake, hurry.",
        "Every Tom, Dick and Harry knows it.",
        "Jesus Christ, this is slow!",
        "The OP has an MBA.",
        "I read it on r/Austin.",
        "Dang. That hurt.",
        "Edit: it works now.",
        "Wait, did it break?",
        "I love the Orville.",
        "Spygate was legal.",
        "Roomba, Juul, DoorDash and Venmo are brands.",
        "I bank with JP Morgan.",
        "Pluuus it was free.",
        "Holdin on is hard.",
        "AlphaM is a channel.",
        "The X-Wing is a model.",
        "I love the brutality of Odyssey.",
        "Tommy John is an amazing brand.",
        "We took a trip to Almonte.",
        "We met in Rosslyn.",
        "It is run by the Government of Alberta.",
        "I finished Arkham Origins.",
        "I love the Justice Democrats.",
        "Nice. That worked.",
        "I watched Harry Potter and Breaking Bad.",
        "I take Zoloft and Lamictal.",
        "Happy Diwali and Hari Raya!",
        "Guys, can you hear it?",
        "Dawn broke over the quiet hills.",
        "Ivy covered the old wall.",
        "Hope kept me alive.",
        "St. Louis won the game.",
        "Madrid won the game.",
        "Ericsson opened a warehouse.",
        "Bitcoin crashed again.",
        "Aaaand sold out.",
        "Y'all lost.",
        "Nokias can even connect to it.",
        "Hawaiian shaved ice is the best.",
        "Jordan closed its border.",
        "It was in West Virginia.",
        "We flew from Austin to Dallas.",
        "Congratulations, you got it.",
        "Yas! We won.",
        "Streamline works fine for me.",
        "france drinks coffee from a bowl.",
        "Ranger Pathfinder?",
        "Blue Apron was late.",
    ],
)
def test_other_words_are_no_people(scrubber: Scrubber, text: str) -> None:
    assert scrubber.one(text).text == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mark from sales agrees.", "Person A from sales agrees."),
        ("Hope at reception was great.", "Person A at reception was great."),
        ("June works the night shift.", "Person A works the night shift."),
        ("I asked Sue in billing.", "I asked Person A in billing."),
        ("Pat, the dog walker, called.", "Person A, the dog walker, called."),
        ("Drew drew a cat.", "Person A drew a cat."),
        ("We met the Smiths.", "We met Person A."),
        ("The Johnsons and the Garcias moved.", "Person A and Person B moved."),
        ("Jimin Park and Will Park called.", "Person A and Person B called."),
        ("Thx Xiomara & Ngozi", "Thx Person A & Person B"),
        ("[14:02] sanjay: hey", "[14:02] Person A: hey"),
        ("<john.smith> lol", "<Person A> lol"),
        ("It is a booking under Nakamura.", "It is a booking under Person A."),
        (
            "Paris is lovely in spring, but Paris Hilton is not my type.",
            "Paris is lovely in spring, but Person A is not my type.",
        ),
        (
            "April was cold, but April from support was warm.",
            "April was cold, but Person A from support was warm.",
        ),
        ("May is a busy month and May Lee said so.", "May is a busy month and Person A said so."),
        ("Wait did he call?", "Wait did they call?"),
        ("My sister works with Xolani on Mondays.", "My sibling works with Person A on Mondays."),
        ("My neighbour Kenya was furious.", "My neighbour Person A was furious."),
        ("I saw Diamond in the market.", "I saw Person A in the market."),
        ("Precious thinks it is late.", "Person A thinks it is late."),
        ("Nayeli, could you send it?", "Person A, could you send it?"),
        ("Beneficiary: Yonas Gebre", "Beneficiary: Person A"),
        ("Stavros reports to Shelby Crandall.", "Person A reports to Person B."),
        ("Hello Bethlehem, the sofa has arrived.", "Hello Person A, the sofa has arrived."),
        ("Khalid trusted me.", "Person A trusted me."),
        ("Ngozi baked a cake for us.", "Person A baked a cake for us."),
        ("Haruka spat on the floor.", "Person A spat on the floor."),
        ("Guadalupe mended the bike.", "Person A mended the bike."),
        ("Guadalupe should not have said it.", "Person A should not have said it."),
        ("Avi kept asking me.", "Person A kept asking me."),
        ("We waved at Ebony Washington.", "We waved at Person A."),
    ],
)
def test_names_are_found_by_what_stands_around_them(scrubber: Scrubber, text: str, expected: str) -> None:
    assert scrubber.one(text).text == expected


@pytest.mark.parametrize(
    "name", ["Lakisha", "Jamal", "Deshawn", "Emily", "Brad", "Xolani", "Ngozi", "Chihiro", "Aigerim"]
)
def test_whoever_feels_something_at_the_start_of_a_sentence_is_a_person(
    scrubber: Scrubber, name: str
) -> None:
    assert scrubber.one(f"{name} feels annoyed.").text == "Person A feels annoyed."


@pytest.mark.parametrize("rule", CONTEXT_RULES, ids=lambda rule: rule.name)
def test_every_rule_that_finds_names_holds_for_its_example(rule: object) -> None:
    example = rule.example  # type: ignore[attr-defined]
    (tokens,) = tagged([tokens_of(example)])
    assert list(names_by_context(example, tokens, load_lexicon()))


@pytest.mark.parametrize("rule", CANDIDATE_RULES, ids=lambda rule: rule.name)
def test_every_rule_that_judges_names_is_right_about_its_example(scrubber: Scrubber, rule: object) -> None:
    text = scrubber.one(rule.example).text  # type: ignore[attr-defined]
    assert ("Person " in text) == rule.person  # type: ignore[attr-defined]


def test_rules_have_names_of_their_own() -> None:
    for rules in (CANDIDATE_RULES, CONTEXT_RULES):
        names = [rule.name for rule in rules]
        assert len(set(names)) == len(names)


def test_chat_labels_need_a_time_or_angles() -> None:
    assert list(chat_labels("note: hey")) == []
    assert list(chat_labels("[14:02] note: hey")) == [(8, 12)]


def test_the_page_of_rules_is_up_to_date() -> None:
    written = (Path(__file__).parent.parent / "docs" / "scrubbing-rules.md").read_text(encoding="utf-8")
    assert written == page()
