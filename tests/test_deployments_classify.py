"""Rows of a file with their labels: in order, as the service answers, and each once whatever happens."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from reading import write
from test_deployments_api import TEXTS, write_run

from deployments.api.loading import load
from deployments.api.predicting import Item, predict_items
from deployments.api.settings import ApiSettings
from deployments.api.sources import find
from deployments.classify.command import classify
from deployments.classify.judging import answer_of
from deployments.classify.writing import CsvRows, Portions, as_lines, rows_of
from tasks.cli.options import ClassifyOptions
from tasks.storage.parquet import parquet_bytes

ANSWER = {
    "predicted": ["good", "kind"],
    "confidence": 0.9,
    "unsure": False,
    "probabilities": {"good": 0.9, "kind": 0.8},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory, tiny_encoder, make_row):
    """Folder of the model of a run."""
    root = tmp_path_factory.mktemp("results")
    write_run(root, "first", tiny_encoder, make_row)
    return root / "runs" / "first" / "model"


@pytest.fixture(scope="module")
def answers(model):
    """What the service's code says about each text."""
    settings = ApiSettings(model=str(model), workers=1)
    served = load(find(settings), settings)
    return [answer_of(found) for found in predict_items([Item(served, text, True) for text in TEXTS])]


def options(source, model, **more):
    more = {"workers": 1, "rows": 3} | more
    return ClassifyOptions(source=str(source), model=str(model), **more)


def test_drift_is_measured_against_unlabelled_texts_where_a_run_had_some(tmp_path, tiny_encoder, make_row):
    write_run(tmp_path, "first", tiny_encoder, make_row)
    folder = tmp_path / "runs" / "first"
    settings = ApiSettings(model=str(folder / "model"), workers=1)
    plain = load(find(settings), settings).reference
    rows = [make_row("One two three four five six seven.", targets=(0.0, 1.0, 0.0)) for _ in range(9)]
    (folder / "dataset" / "reference.parquet").write_bytes(parquet_bytes(rows))
    found = load(find(settings), settings).reference

    assert len(plain.words) == len(TEXTS)
    assert (found.words.tolist(), found.label_shares.tolist()) == ([7] * 9, [0.0, 1.0, 0.0])


def test_rows_of_a_csv_file_come_back_in_order_with_the_services_answers(tmp_path, model, answers):
    rows = pd.DataFrame({"n": range(40), "review": [TEXTS[i % 4] for i in range(40)]})
    rows.to_csv(tmp_path / "in.csv", index=False)
    classify(options(tmp_path / "in.csv", model, out=tmp_path / "out.csv", workers=2))
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)

    assert found["n"].tolist() == list(range(40))
    assert found["review"].tolist() == rows["review"].tolist()
    assert found["predicted"].tolist() == ["|".join(answers[i % 4]["predicted"]) for i in range(40)]
    assert found["probability neutral"].tolist() == [
        answers[i % 4]["probabilities"]["neutral"] for i in range(40)
    ]
    assert found["unsure"].tolist() == [answers[i % 4]["unsure"] for i in range(40)]
    assert [file.name for file in tmp_path.iterdir() if "portions" in file.name] == []


