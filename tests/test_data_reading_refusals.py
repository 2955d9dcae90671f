"""Data that cannot be read is refused in one message: the file, the row, what was found, what to type."""

import gzip
import json
import logging
import zipfile

import pandas as pd
import pytest
from reading import read, write

from tasks.config.real import RealConfig, TextsConfig
from tasks.data.reading import read_dataset
from tasks.data.reading.unlabelled import read_texts


def refusal(path, **options):
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        read_dataset(RealConfig(path=str(path), **options))
    return str(caught.value)


def test_a_header_without_a_text_column(tmp_path):
    path = write(tmp_path / "a.csv", "id,label\n1,joy\n2,fear\n")
    assert refusal(path) == (
        "a.csv has columns id, label; expected one with the text, called text, sentence, review, review "
        "text, reviewtext, comment or so. Name it: --real.text COLUMN."
    )


def test_a_file_without_labels(tmp_path):
    path = write(tmp_path / "a.csv", "text,place\nOne is fine.,Rome\nTwo is fine.,Oslo\n")
    assert refusal(path) == (
        "a.csv has columns place beside the text; expected one with the labels, called labels, label, "
        "categories, category or so, or a column of 0 and 1 per label. Name it: --real.labels COLUMN."
    )


def test_a_column_that_is_not_there(tmp_path):
    path = write(tmp_path / "a.csv", "body,kind\nOne.,joy\nTwo.,fear\n")
    assert refusal(path, text="bodi") == (
        "a.csv has columns body, kind; expected 'bodi', as --real.text says. Did you mean body? Name one of "
        "them."
    )


def test_labels_that_are_numbers_but_no_scores(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nOne.,0.5\nTwo.,12.7\n")
    assert refusal(path) == (
        "a.csv row 2: column 'label' holds 12.7; expected names, ids, stars from 1 to 5, or scores from 0 to "
        "1. Name the column of the labels: --real.labels COLUMN."
    )


def test_an_id_without_a_name(tmp_path):
    write(tmp_path / "labels.txt", "joy\nfear\n")
    path = write(tmp_path / "a.csv", "text,label\nOne.,0\nTwo.,2\n")
    assert refusal(path) == (
        "a.csv row 2: column 'label' holds the label id 2; expected ids from 0 to 1, which have names (joy, "
        "fear ...). Fix the row, or the file of names."
    )


def test_a_label_column_of_0_and_1_that_holds_something_else(tmp_path):
    path = write(tmp_path / "a.csv", "text,joy,fear\nOne.,1,0\nTwo.,0,7\n")
    assert refusal(path, labels=("joy", "fear")) == (
        "a.csv row 2: column 'fear' holds '7'; expected 0 or 1, or a number between, in each of several "
        "label columns. Leave the column out of --real.labels, or fix the cell."
    )


def test_two_encodings_in_one_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nZoë,joy\n".encode() + "José,fear\n".encode("latin-1"))
    assert refusal(path) == (
        "a.csv line 3 is 'Jos�,fear', which is not UTF-8, but line 2 is; expected one encoding in the whole "
        "file. Save the file as UTF-8."
    )


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 40)
    assert refusal(path) == (
        "a.csv holds zero bytes and is no text; expected CSV, TSV, JSON lines, JSON, Parquet or XLSX with "
        "the ending that its format has. Check the file."
    )


