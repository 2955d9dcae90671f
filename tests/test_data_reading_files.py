"""Any file with texts and labels is read with no option where its columns have usual names."""

import bz2
import gzip
import json
import lzma
import zipfile

import pandas as pd
import pytest
from reading import notes_of, read, write

from tasks.config.real import RealConfig
from tasks.data.reading import read_dataset

ROWS = [("Where is my parcel?", "shipping"), ('She said "wow", twice.', "praise"), ("", "bug")]
PLAIN = [("Where is my parcel?", ("shipping",)), ('She said "wow", twice.', ("praise",))]
CSV = 'text,label\nWhere is my parcel?,shipping\n"She said ""wow"", twice.",praise\n,bug\n'


def frame():
    return pd.DataFrame(ROWS, columns=["text", "label"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.csv", CSV.replace("\n", "\r\n")),
        ("a.csv", CSV.replace("\n", "\r")),
        ("a.csv", "\ufeff" + CSV),
        ("a.csv", CSV.replace("text,label", "Review_Text , Category")),
        (
            "a.csv",
            'label;id;text\nshipping;1;Where is my parcel?\npraise;2;"She said ""wow"", twice."\nbug;3;\n',
        ),
        ("a.csv", 'text|label\nWhere is my parcel?|shipping\n"She said ""wow"", twice."|praise\n|bug\n'),
        ("a.tsv", 'text\tlabel\nWhere is my parcel?\tshipping\nShe said "wow", twice.\tpraise\n\tbug\n'),
        ("a.tsv", 'text\tlabel\nWhere is my parcel?\tshipping\n"She said ""wow"", twice."\tpraise\n\tbug\n'),
        ("a.txt", 'text\tlabel\nWhere is my parcel?\tshipping\nShe said "wow", twice.\tpraise\n\tbug\n'),
        ("a.jsonl", "".join(json.dumps({"text": t, "label": c}) + "\n" for t, c in ROWS)),
        ("a.json", json.dumps([{"text": t, "label": c} for t, c in ROWS])),
        ("a.json", "".join(json.dumps({"text": t, "label": c}) + "\n" for t, c in ROWS)),
        ("a.json", json.dumps({"version": "1.1", "data": [{"text": t, "label": c} for t, c in ROWS]})),
        ("a.json", frame().to_json()),
        ("a.json", frame().to_json(orient="index")),
        ("a.json", json.dumps({"text": [t for t, _ in ROWS], "label": [c for _, c in ROWS]})),
    ],
)
def test_a_file_with_usual_names_needs_no_option(tmp_path, name, content):
    assert read(write(tmp_path / name, content)) == PLAIN


def test_parquet_and_spreadsheets_are_read(tmp_path):
    frame().to_parquet(tmp_path / "a.parquet")
    frame().to_excel(tmp_path / "a.xlsx", index=False)
    assert read(tmp_path / "a.parquet") == PLAIN
    assert read(tmp_path / "a.xlsx") == PLAIN


def test_the_sheet_of_a_spreadsheet_is_chosen(tmp_path):
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame({"about": ["nothing"]}).to_excel(book, sheet_name="Read me", index=False)
        frame().to_excel(book, sheet_name="Rows", index=False)
    assert read(tmp_path / "a.xlsx", sheet="Rows") == PLAIN
    assert "a.xlsx: sheet Rows, of Read me, Rows" in notes_of(tmp_path / "a.xlsx", sheet="Rows")


