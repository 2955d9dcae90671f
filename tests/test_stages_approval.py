"""What a person is shown, and what becomes of the answer."""

from time import sleep

from prefect import flow
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run

from tasks.stages.approval import page, resolve_id_prefixes, resume_run, review_rows

A = {"id": "aaaaaaaa11", "labels": ["joy"], "text": "Lovely | soup."}
B = {"id": "aaaaaaaa22", "labels": ["joy", "anger"], "text": "Good,\nthen bad."}
C = {"id": "cccccccc33", "labels": ["anger"], "text": "Never again."}


def test_every_label_shows_its_rows_and_a_row_of_two_stands_once():
    assert review_rows([A, B, C], ["joy", "anger"], 2) == [A, B, C]
    assert review_rows([A, B, C], ["joy", "anger"], 1) == [A, B]


def test_texts_cannot_break_the_table():
    assert page([A, B]).splitlines() == [
        "| id | labels | text |",
        "|---|---|---|",
        "| `aaaaaaaa` | joy | Lovely \\| soup. |",
        "| `aaaaaaaa` | joy, anger | Good, then bad. |",
    ]


def test_what_a_person_types_is_the_beginning_of_an_id():
    assert resolve_id_prefixes(["`cccccccc` ", "aaaaaaaa1"], [A, B, C]) == (("cccccccc33", "aaaaaaaa11"), ())


def test_what_no_row_begins_with_is_told():
    assert resolve_id_prefixes(["ffff", ""], [A]) == ((), ("ffff", ""))


def test_a_run_that_nobody_answered_ends_well_though_its_pause_is_over(prefect_api):
    @flow
    def asking() -> str:
        try:
            pause_flow_run(timeout=1, poll_interval=1)
        except FlowPauseTimeout:
            resume_run()
        sleep(1)  # past the end of the pause by the server's clock, too
        return "candidate"

    state = asking(return_state=True)

    assert (state.name, state.result()) == ("Completed", "candidate")