def test_standard_input_is_answered_on_standard_output(model, answers, monkeypatch, capsys):
    lines = "".join(
        json.dumps({"id": i, "text": text, "more": {"a": [1]}}) + "\n" for i, text in enumerate(TEXTS)
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    classify(options("-", model))
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert found == [{"id": i, "text": TEXTS[i], "more": {"a": [1]}, **answers[i]} for i in range(4)]


def test_a_stopped_command_goes_on_where_it_was(tmp_path, model, answers):
    good = "".join(json.dumps({"text": TEXTS[i % 4], "n": i}) + "\n" for i in range(10))
    broken = good.replace('"n": 7}', '"n": 7]')
    path, out = write(tmp_path / "in.jsonl", broken), tmp_path / "out.parquet"
    before = path.stat().st_mtime_ns
    with pytest.raises(ValueError, match=r"^in\.jsonl line 8 is not JSON"):
        classify(options(path, model, out=out))
    write(path, good)
    os.utime(path, ns=(before, before))
    portions = out.with_name("out.parquet.portions")
    done = {file.name: file.stat().st_mtime_ns for file in portions.iterdir()}
    with pytest.raises(ValueError, match="holds rows of another command"):
        classify(options(path, model, out=out, scrub=False))
    classify(options(path, model, out=out))
    found = pd.read_parquet(out)

    assert set(done) <= {"manifest.json", "00000000", "00000001"}
    assert found["n"].tolist() == list(range(10))
    assert found["text"].tolist() == [TEXTS[i % 4] for i in range(10)]
    assert [list(labels) for labels in found["predicted"]] == [answers[i % 4]["predicted"] for i in range(10)]
    assert not portions.exists()


def test_a_text_is_answered_in_the_terminal(model, answers, capsys):
    classify(options(TEXTS[0], model))
    first, *ranked = capsys.readouterr().out.splitlines()

    assert first.startswith(", ".join(answers[0]["predicted"]) or "no label")
    assert len(ranked) == 3


@pytest.mark.parametrize("text", [f"{'very ' * 200}good.", "~ nothing ~", "~nobody/none was here"])
def test_a_text_may_be_what_no_file_can_be_called(model, capsys, text):
    classify(options(text, model))
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_a_folder_is_no_file(tmp_path, model):
    said = re.escape(f"{tmp_path} is a folder; expected a file, or a text. Give the path of a file in it.")
    with pytest.raises(ValueError, match=f"^{said}$"):
        classify(options(tmp_path, model))


def test_a_file_that_is_not_there_is_no_text(tmp_path, model):
    with pytest.raises(FileNotFoundError) as caught:
        classify(options(tmp_path / "none.csv", model))
    assert str(caught.value) == (
        f"{tmp_path}/none.csv is missing (looked for {tmp_path}/none.csv); expected a file. Check the path."
    )


def test_a_file_without_texts_is_refused_before_the_model_is_loaded(tmp_path, model):
    path = write(tmp_path / "in.csv", "id,n\n1,2\n")
    with pytest.raises(ValueError, match="expected one with the text"):
        classify(options(path, model))


def test_a_text_that_is_a_whole_file_is_refused(tmp_path, model):
    lines = [json.dumps({"text": text}) for text in ("One.", "Two.", "Three.", "words " * 200_000)]
    with pytest.raises(ValueError, match=r"^in\.jsonl row 4 has a text of 1,200,000 characters; expected at"):
        classify(options(write(tmp_path / "in.jsonl", "\n".join(lines)), model, out=tmp_path / "out.jsonl"))


def test_a_model_of_another_version_is_refused_before_it_is_loaded(tmp_path, model):
    old = Path(shutil.copytree(model, tmp_path / "old"))
    (old / "SHA256").unlink()
    about = json.loads((old / "sentimill.json").read_text())
    (old / "sentimill.json").write_text(json.dumps({k: v for k, v in about.items() if k != "thresholds"}))
    with pytest.raises(ValueError, match="lacks thresholds; expected all that this version writes"):
        classify(options(write(tmp_path / "in.csv", "text\nOne.\n"), old))


def test_a_column_of_the_users_is_never_replaced():
    with pytest.raises(ValueError, match="the rows have a column 'confidence' already"):
        rows_of([{"text": "One.", "confidence": 1}], [ANSWER])


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path, model):
    path = write(tmp_path / "in.csv", "text,unsure\nOne.,1\n")
    with pytest.raises(ValueError, match="the rows have a column 'unsure' already"):
        classify(options(path, model, out=tmp_path / "new" / "out.csv"))
    assert [file.name for file in tmp_path.iterdir()] == ["in.csv"]


def test_rows_become_csv_with_a_column_per_probability():
    lines = CsvRows().lines
    rows = rows_of([{"text": 'One, "two"'}], [ANSWER])
    assert lines(rows) == (
        "text,predicted,confidence,unsure,probability good,probability kind\n"
        '"One, ""two""",good|kind,0.9,False,0.9,0.8\n'
    )
    assert lines(rows) == '"One, ""two""",good|kind,0.9,False,0.9,0.8\n'
    with pytest.raises(ValueError, match="a row has a column 'more' that the first row lacks"):
        lines(rows_of([{"text": "One.", "more": 1}], [ANSWER]))


def test_rows_become_json_lines():
    assert json.loads(as_lines(rows_of([{"text": "Zoë"}], [ANSWER]))) == {"text": "Zoë", **ANSWER}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_portions_of_two_attempts_make_one_file(tmp_path, ending):
    out, about = tmp_path / f"out.{ending}", {"model": "m"}
    Portions(out, about).add(rows_of([{"text": "One.", "n": None}], [ANSWER]))
    again = Portions(out, about)
    (again.folder / "00000001.new").write_bytes(b"half a por")  # what a killed process leaves
    assert again.n_done == 1
    again.add(rows_of([{"text": "Two.", "n": 2}], [ANSWER]))
    again.finish()
    read = {
        "csv": pd.read_csv,
        "jsonl": lambda path: pd.read_json(path, lines=True),
        "parquet": pd.read_parquet,
    }
    found = read[ending](out)

    assert found["text"].tolist() == ["One.", "Two."]
    assert found["n"].tolist()[1] == 2
    assert not again.folder.exists()


def test_an_output_of_another_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"--out is out\.xlsx; expected a name that ends in \.csv"):
        Portions(tmp_path / "out.xlsx", {})


@pytest.mark.slow
def test_a_killed_command_goes_on_without_a_row_lost_or_doubled_in_bounded_memory(model):
    script = Path(__file__).parent / "benchmarks" / "classify_rows.py"
    command = [
        sys.executable,
        script,
        "--model",
        model,
        "--rows",
        "20000",
        "--portion",
        "500",
        "--kills",
        "2",
    ]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["in_order_and_each_once"]
