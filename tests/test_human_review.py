"""Rows go to people in the forms of Label Studio, Argilla and spreadsheets, and their answers come back."""

import csv
import json

import pandas as pd
import pytest
from openpyxl import load_workbook
from reading import read
from test_deployments_api import write_run
from test_reporting import run_scores

from tasks.cli.main import dispatch
from tasks.config.real import RealConfig
from tasks.data.human_review import ReviewItem
from tasks.data.reading import read_dataset
from tasks.pipeline.human_review.agreement import agreement, level_kappa
from tasks.pipeline.human_review.selection import rows_to_review, texts_to_label
from tasks.storage.parquet import REJECT_FEATURES, parquet_bytes
from tasks.taxonomy import load_taxonomy

EKMAN = load_taxonomy("ekman")
pytestmark = pytest.mark.usefixtures("without_server")


def voted(make_row, id_, *labels, **votes):
    """A row; `joy_folds=0.9` is a vote of the folds on joy."""
    named = {name.replace("_", "|", 1): vote for name, vote in votes.items()}
    return make_row(
        f"Text {id_}, it is.", labels=labels, id=id_, targets=EKMAN.targets_of(labels), votes=named
    )


@pytest.fixture
def rows(make_row):
    """Joy is frequent, fear rare; `b` is disputed by the folds, `c` has a probability of one half."""
    return [
        voted(make_row, "a", "joy", joy_folds=0.9, joy_teacher=0.8, joy_label_probability=0.95),
        voted(make_row, "b", "joy", joy_folds=0.1, joy_teacher=0.9, joy_label_probability=0.8),
        voted(make_row, "c", "joy", joy_folds=0.5, joy_teacher=0.6, joy_label_probability=0.5),
        voted(make_row, "d", "fear"),
    ]


@pytest.fixture
def results(tmp_path, rows, make_row, monkeypatch):
    """Results with the finished runs `first` and `second`, which have the same rows."""
    root = tmp_path / "results"
    gone = voted(make_row, "e", "anger", anger_folds=0.05, anger_judge=0.9)
    rejects = [
        {**gone, "stage": "verifying", "reason": "label disputed"},
        {**gone, "id": "f", "stage": "clean", "reason": "too short"},
    ]
    for run in ("first", "second"):
        folder = root / "runs" / run / "dataset"
        folder.mkdir(parents=True)
        for part, own in (("train", rows[:3]), ("validation", rows[3:]), ("test", [])):
            (folder / f"{part}.parquet").write_bytes(parquet_bytes(own))
        (folder / "rejects.parquet").write_bytes(parquet_bytes(rejects, REJECT_FEATURES))
        scores = run_scores(run=run, taxonomy=EKMAN, config={}).model_dump_json()
        (root / "runs" / run / "scores.json").write_text(scores)
    monkeypatch.setenv("SENTIMILL_RESULTS", str(root))
    return root


def exported(out, *options, run="first"):
    dispatch(["review", "export", run, "--out", str(out), *options])
    return out


def imported(path, out, run="first"):
    dispatch(["review", "import", run, str(path), "--out", str(out)])
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def refused(capsys, *words):
    with pytest.raises(SystemExit) as stopped:
        dispatch(list(words))
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_rows_are_chosen_in_turn_by_disagreement_doubt_and_rarity(rows, make_row):
    gone = voted(make_row, "e", "anger", anger_folds=0.05, anger_judge=0.9)
    human = {**voted(make_row, "h", "joy", joy_folds=0.0, joy_teacher=1.0), "source": "real"}
    found = rows_to_review([*rows, human], [gone], EKMAN, "first", 10)

    assert [(item.id, item.why) for item in found] == [
        ("first/e", "votes disagree"),
        ("first/c", "unsure"),
        ("first/d", "rare label"),
        ("first/b", "votes disagree"),
        ("first/a", "unsure"),
    ]
    assert [item.labels for item in found] == [(), ("joy",), ("fear",), ("joy",), ("joy",)]
    assert [item.id for item in rows_to_review(rows, [], EKMAN, "first", 2)] == ["first/b", "first/c"]


