"""What a person is shown, and what becomes of the answer."""

from tasks.approval import page, rows_to_read, whole_ids

A = {"id": "aaaaaaaa11", "labels": ["joy"], "text": "Lovely | soup."}
B = {"id": "aaaaaaaa22", "labels": ["joy", "anger"], "text": "Good,\nthen bad."}
C = {"id": "cccccccc33", "labels": ["anger"], "text": "Never again."}


def test_every_label_shows_its_rows_and_a_row_of_two_stands_once():
    assert rows_to_read([A, B, C], ["joy", "anger"], 2) == [A, B, C]
    assert rows_to_read([A, B, C], ["joy", "anger"], 1) == [A, B]


def test_texts_cannot_break_the_table():
    assert page([A, B]).splitlines() == [
        "| id | labels | text |",
        "|---|---|---|",
        "| `aaaaaaaa` | joy | Lovely \\| soup. |",
        "| `aaaaaaaa` | joy, anger | Good, then bad. |",
    ]


def test_what_a_person_types_is_the_beginning_of_an_id():
    assert whole_ids(["`cccccccc` ", "aaaaaaaa1"], [A, B, C]) == (("cccccccc33", "aaaaaaaa11"), ())


def test_what_no_row_begins_with_is_told():
    assert whole_ids(["ffff", ""], [A]) == ((), ("ffff", ""))