def test_compressed_files_are_unpacked(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    (tmp_path / "b.csv.bz2").write_bytes(bz2.compress(CSV.encode()))
    (tmp_path / "c.csv.xz").write_bytes(lzma.compress(CSV.encode()))
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("inside/d.csv", CSV)
    assert [read(tmp_path / name) for name in ("a.csv.gz", "b.csv.bz2", "c.csv.xz")] == [PLAIN] * 3
    assert read(tmp_path / "d.zip") == PLAIN


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8-sig", "a.csv is read as UTF-8-SIG, as its byte order mark says"),
        ("utf-16", "a.csv is read as UTF-16, as its byte order mark says"),
        ("utf-16-le", "a.csv is read as UTF-16-LE, guessed from its zero bytes"),
        ("utf-16-be", "a.csv is read as UTF-16-BE, guessed from its zero bytes"),
        ("utf-32", "a.csv is read as UTF-32, as its byte order mark says"),
        ("latin-1", "a.csv is read as cp1252, guessed: line 2 is not UTF-8"),
        ("cp1252", "a.csv is read as cp1252, guessed: line 2 is not UTF-8"),
    ],
)
def test_the_encoding_is_found_and_said(tmp_path, encoding, note):
    path = write(
        tmp_path / "a.csv", "text,label\nZoë a goûté le thé à São Paulo.,food\nFine.,none\n", encoding
    )
    assert read(path) == [("Zoë a goûté le thé à São Paulo.", ("food",)), ("Fine.", ("none",))]
    assert note in notes_of(path)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "It’s “fine” – 5 €"),
        ("cp1251", "Очень хороший сервис, спасибо"),
        ("shift_jis", "とても良いサービスでした"),
        ("gb18030", "服务非常好，谢谢大家的帮助"),
    ],
)
def test_other_encodings_are_guessed_from_what_is_written(tmp_path, encoding, text):
    path = write(tmp_path / "a.csv", f'text;label\n"{text}";x\n"{text}!";y\n', encoding)
    assert read(path) == [(text, ("x",)), (text + "!", ("y",))]


