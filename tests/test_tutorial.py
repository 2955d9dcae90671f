"""The tutorial works as it is written: its commands, its files and its Python, from top to bottom."""

import csv
import json
import os
import random
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tasks.data.scores import CLASSIFIER, REAL, RunScores

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
NOT_RUN = ("git clone", "make run", "sentimill serve", "curl ", "  -d ")
"""How the lines begin that install Sentimill or wait for requests."""
SMALL = {
    "SENTIMILL_PLAN__TEXTS_PER_LABEL": "20",
    "SENTIMILL_PLAN__TOPICS_PER_LABEL": "3",
    "SENTIMILL_PLAN__ROUNDS": "1",
    "SENTIMILL_TRAINING__EPOCHS": "1",
}
"""Options of all runs, which the page leaves at their defaults."""
CHAMPION = "results/champion.json"
REVIEWS = {
    "late delivery": """
        The lamp was promised for Tuesday and arrived nine days later.
        Two weeks of waiting for a phone case, and nobody could say where it was.
        It came after the birthday it was meant for.
        My order sat in a depot for a week before a van brought it.
        Next-day delivery, they said; I counted six days.
        The courier postponed three times before the chair was at my door.
        Still no parcel, and the tracking page has not changed since Monday.
        I paid for express and the box turned up with the ordinary post ten days on.
        The tent reached us when the holiday was over.
        Ordered in March, delivered in May.
        Shipping took so long that I had bought one elsewhere by then.
        They gave me a delivery date and missed it by eight days.
    """,
    "broken": """
        The kettle leaked from the first day.
        One of the four glasses was in pieces when I opened the box.
        After a month the screen went dark and stayed dark.
        The zip came off in my hand on the second use.
        It does not charge any more, whatever cable I try.
        The hinge snapped while I was putting the shelf together.
        Half of the buttons on the remote do nothing.
        The left speaker crackles and the right one is silent.
        A crack runs through the whole plate, right out of the packaging.
        The motor smelled of smoke and then it stopped.
        The watch loses an hour a day and the strap is torn already.
        The drawer will not close because the rail arrived bent.
    """,
    "too expensive": """
        Nice mug, but twenty-five for a mug is too much.
        I found the same headphones for half of that in town.
        You pay for the logo on the lid.
        For this price I expected leather, not plastic.
        The refills cost more than the machine after two months.
        Sixty for a plain wooden board is hard to justify.
        It does its job, yet it is not worth what they ask.
        They raised the price by a third since my last order.
        A small bottle, a large bill.
        With shipping and fees it came to twice what I had planned to spend.
        Cheaper ones from the market are just as good.
        The sale price is what it should cost all year.
    """,
    "praise": """
        Warm, light and well sewn; I would buy this jacket again at once.
        The best pan we have ever had in our kitchen.
        My daughter has not put the book down since it came.
        Set up in five minutes and it has worked perfectly for a year.
        Such a clear picture, I keep showing it to friends.
        The colours are even lovelier than in the photos.
        A pleasure to write with, my old pen stays in the drawer now.
        Comfortable from the first step, and they still look new.
        Great little radio with a big, clear sound.
        The blanket is so soft that the cat has taken it over.
        Everything about this desk feels well thought out.
        I gave it to my father and he was delighted.
    """,
    "late delivery; broken": """
        It took three weeks to get here and then the handle fell off.
        Arrived late, and the glass was shattered.
    """,
    "late delivery; too expensive": """
        A month of waiting for something that costs this much is not acceptable.
    """,
    "broken; too expensive": """
        So much money for a toaster that died within a week.
    """,
}
MORE = """
    The vase got here in one piece, but only after a fortnight.
    Love it, the sound fills the whole room.
    Paid far more than it is worth.
    The battery gave up after three charges.
    Exactly what I was looking for, thank you.
    Where is my order? It should have been here on Friday.
    A fine blender for a silly price.
    The lid does not fit and the base is cracked.
    My third pair, and as good as the first.
    Delivery was slow and the wheels would not turn.
"""
pytestmark = pytest.mark.slow


def lines_of(texts):
    return [line.strip() for line in texts.strip().splitlines()]


