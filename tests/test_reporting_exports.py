"""Plain exports: exact bytes, and nothing lost in quoting."""

import csv
import json

from factories import make_row

from tasks.data.records import Row
from tasks.pipeline.reporting.exports import export_rows


def row(text: str, *labels: str) -> Row:
    return make_row(
        text,
        labels,
        id="1",
        topic="books",
        scenario="A novel.",
        prompt_id="p",
        prompt="Write.",
        scrubbed={"PERSON": 1},
        group="g1",
    )


ROWS = [
    row('She said "fine", twice.', "very positive"),
    row("First line\r\nsecond — ünïcode 🙂", "very positive", "positive"),
    row("plain", "positive"),
]


def test_files_are_the_two_tables_and_one_per_label(tmp_path):
    paths = export_rows(ROWS, tmp_path / "dataset")
    assert [path.name for path in paths] == [
        "dataset.jsonl",
        "dataset.csv",
        "positive_data.txt",
        "very_positive_data.txt",
    ]
    assert sorted(path.name for path in (tmp_path / "dataset").iterdir()) == sorted(p.name for p in paths)


def test_jsonl_holds_the_full_row(tmp_path):
    export_rows(ROWS, tmp_path)
    lines = (tmp_path / "dataset.jsonl").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == ROWS
    assert lines[-1] == ""
    assert "ünïcode 🙂" in lines[1]


def test_csv_is_text_and_labels_joined_by_bars(tmp_path):
    export_rows(ROWS, tmp_path)
    assert (tmp_path / "dataset.csv").read_bytes().decode() == (
        "text,label\n"
        '"She said ""fine"", twice.",very positive\n'
        '"First line\r\nsecond — ünïcode 🙂",very positive|positive\n'
        "plain,positive\n"
    )
    with (tmp_path / "dataset.csv").open(encoding="utf-8", newline="") as file:
        assert [entry["text"] for entry in csv.DictReader(file)] == [r["text"] for r in ROWS]


def test_label_files_have_one_text_per_line(tmp_path):
    export_rows(ROWS, tmp_path)
    assert (tmp_path / "very_positive_data.txt").read_bytes().decode() == (
        'She said "fine", twice.\nFirst line second — ünïcode 🙂\n'
    )
    assert (tmp_path / "positive_data.txt").read_bytes().decode() == (
        "First line second — ünïcode 🙂\nplain\n"
    )


def test_every_break_that_a_reader_may_split_at_is_folded(tmp_path):
    export_rows([row("a\nb\u2028c\x85d\ve", "x")], tmp_path)
    assert (tmp_path / "x_data.txt").read_text(encoding="utf-8").splitlines() == ["a b c d e"]


def test_labels_that_nobody_has_get_an_empty_file_when_named(tmp_path):
    export_rows(ROWS, tmp_path, ["very positive", "positive", "neutral"])
    assert (tmp_path / "neutral_data.txt").read_bytes() == b""


def test_a_label_cannot_lead_out_of_the_folder(tmp_path):
    export_rows([row("t", "../and/or")], tmp_path / "inside")
    assert (tmp_path / "inside" / ".._and_or_data.txt").read_text() == "t\n"
