"""The way of a row through cleaning."""

import pytest
from factories import make_row

from tasks.config import CleaningConfig
from tasks.data.records import Row
from tasks.pipeline.cleaning import clean_rows
from tasks.pipeline.cleaning.contamination import runs_of, shares_run

CONFIG = CleaningConfig()


def row(text: str, name: str = "r", **changes: object) -> Row:
    return make_row(text, id=name, **changes)


def kept(*rows: Row, config: CleaningConfig = CONFIG, seen: tuple[Row, ...] = ()) -> list[str]:
    return [r["text"] for r in clean_rows(rows, config, seen).kept]


def reasons(
    *rows: Row, config: CleaningConfig = CONFIG, seen: tuple[Row, ...] = ()
) -> list[tuple[str, str, str]]:
    return [(r["stage"], r["reason"], r["row"]["text"]) for r in clean_rows(rows, config, seen).rejects]


def test_a_good_text_comes_back_as_it_was():
    assert kept(row("The soup was cold but the bread made up for it")) == [
        "The soup was cold but the bread made up for it"
    ]


def test_wrappers_are_taken_off_and_the_input_row_stays_as_it_was():
    given = row('Sure! Here is a review for you:\n\n"The soup was wonderful and warm."')
    assert kept(given) == ["The soup was wonderful and warm."]
    assert given["text"] == 'Sure! Here is a review for you:\n\n"The soup was wonderful and warm."'
    assert given["group"] == ""


def test_rejects_carry_the_text_as_it_came():
    text = "Assistant: I'm sorry, but I cannot help with that request."
    assert reasons(row(text)) == [("cleaning", "refusal", text)]


def test_a_cut_text_is_trimmed_to_its_last_full_sentence():
    cut = row("The soup was wonderful. The bread came late and then the wai", votes={"cut": 1.0})
    assert kept(cut) == ["The soup was wonderful."]


def test_a_cut_text_without_a_full_sentence_is_rejected():
    cut = row("the bread came late and then the wai", votes={"cut": 1.0})
    assert reasons(cut) == [("cleaning", "truncated", "the bread came late and then the wai")]


def test_a_text_that_ended_by_itself_needs_no_final_stop():
    assert kept(row("honestly the best lunch in weeks lol")) == ["honestly the best lunch in weeks lol"]


def test_equal_texts_apart_from_case_and_signs_are_exact_duplicates():
    rows = row("What a lovely surprise!", "a"), row("what a lovely  surprise", "b")
    assert reasons(*rows) == [("cleaning", "exact duplicate", "what a lovely  surprise")]


def test_near_duplicates_of_accepted_rows_are_rejected():
    accepted = clean_rows(
        [row("The waiter forgot our order twice and then brought the wrong bill")], CONFIG
    ).kept
    again = row("The waiter forgot our order twice and then brought a wrong bill", "b")
    assert reasons(again, seen=tuple(accepted)) == [("cleaning", "near duplicate", again["text"])]


def test_related_rows_stay_and_share_the_group_of_the_first():
    first = clean_rows([row("The waiter forgot our order and then he brought the wrong bill")], CONFIG).kept
    related = row("The waiter forgot our order and then brought us the bill", "b")
    other = row("My train was late for the third time this week", "c")
    new = clean_rows([related, other], CONFIG, first).kept
    assert [r["group"] == first[0]["group"] for r in new] == [True, False]


def test_more_than_eight_words_of_the_prompt_are_a_copy():
    prompt = "Examples:\nI waited for an hour and nobody ever came to our table\nWrite one more."
    copy = row("Well, I waited for an hour and nobody ever came near", prompt=prompt)
    assert reasons(copy) == [("cleaning", "copied from exemplar", copy["text"])]
    eight = row("Well, an hour and nobody ever came to our door", prompt=prompt)
    assert kept(eight) == ["Well, an hour and nobody ever came to our door"]


def test_eight_words_of_a_held_out_text_are_a_copy():
    known = runs_of(["I waited for an hour and nobody came to our table"])

    assert shares_run("so I waited for an hour and nobody came, typical", known)
    assert not shares_run("I waited for an hour and nobody cared", known)


def test_profanity_is_marked_and_rejected_only_on_demand():
    rude = row("This damn printer never works on Mondays")
    assert [r["votes"] for r in clean_rows([rude], CONFIG).kept] == [{"profanity": 1.0}]
    strict = CleaningConfig(profanity_filter=True)
    assert reasons(rude, config=strict) == [("cleaning", "profanity", rude["text"])]


def test_cleaning_twice_is_cleaning_once():
    rows = [
        row('Sure! Here is a review for you:\n\n"The soup was wonderful and warm."', "a"),
        row("**Title:** A day out\n\nWe went to the lake and it rained all the way home.", "b"),
        row("The tram was full. The next one did not", "c", votes={"cut": 1.0}),
    ]
    once = clean_rows(rows, CONFIG).kept
    assert clean_rows(once, CONFIG).kept == once
    assert [r["text"] for r in once] == [
        "The soup was wonderful and warm.",
        "We went to the lake and it rained all the way home.",
        "The tram was full.",
    ]


def test_no_rows_give_no_rows():
    filtered = clean_rows([], CONFIG)
    assert (filtered.kept, filtered.rejects) == ([], [])


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_empty_texts_are_counted(text):
    assert clean_rows([row(text)], CONFIG).counts() == {"cleaning: nothing left": 1}


def test_texts_that_say_the_same_in_other_words_are_dropped_on_request():
    texts = ["The film was boring.", "The movie was boring.", "My dog eats grass every morning."]
    rows = [row(text, str(i)) for i, text in enumerate(texts)]
    config = CleaningConfig(semantic_similarity=0.9)
    filtered = clean_rows(rows, config)

    assert [r["text"] for r in clean_rows(rows, CONFIG).kept] == texts
    assert [r["text"] for r in filtered.kept] == [texts[0], texts[2]]
    assert filtered.counts() == {"cleaning: semantic duplicate": 1}
    assert kept(rows[1], rows[2], config=config, seen=(rows[0],)) == [texts[2]]


def test_offensive_texts_are_marked_and_dropped_on_request_only():
    rows = [row("You are a stupid worthless idiot."), row("The soup was lovely and warm.")]
    marked = clean_rows(rows, CONFIG).kept
    config = CleaningConfig(toxicity_filter=True)

    assert ["toxicity" in r["votes"] for r in marked] == [True, False]
    assert kept(*rows, config=config) == ["The soup was lovely and warm."]
    assert reasons(*rows, config=config) == [("cleaning", "toxicity", "You are a stupid worthless idiot.")]


def test_texts_that_something_is_measured_on_and_known_texts_do_not_come_again():
    said = "the harbour was full of boats that nobody had sailed"
    rows = [
        row(f"I saw that {said} all year."),
        row("The soup was lovely today!"),
        row("We liked the bread."),
    ]
    filtered = clean_rows(rows, CONFIG, known=["the soup was lovely today"], held_out=[said.upper()])

    assert [r["text"] for r in filtered.kept] == ["We liked the bread."]
    assert filtered.counts() == {
        "cleaning: copied from test": 1,
        "cleaning: exact duplicate of known text": 1,
    }