def write_files(folder):
    """What the reader has: reviews with labels, and more of them without."""
    rows = [(text, labels) for labels, texts in REVIEWS.items() for text in lines_of(texts)]
    random.Random(1).shuffle(rows)
    more = list(enumerate(lines_of(MORE), 4100))
    for name, content in (
        ("reviews.csv", [("review", "category"), *rows]),
        ("more.csv", [("order", "review"), *more]),
    ):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(content)


def label_studio_answers(tasks):
    """Label Studio's JSON export after somebody confirmed all labels but those of every fifth task."""
    return [
        {
            "id": number,
            "annotations": [
                {
                    "id": 500 + number,
                    "completed_by": 1,
                    "result": _result([] if number % 5 == 0 else labels_of(task)),
                    "was_cancelled": False,
                    "ground_truth": False,
                    "created_at": "2026-11-30T09:00:00.000000Z",
                    "updated_at": "2026-11-30T09:00:00.000000Z",
                    "lead_time": 4.2,
                    "prediction": {},
                    "result_count": 1,
                    "task": number,
                    "parent_prediction": None,
                    "parent_annotation": None,
                }
            ],
            "file_upload": "1a2b3c4d-review.json",
            "drafts": [],
            "predictions": [900 + number],
            "data": task["data"],
            "meta": {},
            "created_at": "2026-11-30T08:59:00.000000Z",
            "updated_at": "2026-11-30T09:00:00.000000Z",
            "inner_id": number,
            "total_annotations": 1,
            "cancelled_annotations": 0,
            "total_predictions": 1,
            "comment_count": 0,
            "unresolved_comment_count": 0,
            "last_comment_updated_at": None,
            "project": 1,
            "updated_by": 1,
            "comment_authors": [],
        }
        for number, task in enumerate(tasks, 1)
    ]


def _result(labels):
    value = {"choices": labels}
    named = {"from_name": "labels", "to_name": "text", "type": "choices", "origin": "manual"}
    return [{"value": value, "id": "x7Kq", **named}] if labels else []


def labels_of(task):
    return [label for one in task["predictions"] for label in one["result"][0]["value"]["choices"]]


@dataclass
class Story:
    """A folder in which the page was followed, and what its commands printed."""

    folder: Path
    run: str = "RUN"
    """Name of the latest run, which the page calls RUN."""
    said: dict[str, str] = field(default_factory=dict)
    """Standard output by the command, as the page has it."""
    run_of: dict[str, str] = field(default_factory=dict)
    """Name of the run by the command that made it."""
    replaced: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Files that a command wrote and the reader then edits: before and after."""

    def follow(self, kind, title, body):
        """Do what a block of the page says."""
        if title:
            path = self.folder / title
            if path.exists():
                self.replaced[title] = (path.read_text(encoding="utf-8"), body)
            path.write_text(body, encoding="utf-8")
        elif kind == "bash":
            for command in body.replace("\\\n", " ").splitlines():
                if not command.startswith(NOT_RUN):
                    self.give(" ".join(command.split(" #")[0].split()))
        elif kind == "python":
            self.said["python"] = self.call([sys.executable, "-P", "-c", self.named(body)], PYTHONPATH="")

    def give(self, command):
        """Give a command, with a smaller plan where the page asks for many texts."""
        if "answers.json" in command:
            tasks = json.loads((self.folder / "review.json").read_text())
            (self.folder / "answers.json").write_text(json.dumps(label_studio_answers(tasks)))
        small = re.sub(r"(--plan\.texts-per-label) \d+", r"\1 20", self.named(command))
        if command.startswith("sentimill classify ") and not (self.folder / CHAMPION).exists():
            small += f" --model {self.run}"  # as the page says of a run that stayed a candidate
        self.said[command] = self.call(["bash", "-c", small])
        if command.startswith("sentimill run "):
            (self.run,) = re.findall(r"^report +\S*results/runs/([^/\n]+)/", self.said[command], re.MULTILINE)
            self.run_of[command] = self.run

    def named(self, words):
        return re.sub(r"\bRUN\b", self.run, words)

    def call(self, words, **environment):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        home = {"HF_MODULES_CACHE": str(self.folder / ".modules"), "COLUMNS": "120"}
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **SMALL, **home, **environment}
        done = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def table(self, name):
        with (self.folder / name).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def scores(self, command):
        path = self.folder / "results" / "runs" / self.run_of[command] / "scores.json"
        return RunScores.model_validate_json(path.read_text())


def follow(folder, heading):
    """Do what a part of the page says."""
    story = Story(folder)
    write_files(folder)
    for kind, title, body in BLOCK.findall(part(heading)):
        story.follow(kind, title, body)
    return story


def part(heading):
    page = PAGE.read_text(encoding="utf-8")
    return next(text for text in page.split("\n## ") if text.startswith(f"{heading}\n"))


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A reader with a file of reviews."""
    return follow(tmp_path_factory.mktemp("reader"), "A file of reviews")