def test_a_vote_of_the_generator_is_compared_at_even_odds(make_row):
    apart = voted(make_row, "a", "joy", joy_folds=0.5, joy_likelihood=4.0)
    near = voted(make_row, "b", "joy", joy_folds=0.9, joy_likelihood=2.2)
    assert [item.id for item in rows_to_review([near, apart], [], EKMAN, "r", 1)] == ["r/a"]


def test_texts_to_label_take_turns_by_label_the_rarest_first():
    texts = ["one", "two", "three", "four", "two"]
    labels = [("joy",), ("joy",), ("joy", "fear"), ("joy",), ("joy",)]
    found = texts_to_label(texts, labels, [0.9, 0.3, 0.8, 0.5, 0.3], lambda text: f"r/{text}", 3)

    assert [item.text for item in found] == ["three", "two", "four"]
    assert {(item.why, item.source) for item in found} == {("to label first", "human")}


def item(id_, *labels, unknown=()):
    return ReviewItem(id=id_, text=id_, labels=labels, unknown=unknown, why="unsure", source="synthetic")


def test_agreement_is_cohens_kappa_by_label_without_what_the_votes_left_open():
    items = [item("a", "joy"), item("b", "joy"), item("c"), item("d", unknown=("joy",))]
    answers = {"a": ("joy",), "b": ("fear",), "c": (), "d": ("joy",)}
    found = {each.label: each for each in agreement(items, answers, EKMAN)}

    assert found["joy"][1:5] == (1, 2, 1, 2 / 3)
    assert found["joy"].kappa == pytest.approx(0.4)  # (2/3 - 4/9) / (1 - 4/9)
    assert (found["fear"].agreement, found["fear"].kappa) == (0.75, 0.0)
    assert (found["anger"].agreement, found["anger"].kappa) == (1.0, None)


def test_levels_that_are_near_agree_more_than_levels_that_are_far():
    polarity = load_taxonomy("polarity3")
    high, middle, low = polarity.names
    items = [item("a", high), item("b", low), item("c", middle)]
    near = level_kappa(items, {"a": (high,), "b": (low,), "c": (low,)}, polarity)
    far = level_kappa(items, {"a": (low,), "b": (low,), "c": (middle,)}, polarity)

    assert (near, far) == (pytest.approx(0.8), pytest.approx(0.0))
    assert level_kappa(items[:1], {"a": (high,)}, polarity) is None
    assert level_kappa([item("a", "joy")], {"a": ("joy",)}, EKMAN) is None


WRITTEN = [
    {"text": "Text e, it is.", "label": "anger", "split": "train", "source": "synthetic"},
    {"text": "Text c, it is.", "label": "joy|surprise", "split": "train", "source": "synthetic"},
    {"text": "Text d, it is.", "label": "", "split": "train", "source": "synthetic"},
]
ANSWERS = {"first/e": ["anger"], "first/c": ["joy", "surprise"], "first/d": []}


def label_studio_export(tasks):
    """What Label Studio's JSON export makes of tasks, three of which somebody answered."""
    return [
        {
            "id": number,
            **task,
            "annotations": [
                {
                    "id": 70 + number,
                    "completed_by": 1,
                    "was_cancelled": False,
                    "result": [
                        {
                            "from_name": "labels",
                            "to_name": "text",
                            "type": "choices",
                            "value": {"choices": ANSWERS[task["data"]["sentimill_id"]]},
                        }
                    ],
                }
            ]
            if task["data"]["sentimill_id"] in ANSWERS
            else [],
        }
        for number, task in enumerate(tasks, 1)
    ]


def label_studio_min(tasks):
    """The same as JSON_MIN: one choice is a string, several are an object."""
    shown = {0: None, 1: lambda given: given[0], 2: lambda given: {"choices": given}}
    rows = []
    for number, task in enumerate(tasks, 1):
        given = ANSWERS.get(task["data"]["sentimill_id"])
        if given is not None:
            row = {**task["data"], "id": number, "annotator": 1, "annotation_id": 7, "lead_time": 2.5}
            rows.append(row | ({"labels": shown[len(given)](given)} if given else {}))
    return rows