def test_a_row_of_another_width(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nOne.,joy\nSoup, bread and wine,joy\n")
    assert refusal(path) == (
        "a.csv row 3 has 3 fields; expected 2 as in the first (text, label), divided by a comma. Put a text "
        "that holds the delimiter into double quotes."
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [('"Never closed,joy', "unexpected end of data"), ('"Half" closed,joy', "',' expected after '\"'")],
)
def test_a_quote_that_is_not_closed(tmp_path, line, why):
    path = write(tmp_path / "a.csv", f"text,label\nOne.,joy\n{line}\n")
    assert refusal(path) == (
        f"a.csv row 3 is broken: {why}; expected double quotes around a whole field, doubled inside it "
        '(""), and '
        "at most 1,000,000 characters. Fix the row."
    )


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_cell_of_more_than_a_million_characters(tmp_path, ending):
    text = "words " * 200_000
    path = tmp_path / f"a.{ending}"
    if ending == "csv":
        path.write_text(f"text,label\nOne.,joy\n{text},joy\n")
    elif ending == "jsonl":
        path.write_text(
            json.dumps({"text": "One.", "label": "joy"}) + "\n" + json.dumps({"text": text, "label": "joy"})
        )
    else:
        pd.DataFrame({"text": ["One.", text], "label": ["joy", "joy"]}).to_parquet(path)
    said = refusal(path)
    assert said.startswith(
        "a.csv row 3 is broken: field larger"
        if ending == "csv"
        else f"a.{ending} row 2 has a text of 1,200,000 characters"
    )
    assert "at most 1,000,000" in said


def test_an_unlabelled_text_of_more_than_a_million_characters(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "One."}\n' + json.dumps({"text": "words " * 200_000}) + "\n")
    with pytest.raises(ValueError, match=r"^a\.jsonl row 2 has a text of 1,199,999 characters; expected at"):
        read_texts(TextsConfig(path=str(path)))


def test_a_formula_that_was_never_computed(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for row in (["text", "label"], ["One.", "joy"], ['=CONCATENATE("Tw", "o.")', "fear"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert refusal(tmp_path / "a.xlsx") == (
        "a.xlsx, sheet Sheet, cell A3 holds the formula "
        '\'=CONCATENATE("Tw", "o.")\' and no value; expected values. '
        "Open the file in a spreadsheet program and save it, or save the sheet as CSV."
    )


def test_a_sheet_that_is_not_there(tmp_path):
    pd.DataFrame({"text": ["One."], "label": ["joy"]}).to_excel(tmp_path / "a.xlsx", index=False)
    assert refusal(tmp_path / "a.xlsx", sheet="Rows") == (
        "a.xlsx has no sheet 'Rows'; expected one of Sheet1. Give --real.sheet."
    )


def test_a_compressed_file_that_unpacks_to_a_disk_full(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + bytes(80 << 20)))
    size = path.stat().st_size
    assert refusal(path) == (
        f"a.csv.gz ({size:,} bytes) unpacks to more than 67,108,864 bytes; expected text, which unpacks to "
        "some ten times its size. Unpack it yourself if you trust it, and give the file inside."
    )


def test_a_spreadsheet_that_unpacks_to_a_disk_full(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(80 << 20))
    assert "unpacks to more than 67,108,864 bytes" in refusal(tmp_path / "a.xlsx")


def test_what_is_no_spreadsheet_and_no_parquet_and_no_gzip(tmp_path):
    write(tmp_path / "a.xlsx", "text,label\nOne.,joy\n")
    write(tmp_path / "a.parquet", "text,label\nOne.,joy\n")
    write(tmp_path / "a.csv.gz", "text,label\nOne.,joy\n")
    assert refusal(tmp_path / "a.xlsx") == (
        "a.xlsx is no spreadsheet; expected XLSX. Save it from the spreadsheet program again."
    )
    assert refusal(tmp_path / "a.parquet").startswith("a.parquet cannot be read (")
    assert refusal(tmp_path / "a.csv.gz") == (
        "a.csv.gz cannot be unpacked (Not a gzipped file (b'te')); expected a whole .gz file. Fetch or pack "
        "it again."
    )


def test_a_zip_file_of_several_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("train.csv", "text,label\n")
        archive.writestr("test.csv", "text,label\n")
    assert refusal(tmp_path / "a.zip") == (
        "a.zip holds 2 files (train.csv, test.csv); expected one. Unpack it, and give the file or the folder."
    )


def test_two_candidates_for_a_split(tmp_path):
    write(tmp_path / "train.csv", "text,label\nOne.,joy\n")
    write(tmp_path / "train.jsonl", '{"text": "One.", "label": "joy"}\n')
    assert refusal(tmp_path) == (
        f"{tmp_path} holds 2 candidates for the split train: train.csv, train.jsonl; expected one for the "
        "split train. Give the file itself as --real, or move the others away."
    )


def test_several_files_of_which_none_names_a_split(tmp_path):
    write(tmp_path / "march.csv", "text,label\nOne.,joy\n")
    write(tmp_path / "reviews.csv", "text,label\nOne.,joy\n")
    assert refusal(tmp_path) == (
        f"{tmp_path} holds 2 candidates: march.csv, reviews.csv; expected one, or names that say train and "
        "test. Give the file itself as --real, or move the others away."
    )


def test_a_folder_without_data(tmp_path):
    write(tmp_path / "README.md", "Nothing.")
    assert refusal(tmp_path).startswith(
        f"{tmp_path} holds no data; expected files such as train.csv and test.csv"
    )


def test_a_path_with_nothing_there(tmp_path):
    assert refusal(tmp_path / "a.csv") == (
        f"real data {str(tmp_path / 'a.csv')!r} is not there (looked for {tmp_path / 'a.csv'}); expected a "
        "file, a folder, or the name of a data set on the Hugging Face Hub. Check the path given as --real."
    )


def test_a_hub_name_without_network(monkeypatch):
    import datasets
    import huggingface_hub

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    said = refusal("nobody/nothing-at-all")
    assert said.startswith(
        "real data 'nobody/nothing-at-all' is no file or folder here, and the Hugging Face Hub gave no data "
        "set of that name ("
    )
    assert said.endswith("Check the path, or the network.")


def test_a_hub_that_does_not_answer_is_one_message(monkeypatch, caplog):
    import datasets

    def unreachable(*_):
        logging.getLogger("huggingface_hub.utils._http").warning("Retrying in 8s [Retry 5/5].")
        raise ConnectionError("Couldn't reach the Hub")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    before = logging.getLogger("huggingface_hub").level
    assert "(Couldn't reach the Hub)" in refusal("nobody/nothing-at-all")
    assert (caplog.messages, logging.getLogger("huggingface_hub").level) == ([], before)


def test_a_split_that_is_not_there(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nOne.,joy\nTwo.,fear\n")
    assert refusal(path, split="gold") == (
        "a.csv has neither a column nor a split called 'gold' (its splits: none); expected one. Leave "
        "--real.split out, or name a column that says train or test."
    )


def test_a_split_column_with_a_strange_word(tmp_path):
    path = write(tmp_path / "a.csv", "text,label,split\nOne.,joy,train\nTwo.,fear,later\n")
    assert refusal(path) == (
        "a.csv row 2: column 'split' holds 'later'; expected train, validation or test. Fix the row, or name "
        "another column: --real.split COLUMN."
    )


def test_a_file_of_a_folder_that_lacks_a_column(tmp_path):
    write(tmp_path / "train.csv", "text,label\nOne.,joy\n")
    write(tmp_path / "test.csv", "text,place\nTwo.,Rome\n")
    assert refusal(tmp_path) == (
        "test.csv has columns text, place; expected 'label', as the other files have. Give all files the "
        "same columns."
    )


def test_texts_and_labels_of_different_numbers(tmp_path):
    write(tmp_path / "train_text.txt", "One\nTwo\n")
    write(tmp_path / "train_labels.txt", "0\n")
    assert refusal(tmp_path) == (
        "train_text.txt has 2 lines and train_labels.txt 1; expected as many labels as texts. Fetch both "
        "files again."
    )


def test_a_line_that_is_no_json(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "One.", "label": "joy"}\n{"text": oops}\n')
    assert refusal(path) == (
        "a.jsonl line 2 is not JSON: Expecting value; expected one object per line. Fix or remove the line."
    )
    path = write(tmp_path / "a.json", '[{"text": "One.", "label": "joy"},\n oops]\n')
    assert (
        refusal(path)
        == "a.json line 2 is not JSON: Expecting value; expected a list of records. Fix that line."
    )


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", ""), ("a.jsonl", ""), ("a.json", "[]"), ("a.txt", "")]
)
def test_an_empty_file(tmp_path, name, content):
    said = refusal(write(tmp_path / name, content))
    assert said.startswith("a.")
    assert "; expected " in said


def test_texts_that_are_all_empty(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\n,joy\n  ,fear\n")
    assert refusal(path, text="text") == "a.csv holds no labelled text; expected some. Check the file."


def test_an_ending_that_is_not_known(tmp_path):
    assert refusal(write(tmp_path / "a.docx", "x")).startswith(
        "a.docx ends in .docx; expected one of .csv, .tsv,"
    )


def test_labels_of_parts_of_texts(tmp_path):
    path = write(tmp_path / "a.jsonl", json.dumps({"text": "Anna left.", "label": [[0, 4, "PER"]]}) + "\n")
    assert refusal(path) == (
        "labels hold the span [0, 4, 'PER']; expected labels of whole texts. Give a data set for text "
        "classification."
    )


def test_empty_texts_are_counted(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nOne.,joy\n,joy\n   ,fear\nTwo.,fear\n")
    assert read(path) == [("One.", ("joy",)), ("Two.", ("fear",))]
    assert read_dataset(RealConfig(path=str(path))).dropped == {"empty text": 2}
