"""`sentimill data` says what a file holds, or why it cannot be read."""

import pytest
from reading import write

from tasks.cli.main import dispatch
from tasks.taxonomy import load_taxonomy

CSV = "review;kind\nWhere is my parcel?;shipping\nMoney back, please.;refund\nIt is late.;shipping\n"


def test_a_message_names_no_option_that_the_command_lacks(tmp_path, capsys):
    for name in ("train.csv", "train_set.csv.gz", "train.jsonl"):
        write(tmp_path / name, CSV)
    with pytest.raises(SystemExit):
        dispatch(["data", str(tmp_path)])
    assert capsys.readouterr().err.endswith(
        "expected one for the split train. Give the file itself, or move the others away.\n"
    )


def test_a_path_with_nothing_there_is_not_called_an_option(tmp_path, capsys):
    with pytest.raises(SystemExit):
        dispatch(["data", str(tmp_path / "none.csv")])
    assert capsys.readouterr().err.endswith("on the Hugging Face Hub. Check the path.\n")


def test_what_a_file_holds_is_printed(tmp_path, capsys):
    dispatch(["data", str(write(tmp_path / "a.csv", CSV)), "--labels", "kind"])
    lines = capsys.readouterr().out.splitlines()

    assert lines[:2] == [
        "rows        3 (cross-validated 3)",
        "columns     text from 'review', labels from 'kind'",
    ]
    assert "                    2  shipping" in lines
    assert "note        a.csv: fields are divided by a semicolon" in lines
    assert lines[-3:] == [
        "row         'Where is my parcel?': shipping",
        "row         'Money back, please.': refund",
        "row         'It is late.': shipping",
    ]


def test_a_taxonomy_is_proposed_and_then_everything_maps(tmp_path, capsys):
    path, own = write(tmp_path / "a.csv", CSV.replace("kind", "label")), tmp_path / "own.yaml"
    dispatch(["data", str(path), "--propose-taxonomy", str(own)])
    assert load_taxonomy(own).names == ("shipping", "refund")
    dispatch(["data", str(path), "--taxonomy", str(own)])
    told = capsys.readouterr().out

    assert f"written     {own}" in told
    assert "taxonomy    a: 0 labels of 0 rows do not map, 0 rows would be left out" in told


def test_a_proposed_taxonomy_is_never_replaced(tmp_path, capsys):
    path, own = write(tmp_path / "a.csv", CSV), write(tmp_path / "own.yaml", "name: mine\n")
    with pytest.raises(SystemExit) as caught:
        dispatch(["data", str(path), "--labels", "kind", "--propose-taxonomy", str(own)])

    assert caught.value.code == 2
    assert capsys.readouterr() == (
        "",
        f"sentimill: {own} is there already; expected a new file, since meanings may be filled in. Give "
        "another name as --propose-taxonomy.\n",
    )
    assert own.read_text() == "name: mine\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--text", "body"],
            "a.csv has columns review, kind; expected 'body', as --text says. Name one of them.",
        ),
        (
            [],
            "a.csv has columns kind beside the text; expected one with the labels, called labels, label, "
            "categories, category or so, or a column of 0 and 1 per label. Name it: --labels COLUMN.",
        ),
    ],
)
def test_the_reason_is_said_where_a_file_cannot_be_read(tmp_path, capsys, options, said):
    path = write(
        tmp_path / "a.csv", "review;kind\nWhere is it?;one of its own\nIt is late.;another of its own\n"
    )
    with pytest.raises(SystemExit) as caught:
        dispatch(["data", str(path), *options])

    assert caught.value.code == 2
    assert capsys.readouterr().err == f"sentimill: {said}\n"