def test_label_studio_and_back(results, tmp_path, capsys):
    tasks = json.loads(exported(tmp_path / "review.json").read_text())
    assert tasks[1] == {
        "data": {"text": "Text c, it is.", "sentimill_id": "first/c", "why": "unsure"},
        "predictions": [
            {
                "model_version": "first",
                "result": [
                    {
                        "from_name": "labels",
                        "to_name": "text",
                        "type": "choices",
                        "value": {"choices": ["joy"]},
                    }
                ],
            }
        ],
    }
    view = (tmp_path / "review.xml").read_text()
    assert '<Choices name="labels" toName="text" choice="multiple"' in view
    assert view.count("<Choice value=") == EKMAN.n_labels
    capsys.readouterr()

    (tmp_path / "whole.json").write_text(json.dumps(label_studio_export(tasks)))
    (tmp_path / "min.json").write_text(json.dumps(label_studio_min(tasks)))
    pd.DataFrame(label_studio_min(tasks)).assign(
        labels=lambda frame: frame["labels"].map(
            lambda cell: json.dumps(cell) if isinstance(cell, dict) else cell
        )
    ).to_csv(tmp_path / "min.csv", index=False)
    for name in ("whole.json", "min.json", "min.csv"):
        assert imported(tmp_path / name, tmp_path / f"human-{name}.csv") == WRITTEN
    said = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["fear", "0", "1", "0", "0.667", "0.000"] for line in said)
    assert "answers     3 of 5 texts asked about, of which 3 change the labels" in said


def test_argilla_and_back(results, tmp_path):
    records = json.loads(exported(tmp_path / "review.json", "--form", "argilla").read_text())
    assert records[1] == {
        "id": "first/c",
        "fields": {"text": "Text c, it is."},
        "metadata": {},
        "suggestions": {"labels": {"value": ["joy"], "score": None, "agent": "first"}},
        "responses": {},
        "vectors": {},
    }
    for record in records:
        given = ANSWERS.get(record["id"])
        record["responses"] = {} if given is None else {"labels": [{"value": given, "user_id": "u1"}]}
    (tmp_path / "records.json").write_text(json.dumps(records))
    columns = [
        {
            "id": record["id"],
            "text": record["fields"]["text"],
            "labels.responses": [ANSWERS[record["id"]]] if record["id"] in ANSWERS else None,
            "labels.responses.status": ["submitted"] if record["id"] in ANSWERS else None,
        }
        for record in records
    ]
    (tmp_path / "columns.json").write_text(json.dumps(columns))
    for name in ("records.json", "columns.json"):
        assert imported(tmp_path / name, tmp_path / f"human-{name}.csv") == WRITTEN


def fill_in(rows):
    """Cells of a sheet with the answers; `-` says that there is no label."""
    for row in rows:
        if row["sentimill_id"] in ANSWERS:
            row["labels"] = "|".join(ANSWERS[row["sentimill_id"]]) or "-"
    return rows


def test_a_sheet_as_csv_and_back(results, tmp_path, capsys):
    with exported(tmp_path / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "sentimill_id": "first/c",
        "text": "Text c, it is.",
        "suggested": "joy",
        "labels": "",
        "why": "unsure",
    }
    pd.DataFrame(fill_in(rows)).to_csv(tmp_path / "filled.csv", index=False)
    assert imported(tmp_path / "filled.csv", tmp_path / "human.csv") == WRITTEN
    assert "answers     3 of 5 texts asked about, of which 3 change the labels" in capsys.readouterr().out