DATA = "sentimill data reviews.csv"
RUN = "sentimill run --taxonomy proposed.yaml --real reviews.csv"
NEXT = "sentimill run --taxonomy proposed.yaml --real human --mixing.real-fraction 0.3"
FEW = f"{RUN} --generator.exemplars 3 --verifying.teacher --mixing.real-fraction 0.2"


def test_labels_without_data_become_a_classifier(tmp_path):
    story = follow(tmp_path, "Labels and no data")
    estimate, run = story.said

    assert estimate == run.replace("sentimill run", "sentimill estimate")
    assert story.scores(run).taxonomy.names == ("refund", "shipping", "bug", "praise", "other")
    assert (tmp_path / "results" / "runs" / story.run / "report.html").is_file()


def test_the_page_shows_what_is_printed_about_the_file(story):
    shown = next(body for kind, _, body in BLOCK.findall(part("A file of reviews")) if kind == "text")
    assert shown == story.said[DATA]


def test_the_labels_on_the_page_are_those_that_were_proposed(story):
    proposed, filled = (yaml.safe_load(text)["labels"] for text in story.replaced["proposed.yaml"])
    assert [label["name"] for label in filled] == [label["name"] for label in proposed]
    assert [label["meaning"] for label in proposed] == [
        f"The text is of the kind {label['name']!r}." for label in proposed
    ]


def test_the_run_is_measured_on_the_reviews_and_trained_on_none(story):
    scores = story.scores(RUN)
    assert scores.metrics(CLASSIFIER, REAL).n_rows == 52
    assert scores.rows.get("real train", 0) == 0


def test_more_rows_come_back_in_order_with_labels(story):
    rows = story.table("labelled.csv")
    assert [(row["order"], row["review"]) for row in rows] == [
        (row["order"], row["review"]) for row in story.table("more.csv")
    ]
    assert {label for row in rows for label in row["predicted"].split("|")} <= set(REVIEWS)
    assert all(row["predicted"] for row in rows)


def test_transformers_gives_the_probabilities_of_the_command(story):
    expected = [
        max((float(row[f"probability {name}"]), name) for name in REVIEWS if f"probability {name}" in row)
        for row in story.table("labelled.csv")
    ]
    shown = [(float(line[:4]), line[6:20].strip()) for line in story.said["python"].splitlines()]
    assert [name for _, name in shown] == [name for _, name in expected]
    assert [p for p, _ in shown] == pytest.approx([p for p, _ in expected], abs=0.0051)


def test_what_people_answered_is_what_the_next_run_learns_from(story):
    tasks = json.loads((story.folder / "review.json").read_text())
    rows = story.table("human/train.csv")
    assert [(row["text"], row["label"]) for row in rows] == [
        (task["data"]["text"], "" if number % 5 == 0 else "|".join(labels_of(task)))
        for number, task in enumerate(tasks, 1)
    ]
    scores = story.scores(NEXT)
    assert scores.metrics(CLASSIFIER, REAL).n_rows == 52
    assert 0 < scores.rows["real train"] <= len(rows)


def test_few_rows_teach_and_are_measured_on_by_folds(story):
    scores = story.scores(FEW)
    assert scores.metrics(CLASSIFIER, REAL).n_rows == 52
    assert scores.n_folds == 5
