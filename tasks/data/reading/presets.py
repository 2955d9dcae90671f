"""Forms that annotation tools and data sets have, each turned into a plain column of texts and of labels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tasks.data.reading import names
from tasks.data.reading.names import normal
from tasks.data.reading.table import Table

LABELS = "labels of the text"
"""Name of the column while it is made, one that no tool gives."""
Answer = tuple[Any, Any, list[Any] | None]
"""Id, text and labels; None where nobody has labelled the text."""
UNSUBMITTED = ("draft", "discarded", "pending")
ITEM_ID = "sentimill_id"
"""Where a review of ours keeps the id of a text, beside the number that a tool gives it."""
SHEET = (ITEM_ID, "text", "suggested", "labels", "why")
"""Columns of a review of ours as a sheet; people fill in `labels`."""
NO_LABEL = "-"
"""What people write in a sheet for a text without a label; an empty cell is one that nobody looked at."""


class Preset(NamedTuple):
    """A known form: how it is recognised, and how it becomes plain."""

    name: str
    fits: Callable[[set[str]], bool]
    """Told by the names of the columns."""
    plain: Callable[[pd.DataFrame], pd.DataFrame]


def plain_table(table: Table) -> Table:
    """The table itself, or the plain table that a known form means.

    Rows that nobody has labelled are left out and counted in the notes.
    """
    columns = set(table.frame.columns)
    for preset in PRESETS:
        if preset.fits(columns):
            frame = preset.plain(table.frame)
            notes = [*table.notes, f"{table.name} is read as {preset.name}"]
            given = [name for name in frame if normal(name) in names.LABELS]
            hidden = frame[given].isna().all(axis=1) & bool(given)
            if n_left := int(hidden.sum()):
                frame = frame[~hidden].reset_index(drop=True)
                notes.append(f"{table.name}: {n_left:,} texts that nobody has labelled are left out")
            return replace(table, frame=frame, notes=notes)
    return table


def _frame(rows: Iterable[Answer], column: str = "labels") -> pd.DataFrame:
    """Rows of id, text and labels; labels None where nobody has labelled the text.

    The column of the labels keeps its name where that says what it holds, such as `rating`.
    """
    frame = pd.DataFrame(list(rows), columns=["id", "text", LABELS], dtype=object)
    frame = frame.assign(annotator="") if frame["id"].duplicated().any() else frame
    return frame.rename(columns={LABELS: column if normal(column) in names.LABELS else "labels"})


def _text_of(fields: dict[str, Any]) -> Any:
    """The field that is the text: by its name, or the first string."""
    by_name = {normal(name): value for name, value in fields.items() if isinstance(value, str)}
    return next((by_name[name] for name in names.TEXT if name in by_name), next(iter(by_name.values()), None))


def _ids(frame: pd.DataFrame) -> Sequence[Any]:
    return frame["id"].tolist() if "id" in frame else range(1, len(frame) + 1)


def _answers(id_: Any, text: Any, answers: Sequence[list[Any]]) -> list[Answer]:
    """A row per answer, or one without labels where there is no answer."""
    return [(id_, text, answer) for answer in answers] or [(id_, text, None)]


def _label_studio(frame: pd.DataFrame) -> pd.DataFrame:
    """Tasks with their annotations; one row per annotation, so that annotators can be heard together."""
    given = frame["annotations" if "annotations" in frame else "completions"]
    rows = list[Answer]()
    for id_, data, annotations in zip(_ids(frame), frame["data"], given, strict=True):
        answers = [_choices(one) for one in _listed(annotations) if not _cancelled(one)]
        rows += _answers(data.get(ITEM_ID, id_), _text_of(data), answers)
    return _frame(rows)


def _cancelled(annotation: dict[str, Any]) -> bool:
    return bool(annotation.get("was_cancelled") or annotation.get("skipped"))


def _choices(annotation: dict[str, Any]) -> list[Any]:
    values = [result.get("value", {}) for result in annotation.get("result") or []]
    found = [value.get("choices") or value.get("rating") for value in values]
    return [label for part in found if part for label in (part if isinstance(part, list) else [part])]


def _label_studio_min(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per annotation, the choices under the name of their tag."""
    meta = ("annotation_id", "created_at", "updated_at", "lead_time", "agreement", "history")
    done = frame["annotation_id"].notna() & (frame["annotation_id"].astype(str) != "")
    kept = frame[done].drop(columns=[name for name in meta if name in frame]).reset_index(drop=True)
    if "_data_text" in kept:  # the tag is called like the text
        kept = kept.rename(columns={"text": "labels", "_data_text": "text"})
    rest = [name for name in kept if normal(name) not in (*names.TEXT, *names.IDS, *names.RATERS)]
    if len(rest) == 1:  # the tag may be called anything
        kept = kept.rename(columns={rest[0]: "labels"})
    if "labels" in kept:  # an annotation without a choice is a negative
        kept["labels"] = kept["labels"].where(kept["labels"].notna(), "")
    return kept