def test_a_sheet_as_xlsx_and_back_keeps_a_text_that_looks_like_a_formula(results, tmp_path, rows):
    rows[2]["text"] = "=1+1 is how I feel\x07"
    (results / "runs" / "first" / "dataset" / "train.parquet").write_bytes(parquet_bytes(rows[:3]))
    book = load_workbook(exported(tmp_path / "review.xlsx"))
    sheet = book.active
    header = [cell.value for cell in sheet[1]]
    for cells in sheet.iter_rows(min_row=2):
        given = ANSWERS.get(cells[header.index("sentimill_id")].value)
        if given is not None:
            cells[header.index("labels")].value = "|".join(given) or "-"
    assert (sheet["B3"].value, sheet["B3"].data_type) == ("=1+1 is how I feel", "s")
    book.save(tmp_path / "filled.xlsx")
    found = imported(tmp_path / "filled.xlsx", tmp_path / "human.csv")
    assert [row["label"] for row in found] == ["anger", "joy|surprise", ""]
    assert found[1]["text"] == "=1+1 is how I feel\x07"


def test_corrected_rows_are_read_by_the_next_run_and_never_measured_on(results, tmp_path):
    with exported(tmp_path / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        pd.DataFrame(fill_in(list(csv.DictReader(file)))).to_csv(tmp_path / "filled.csv", index=False)
    (tmp_path / "human").mkdir()
    imported(tmp_path / "filled.csv", tmp_path / "human" / "train.csv")
    (tmp_path / "human" / "test.csv").write_text("text,label\nWe laughed.,joy\n")
    data = read_dataset(RealConfig(path=str(tmp_path / "human")))
    assert [text.labels for text in data.texts("train")] == [("anger",), ("joy", "surprise"), ()]
    assert [text.text for text in data.texts("test")] == ["We laughed."]
    assert not [note for note in data.notes if "column source" in note]

    alone = read_dataset(RealConfig(path=str(tmp_path / "human" / "train.csv")))
    assert alone.notes[-1] == (
        "3 rows to measure on were not written by people (column source): scores on them say less"
    )


def test_a_users_own_texts_to_label_first(results, tmp_path, tiny_encoder, make_row, capsys):
    polarity = load_taxonomy("polarity3")
    write_run(results, "third", tiny_encoder, make_row)
    scores = run_scores(run="third", taxonomy=polarity, config={}).model_dump_json()
    (results / "runs" / "third" / "scores.json").write_text(scores)
    texts = [
        f"We {verb} the {noun} today." for verb in ("liked", "missed") for noun in ("soup", "garden", "train")
    ]
    pd.DataFrame({"review": [*texts, texts[0], ""]}).to_csv(tmp_path / "new.csv", index=False)
    path = exported(
        tmp_path / "review.csv", "--unlabelled", str(tmp_path / "new.csv"), "--rows", "4", run="third"
    )
    rows = pd.read_csv(path, keep_default_na=False)
    assert len(set(rows["text"]) & set(texts)) == len(rows) == 4
    assert set(rows["suggested"]) <= set(polarity.names)
    assert capsys.readouterr().out.startswith("4 rows: 4 to label first\n")

    rows["labels"] = [polarity.names[0], polarity.names[1], "", "-"]
    rows.to_csv(tmp_path / "filled.csv", index=False)
    found = imported(tmp_path / "filled.csv", tmp_path / "human.csv", run="third")
    assert [(row["text"], row["label"], row["split"], row["source"]) for row in found] == [
        (rows["text"][0], polarity.names[0], "", "human"),
        (rows["text"][1], polarity.names[1], "", "human"),
    ]
    assert read(tmp_path / "human.csv") == [
        (rows["text"][0], (polarity.names[0],)),
        (rows["text"][1], (polarity.names[1],)),
    ]


def test_a_review_of_another_run_is_refused(results, tmp_path, capsys):
    path = exported(tmp_path / "review.csv", run="second")
    exported(tmp_path / "other.csv")
    filled = pd.read_csv(path, keep_default_na=False).assign(labels="joy")
    filled.to_csv(tmp_path / "filled.csv", index=False)
    capsys.readouterr()
    said = refused(
        capsys,
        "review",
        "import",
        "first",
        str(tmp_path / "filled.csv"),
        "--out",
        str(tmp_path / "human.csv"),
    )
    assert said == (
        f"sentimill: {tmp_path}/filled.csv is a review of run second (5 of 5 answers, such as 'second/e'); "
        "expected answers to a review of run first. Give the run that the review came from, or the file that "
        "belongs to it.\n"
    )
    assert not (tmp_path / "human.csv").exists()


def test_a_file_that_is_no_review_is_refused(results, tmp_path, capsys):
    exported(tmp_path / "review.csv")
    (tmp_path / "any.csv").write_text("text,label\nWe laughed.,joy\n")
    said = refused(
        capsys, "review", "import", "first", str(tmp_path / "any.csv"), "--out", str(tmp_path / "human.csv")
    )
    assert "any.csv has ids that no review gave (1 of 1 answers, such as 'row-1')" in said


def test_answers_that_are_not_there_are_not_looked_for_on_the_hub(results, tmp_path, capsys):
    exported(tmp_path / "review.csv")
    capsys.readouterr()
    said = refused(capsys, "review", "import", "first", "answers", "--out", str(tmp_path / "human.csv"))
    assert said.startswith("sentimill: answers is missing (looked for ")


def test_an_answer_that_is_no_label_is_refused(results, tmp_path, capsys):
    path = exported(tmp_path / "review.csv")
    pd.read_csv(path, keep_default_na=False).assign(labels="glee").to_csv(
        tmp_path / "filled.csv", index=False
    )
    said = refused(
        capsys,
        "review",
        "import",
        "first",
        str(tmp_path / "filled.csv"),
        "--out",
        str(tmp_path / "human.csv"),
    )
    assert "has labels glee (5 rows); expected some that taxonomy ekman knows" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("export", "gone", "--out", "r.csv"),
            "run 'gone' is not in {root}/runs, or not finished; expected a finished run, such as first, "
            "second. Check the name, or SENTIMILL_RESULTS.",
        ),
        (
            ("export", "champion", "--out", "r.csv"),
            "{root} has 0 champions (none); expected one. Give the name of a run.",
        ),
        (
            ("export", "first", "--out", "r.txt"),
            "r.txt ends in .txt; expected .csv or .xlsx for a sheet, .json for Label Studio and Argilla. "
            "Give another name as --out.",
        ),
        (
            ("export", "first", "--out", "r.csv", "--form", "argilla"),
            "r.csv ends in .csv; expected .csv or .xlsx for a sheet, .json for Label Studio and Argilla. "
            "Give another name as --out.",
        ),
        (
            ("import", "first", "none.csv", "--out", "h.csv"),
            "run first has no review; expected one. Make it: sentimill review export first --out FILE.",
        ),
    ],
)
def test_what_cannot_be_done_is_one_message(results, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, "review", *words) == f"sentimill: {said.format(root=results)}\n"


def test_the_champion_is_reviewed_by_that_name(results, tmp_path, capsys):
    (results / "champion.json").write_text(json.dumps({"ekman": {"run": "second"}}))
    path = exported(tmp_path / "review.json", run="champion")

    assert path.is_file()
    assert [folder.parent.name for folder in results.glob("runs/*/reviews")] == ["second"]
    (results / "champion.json").write_text(
        json.dumps({"ekman": {"run": "second"}, "polarity3": {"run": "first"}})
    )
    assert "2 champions (second, first); expected one." in refused(
        capsys, "review", "export", "champion", "--out", str(tmp_path / "other.json")
    )


def test_a_file_that_may_hold_answers_is_not_replaced(results, tmp_path, capsys):
    path = exported(tmp_path / "review.csv")
    before = path.read_bytes()
    assert "is there already; expected a new file" in refused(
        capsys, "review", "export", "first", "--out", str(path)
    )
    assert path.read_bytes() == before


def test_review_alone_names_both_commands(capsys):
    assert "review export, review import" in refused(capsys, "review")
