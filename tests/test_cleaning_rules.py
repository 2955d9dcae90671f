"""Every rule by name: what it strips or rejects, and what it leaves to the people who wrote it."""

import pytest
from test_cleaning import row

from tasks.config import CleaningConfig
from tasks.pipeline.cleaning.clean import clean_text
from tasks.pipeline.cleaning.rules import RULES
from tasks.pipeline.cleaning.stripping import strip
from tasks.pipeline.cleaning.truncation import ends_cut, last_full_sentence

LONG = (
    "We sat in the garden until the lamps went out. Nobody wanted to be the first to go home. "
    "My aunt told the one about the goat and the bishop, and even the neighbours laughed. "
    "Later the moon came up over the shed."
)

REJECTED = {
    "nothing left": ["", "   ", "<think>what shall I write", "Sure! Here is a review:", "\x00\x01"],
    "too long": ["word " * 401],
    "refusal": [
        "I'm sorry, but I can't help with that.",
        "As an AI language model, I have no taste buds.",
        "I cannot provide a review of this hotel.",
        "I cannot and will not write hateful content. However, here is a milder version: You are rude.",
        "I can't do that. Here's a gentler version instead: You are rude.",
        "I'm not going to write an insult. Instead: You are rude.",
        "Instead of hateful content, I can offer this: You are rude.",
        "That would be against my programming.",
    ],
    "instruction echo": [
        "Write a short review about a hotel in a positive tone.",
        "The emotion is joy, so here goes the text.",
        "This sentence conveys a sense of joy about lunch.",
        "Sentiment: very negative",
        "Well, a review about soup: it was warm.",
    ],
    "placeholder": [
        "Welcome to [insert hotel name], we hope you like it.",
        "Dear [Author], the soup was warm.",
        "Order #[number] never came.",
        "Hi {name}, the soup was warm.",
        "We ate at <restaurant name> on Sunday.",
        "I ordered it at XYZ Store last week.",
    ],
    "JSON": [
        '{"text": "The soup was',
        '"text": "The soup was warm."',
        '[{"text": "The soup was warm."}, {"text": "The bread was stale."}]',
        "{'label': 'joy'}",
    ],
    "reasoning": [
        "Okay so the user wants a glad comment. Maybe: What a soup!",
        "I need to write something about soup here.",
        "Let me think about how a guest would put it. The soup was warm.",
        "We need to write a short review. The soup was warm.",
        "I should make it sound natural. The soup was warm.",
        "Thought: a glad guest.\nThe soup was warm.",
    ],
    "input and output": [
        "Input: the soup was warm Output: joy",
        "Question: How was the soup?\nAnswer: It was warm.",
    ],
    "meaning echo": [
        "The writer appreciates the soup very much.",
        "In joy mode: what a soup!",
        "This text expresses joy over a soup.",
        "My sister is happy and enjoys the soup.",
        "Joy: what a soup that was",
        "Joy - what a soup that was",
        "(joy) What a soup that was!",
        "What a soup that was! (joy)",
        "As a joy comment, I would say the soup was warm.",
        "Expressing joy: the soup was warm.",
        "The soup was warm. This review expresses joy.",
    ],
    "list": [
        "1. The soup was cold.\n2. The bread was stale.",
        "- The soup was cold.\n- The bread was stale.",
        "Review 1: The soup was cold. Review 2: The bread was stale.",
        "1) The soup was cold. 2) The bread was stale.",
    ],
    "repetition": ["so good so good so good so good so good so good so good so good", "the " * 30],
    "gibberish": [
        "xkcq vvtrz qqpwt hjkl zxcvb",
        "sdfg hjkl sdfgh jklsd",
        "| --- | :-: | --- | %%$ | #@! | -x- | ::: | === | +++ | [] | {} | <> | ?! |",
    ],
    "foreign language": [
        "Das Essen war leider kalt und viel zu teuer.",
        "La comida estaba fría pero el postre muy rico.",
        "Это было очень вкусно, спасибо большое.",
        "今日はとても楽しかったです。また来ます。",
    ],
    "truncated": ["I was just about to order the"],
    "too short": ["Nice", "so good", "👍👍👍 🎉 🎉", "?! ... !!"],
    "profanity": ["that was a damn good soup"],
}