def _argilla_records(frame: pd.DataFrame) -> pd.DataFrame:
    """Records with nested fields and responses; one row per response."""
    question = _question({name for answers in frame["responses"] for name in answers or {}})
    rows = list[Answer]()
    for id_, fields, responses in zip(_ids(frame), frame["fields"], frame["responses"], strict=True):
        given = [one for one in (responses or {}).get(question, []) if _submitted(one.get("status"))]
        rows += _answers(id_, _text_of(fields), [_as_list(one["value"]) for one in given])
    return _frame(rows, question)


def _argilla_dataset(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns `<question>.responses`, a list with one value per person, and `....responses.status`."""
    question = _question(
        {name.removesuffix(".responses") for name in map(str, frame) if name.endswith(".responses")}
    )
    values = frame[f"{question}.responses"]
    status = frame.get(f"{question}.responses.status", pd.Series([None] * len(frame)))
    texts = [_text_of(dict(zip(map(str, frame), row, strict=True))) for row in frame.itertuples(index=False)]
    rows = list[Answer]()
    for id_, text, given, states in zip(_ids(frame), texts, values, status, strict=True):
        answers = _listed(given)
        said = _listed(states) or [None] * len(answers)
        kept = [_as_list(value) for value, state in zip(answers, said, strict=True) if _submitted(state)]
        rows += _answers(id_, text, kept)
    return _frame(rows, question)


def _question(questions: set[str]) -> str:
    """The question whose answers are the labels: by its name, or the first."""
    by_name = {normal(name): name for name in sorted(questions)}
    return next((by_name[name] for name in names.LABELS if name in by_name), min(questions, default=""))


def _submitted(status: Any) -> bool:
    return status not in UNSUBMITTED


def _prodigy(frame: pd.DataFrame) -> pd.DataFrame:
    """Answers accept, reject or ignore, to one label or to a choice of several."""
    said = frame["answer"]
    ids = frame["_input_hash"] if "_input_hash" in frame else frame["text"]
    if "accept" in frame:
        labels = [
            list(_listed(accepted)) if answer == "accept" else None
            for accepted, answer in zip(frame["accept"], said, strict=True)
        ]
        return _frame(zip(ids, frame["text"], labels, strict=True))
    answers: dict[Any, tuple[str, list[str] | None]] = {}
    for id_, text, label, answer in zip(ids, frame["text"], frame["label"], said, strict=True):
        _, labels_of = answers.get(id_, (text, None))
        if answer != "ignore":
            labels_of = [*(labels_of or []), *([label] if answer == "accept" else [])]
        answers[id_] = (text, labels_of)
    return _frame((id_, text, labels_of) for id_, (text, labels_of) in answers.items())


def _goemotions_raw(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per rater; without those that the rater found very unclear."""
    unclear = frame[names.UNCLEAR.replace(" ", "_")].astype(str).str.casefold().isin(["true", "1"])
    meta = ("author", "subreddit", "link_id", "parent_id", "created_utc", "example_very_unclear")
    return frame[~unclear].drop(columns=[name for name in meta if name in frame]).reset_index(drop=True)


def _sheet(frame: pd.DataFrame) -> pd.DataFrame:
    """A review that people filled in; what nobody looked at has no labels."""
    cells = frame["labels"].astype(str).str.strip()
    given = cells.where(cells != "", None).replace({NO_LABEL: ""})
    return frame[[ITEM_ID, "text"]].assign(labels=given.astype(object))


def _as_list(value: Any) -> list[Any]:
    return list(_listed(value)) if isinstance(value, list | tuple | np.ndarray) else [value]


def _listed(value: Any) -> Sequence[Any]:
    """A list, or none where a cell is empty."""
    return list(value) if isinstance(value, list | tuple | np.ndarray) else []


PRESETS = (
    Preset(
        "Label Studio's JSON",
        lambda c: "data" in c and bool(c & {"annotations", "completions"}),
        _label_studio,
    ),
    Preset(
        "Label Studio's JSON_MIN or CSV", lambda c: c >= {"annotation_id", "lead_time"}, _label_studio_min
    ),
    Preset("Argilla's records", lambda c: c >= {"fields", "responses"}, _argilla_records),
    Preset("Argilla's data set", lambda c: any(name.endswith(".responses") for name in c), _argilla_dataset),
    Preset(
        "Prodigy's JSON lines", lambda c: c >= {"text", "answer"} and bool(c & {"label", "accept"}), _prodigy
    ),
    Preset("Sentimill's review", lambda c: c >= {ITEM_ID, "text", "labels"}, _sheet),
    Preset("GoEmotions by rater", lambda c: c >= {"rater_id", "example_very_unclear"}, _goemotions_raw),
)