def test_a_file_in_utf8_is_read_without_a_word_about_it(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nZoë,food\nFine.,none\n")
    assert not [note for note in notes_of(path) if "read as" in note]


def test_a_byte_order_mark_is_no_part_of_the_first_column_or_label(tmp_path):
    write(tmp_path / "labels.txt", "\ufeffjoy\nfear\n")
    write(tmp_path / "a.jsonl", '\ufeff{"text": "Yes!", "label": 0}\n{"text": "No!", "label": 1}\n')
    assert read(tmp_path / "a.jsonl") == [("Yes!", ("joy",)), ("No!", ("fear",))]


def test_a_quote_at_the_beginning_of_a_text_with_tabs_stays(tmp_path):
    path = write(
        tmp_path / "a.tsv", 'text\tlabel\n"Wow" is all I say\tjoy\nHe said "no\tfear\n"Never closed\tfear\n'
    )
    assert [text for text, _ in read(path)] == ['"Wow" is all I say', 'He said "no', '"Never closed']


def test_two_texts_of_tabs_are_not_joined_by_their_quotes(tmp_path):
    path = write(tmp_path / "a.tsv", 'text\tlabel\n"One\tjoy\ntwo"\tfear\n')
    assert read(path) == [('"One', ("joy",)), ('two"', ("fear",))]


def test_a_text_may_hold_lines_and_delimiters(tmp_path):
    path = write(tmp_path / "a.csv", 'text,label\n"One,\ntwo",joy\nThree,fear\n')
    assert read(path) == [("One,\ntwo", ("joy",)), ("Three", ("fear",))]


def test_words_that_pandas_takes_for_missing_are_texts(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nNA,joy\nnull,fear\nNone,joy\n007,fear\n")
    assert [text for text, _ in read(path)] == ["NA", "null", "None", "007"]


def test_a_text_longer_than_csv_usually_allows_is_read(tmp_path):
    path = write(tmp_path / "a.csv", f"text,label\n{'word ' * 40_000},joy\nShort.,fear\n")
    assert len(read(path)[0][0]) == 200_000


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x1c"])
def test_only_line_feeds_divide_lines(tmp_path, separator):
    write(tmp_path / "train_text.txt", f"One{separator}two\nThree\n")
    write(tmp_path / "train_labels.txt", "0\n1\n")
    write(tmp_path / "mapping.txt", "0\tjoy\n1\tfear\n")
    assert read(tmp_path) == [(f"One{separator}two", ("joy",)), ("Three", ("fear",))]


def test_a_file_without_a_header_is_told_by_its_content(tmp_path):
    rows = [f'"{1 + i % 5}","Title {i}","The soup of day {i} was fine."' for i in range(10)]
    path = write(tmp_path / "a.csv", "\n".join(rows) + "\n")
    assert read(path, text="column 3", labels=("column 1",))[:2] == [
        ("The soup of day 0 was fine.", ("1 star",)),
        ("The soup of day 1 was fine.", ("2 stars",)),
    ]
    assert "a.csv has no header; its columns are called column 1, column 2, column 3" in notes_of(
        path, text="column 3", labels=("column 1",)
    )


def test_columns_of_other_names_are_guessed_by_what_they_hold(tmp_path):
    rows = [f"The soup number {i} was fine.,{'good' if i % 2 else 'bad'},k{i}" for i in range(10)]
    path = write(tmp_path / "a.csv", "what they wrote,verdict of us,ref\n" + "\n".join(rows) + "\n")
    assert read(path)[0] == ("The soup number 0 was fine.", ("bad",))
    assert notes_of(path)[1:3] == (
        "column 'what they wrote' is taken as the text: it holds the most words",
        "column 'verdict of us' is taken as the labels: it holds few different values",
    )


def test_columns_can_be_named_in_any_case(tmp_path):
    path = write(
        tmp_path / "a.csv", "Title,Body,Kind,Tag\nHi,Soup was fine.,good,x\nBye,Soup was cold.,bad,y\n"
    )
    assert read(path, text="body", labels=("KIND",)) == [
        ("Soup was fine.", ("good",)),
        ("Soup was cold.", ("bad",)),
    ]


def test_files_of_a_folder_are_its_splits(tmp_path):
    for name, text in (("train", "One."), ("valid", "Two."), ("test", "Three.")):
        write(tmp_path / f"{name}.csv", f"text,label\n{text},joy\n")
    write(tmp_path / "README.md", "About.")
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert [text.text for text in data.texts("train")] == ["One.", "Two."]
    assert [text.text for text in data.texts("test")] == ["Three."]
    assert "1 validation rows join the training rows, of which a run takes its own" in data.notes


def test_files_of_a_folder_may_call_text_and_labels_differently(tmp_path):
    write(tmp_path / "train.csv", "text,label,split,source\nOne is it.,joy,train,synthetic\n")
    write(tmp_path / "test.csv", "review,category\nTwo it is.,fear\nThree are they.,joy\n")
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert [(text.text, text.labels) for text in data.texts("train")] == [("One is it.", ("joy",))]
    assert [(text.text, text.labels) for text in data.texts("test")] == [
        ("Two it is.", ("fear",)),
        ("Three are they.", ("joy",)),
    ]
    assert "test.csv: 'review' as 'text', 'category' as 'label', which other files call so" in data.notes


def test_without_a_test_split_validation_is_measured_on(tmp_path):
    write(tmp_path / "train.csv", "text,label\nOne.,joy\n")
    write(tmp_path / "dev.csv", "text,label\nTwo.,joy\n")
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert [text.text for text in data.texts("test")] == ["Two."]


def test_parts_of_one_split_are_joined(tmp_path):
    pd.DataFrame({"text": ["One."], "label": ["a"]}).to_parquet(tmp_path / "train-00000-of-00002.parquet")
    pd.DataFrame({"text": ["Two."], "label": ["b"]}).to_parquet(tmp_path / "train-00001-of-00002.parquet")
    pd.DataFrame({"text": ["Three."], "label": ["b"]}).to_parquet(tmp_path / "test-00000-of-00001.parquet")
    assert [text for text, _ in read(tmp_path)] == ["One.", "Two.", "Three."]


def test_a_copy_of_a_data_set_of_the_hub_has_its_files_in_data(tmp_path):
    (tmp_path / "data").mkdir()
    write(tmp_path / "README.md", "A card.")
    for name, text in (("train-00000-of-00001", "One it is."), ("test-00000-of-00001", "Two it is.")):
        pd.DataFrame({"text": [text], "label": ["joy"]}).to_parquet(tmp_path / "data" / f"{name}.parquet")
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert [text.text for text in data.texts("train")] == ["One it is."]
    assert [text.text for text in data.texts("test")] == ["Two it is."]


def test_folders_can_be_the_splits(tmp_path):
    for split, text in (("train", "One."), ("test", "Two.")):
        (tmp_path / split).mkdir()
        write(tmp_path / split / "eng.csv", f"id,text,joy,fear\n{split},{text},1,0\n")
    data = read_dataset(RealConfig(path=str(tmp_path)))
    assert [(text.text, text.labels) for text in data.texts("test")] == [("Two.", ("joy",))]


def test_a_column_says_the_split(tmp_path):
    path = write(tmp_path / "a.csv", "text,label,Split\nOne.,joy,train\nTwo.,joy,dev\nThree.,joy,test\n")
    data = read_dataset(RealConfig(path=str(path)))
    assert [text.text for text in data.texts("test")] == ["Three."]


def test_the_split_to_measure_on_is_chosen(tmp_path):
    for name, text in (("train", "One."), ("dev", "Two."), ("test", "Three.")):
        write(tmp_path / f"{name}.csv", f"text,label\n{text},joy\n")
    data = read_dataset(RealConfig(path=str(tmp_path), split="validation"))
    assert [text.text for text in data.texts("train")] == ["One."]
    assert [text.text for text in data.texts("test")] == ["Two."]
    assert "1 rows of other splits are left out" in data.notes


def test_a_data_set_saved_to_disk_brings_its_class_names(tmp_path):
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value

    kinds = ClassLabel(names=["joy", "fear"])
    several = Features({"text": Value("string"), "labels": Sequence(kinds), "id": Value("string")})
    rows = {"text": ["Both.", "None."], "labels": [[0, 1], []], "id": ["a", "b"]}
    splits = {"train": Dataset.from_dict(rows, several), "test": Dataset.from_dict(rows, several)}
    DatasetDict(splits).save_to_disk(tmp_path / "saved")
    one = Features({"text": Value("string"), "label": kinds})
    single = Dataset.from_dict({"text": ["Yes!", "No!"], "label": [0, 1]}, one)
    single.save_to_disk(tmp_path / "single")
    single.to_parquet(tmp_path / "single.parquet")
    assert read(tmp_path / "saved")[:2] == [("Both.", ("joy", "fear")), ("None.", ())]
    assert read(tmp_path / "single") == [("Yes!", ("joy",)), ("No!", ("fear",))]
    assert read(tmp_path / "single.parquet") == [("Yes!", ("joy",)), ("No!", ("fear",))]


def test_ids_of_the_data_are_kept_where_they_tell_rows_apart(tmp_path):
    own = write(tmp_path / "own.csv", "id,text,label\nk1,One.,joy\nk2,Two.,joy\n")
    same = write(tmp_path / "same.csv", "id,text,label\nk1,One.,joy\nk1,Two.,joy\n")
    assert read_dataset(RealConfig(path=str(own))).frame["id"].tolist() == ["k1", "k2"]
    assert read_dataset(RealConfig(path=str(same))).frame["id"].tolist() == ["row-1", "row-2"]


def test_a_path_alone_is_a_configuration():
    assert RealConfig.model_validate("reviews.csv") == RealConfig(path="reviews.csv")


def test_a_file_that_changed_is_read_again(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nOne.,joy\nTwo.,fear\n")
    assert len(read(path)) == 2
    write(path, "text,label\nOne.,joy\nTwo.,fear\nThree.,fear\n")
    assert len(read(path)) == 3