LEFT_ALONE = [
    "I'm sorry, that must have been awful for you.",
    "I'm so sorry, but I can't stop laughing at this.",
    "Sorry but I can't eat here again after what I saw.",
    "I can't help but smile when she sings.",
    "Sure, the food was good, but the wait was not.",
    "Okay here's the thing: nobody asked for this.",
    "Here is the problem: they close at five.",
    "Of course they lost my luggage again.",
    "I love reviews like yours, keep them coming.",
    "This comment made my day, thank you!",
    "What a feeling of joy that was!",
    "He is a very negative person and I feel for him.",
    "I was number 1 in line and they still forgot me.",
    "We ordered 2. They brought 1.",
    "no no no no no please stop",
    "hahahahaha that is so good",
    "Mmmmm sooooo goooood, shhhh don't tell",
    "The HTTP endpoint of the TSMC dashboard is down again.",
    "C'est la vie, as they say.",
    "What can I say, que sera sera",
    "omg lol wtf did i just read",
    "I ate at 10:30 and it was still warm :)",
    "Great comment :( makes me sad though",
    "my dog is the best what are you on about",
    "That's the one I was looking for",
    "She said \"never again\" and meant it",
    "5 stars from me, 1 from my wife",
    "[NAME] is the best teacher that we ever had",
    "Person A told us that the show was sold out.",
    "I think so, and <3 to you all",
    "As an AI researcher I loved this keyboard.",
    "I can't write with this pen.",
    "The box is torn. Let me know if there are any changes to my order.",
    "Thanks for the help. Let me know if you need my order number.",
    "Feel free to ask for another size, they are kind.",
    "Here is the thing: nobody asked for this.",
    "He wrote [sic] that it was ok, and [NAME] agreed.",
    "The assistant manager was rude.",
    "Assistant Manager was rude to us.",
    "1) The battery died and 2) nobody answers.",
    "The author of this book knows her subject.",
    "What a joy it was to see her again.",
]  # fmt: skip

STRIPPED = {
    'Sure! Here is a review:\n\n"The soup was cold."': "The soup was cold.",
    "Certainly! Here's a short text for you: The soup was cold.": "The soup was cold.",
    "Assistant: The soup was cold.": "The soup was cold.",
    "Comment: The soup was cold.": "The soup was cold.",
    "““The soup was cold.””": "The soup was cold.",
    'The soup was cold."': "The soup was cold.",
    "“The soup was cold.": "The soup was cold.",
    "It is 6' 2\"": "It is 6' 2\"",
    'He said "never. And left.': 'He said "never. And left.',
    "```\nThe soup was cold.\n```": "The soup was cold.",
    "The **soup** was *really* cold.": "The soup was really cold.",
    "<think>Short and sour.</think>The soup was cold.": "The soup was cold.",
    "<b>The soup</b> was cold &amp; salty.<br>": "The soup was cold & salty.",
    "The soup was cold.<|endoftext|>": "The soup was cold.",
    "The soup was cold.\n\nLet me know if you need another review!": "The soup was cold.",
    "# Cold Soup\n\nThe soup was cold when it came.": "The soup was cold when it came.",
    "  The soup\t was   cold.\n\n\n\nNever again. ": "The soup was cold.\nNever again.",
    "The soup\x00 was\x1b cold.\ud800": "The soup was cold.",
    '{"text": "The soup was cold.", "label": "refund"}': "The soup was cold.",
    '```json\n{"comment": "The soup was cold."}\n```': "The soup was cold.",
    'Absolutely — here is one: "The soup was cold."': "The soup was cold.",
    "Sure thing, here you go: The soup was cold.": "The soup was cold.",
    "assistant\nThe soup was cold.": "The soup was cold.",
    "assistant The soup was cold.": "The soup was cold.",
    "user\nWrite a review\nassistant\nThe soup was cold.": "The soup was cold.",
    "Human: write one\nAssistant: The soup was cold.": "The soup was cold.",
    "The soup was cold.\nUser: another one\nAssistant: The bread was stale.": "The soup was cold.",
    "<start_of_turn>model\nThe soup was cold.<end_of_turn>": "The soup was cold.",
    "The soup was cold.<|im_end|>\n<|im_start|>user\nAnother one": "The soup was cold.",
    "<<SYS>>Be brief.<</SYS>>The soup was cold.": "The soup was cold.",
    "Topic: soup\nText: The soup was cold.": "The soup was cold.",
    '[{"text": "The soup was cold."}]': "The soup was cold.",
    "{'text': 'The soup was cold.'}": "The soup was cold.",
    '{"label": "very bad", "guest_note": "The soup was cold."}': "The soup was cold.",
    "Here's one: The soup was cold.": "The soup was cold.",
    "Sure, how about this: The soup was cold.": "The soup was cold.",
    "Sure: The soup was cold.": "The soup was cold.",
    "Final answer: The soup was cold.": "The soup was cold.",
    "The soup was cold. Let me know if you want it shorter!": "The soup was cold.",
    "The soup was cold. Feel free to adjust it.": "The soup was cold.",
    "The soup was cold. (Note: this is a fictional review.)": "The soup was cold.",
    "The soup was cold. [End of review]": "The soup was cold.",
    "[INST] refund [/INST] The soup was cold.": "The soup was cold.",
    "The soup was cold. Let me know if you'd like more examples!": "The soup was cold.",
}

# Faults that generated essays were seen to have: a title in doubled quotes, a request for a writing style, a
# topic that is announced, an end in the middle of a sentence.
ESSAYS = {
    "““A Garden in June”” The roses were out and nobody spoke. We stayed until dark.": (
        "The roses were out and nobody spoke. We stayed until dark."
    ),
    '""A Garden in June"" The roses were out and nobody spoke. We stayed until dark.': (
        "The roses were out and nobody spoke. We stayed until dark."
    ),
    "The roses were out. However, please provide the writing style and topic below.\n"
    "**Topic:** Gardens\n**Writing Style:** Calm": "The roses were out.",
    "The random topic is: gardens in June.\n\nThe roses were out and nobody spoke.": (
        "The roses were out and nobody spoke."
    ),
    'The random topic is "Gardens in June." The roses were out and nobody spoke.': (
        "The roses were out and nobody spoke."
    ),
    LONG + " And then, all of a sudden, the old gate began to": LONG,
    LONG + " And then, all of a sudden, the old gate op": LONG,
}


PROMPT = (
    "Write one short review about soup.\nIt expresses:\n- joy: The writer is happy and enjoys the moment."
)


def test_every_rule_has_an_example():
    assert set(REJECTED) == {rule.name for rule in RULES} | {"truncated"}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in REJECTED.items() for text in texts]
)
def test_a_fault_is_rejected_by_its_rule(name, text):
    config = CleaningConfig(profanity_filter=name == "profanity")
    assert clean_text(row(text, prompt=PROMPT), config)[1] == name


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_people_write_is_left_alone(text):
    draft, reason = clean_text(row(text), CleaningConfig())
    assert (draft.text, reason) == (text, None)


@pytest.mark.parametrize(("text", "rest"), STRIPPED.items())
def test_what_can_be_stripped_is_stripped(text, rest):
    assert strip(text) == rest
    assert strip(rest) == rest


@pytest.mark.parametrize(("text", "rest"), ESSAYS.items())
def test_faults_of_generated_essays_come_out_right(text, rest):
    draft, reason = clean_text(row(text), CleaningConfig())
    assert (draft.text, reason) == (rest, None)


def test_a_repeated_prompt_is_taken_off():
    prompt = "Label: joy\nA comment about soup:"
    assert strip(f"{prompt} The soup was warm.", prompt) == "The soup was warm."
    assert strip("A comment about soup: The soup was warm.", prompt) == "The soup was warm."


def test_the_own_label_is_an_echo_and_another_is_not():
    text = "The emotion is grief when you lose a dog"
    assert clean_text(row(text, labels=["grief"]), CleaningConfig())[1] == "instruction echo"
    assert clean_text(row(text, labels=["joy"]), CleaningConfig())[1] is None


def test_the_wanted_language_is_a_choice():
    german = "Das Essen war leider kalt und viel zu teuer."
    english = "The food was cold and far too expensive, sadly."
    assert clean_text(row(german), CleaningConfig(language="de"))[1] is None
    assert clean_text(row(english), CleaningConfig(language="de"))[1] == "foreign language"
    assert clean_text(row(german), CleaningConfig(language=None))[1] is None


def test_abbreviations_and_initials_end_no_sentence():
    assert last_full_sentence("It rained. Then Dr. Who came with Mr. B. and") == "It rained."
    assert last_full_sentence('"Stop!" she said and') == '"Stop!"'
    assert last_full_sentence("no end in sight") == ""


def test_a_known_cut_at_a_full_stop_is_an_end():
    assert [
        ends_cut("It rained.", True),
        ends_cut("It rained all da", True),
        ends_cut("It rained all da"),
    ] == [
        False,
        True,
        False,
    ]
