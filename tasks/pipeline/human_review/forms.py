"""A review in the forms that annotation tools and spreadsheet programs read.

- Label Studio: tasks with predictions, https://labelstud.io/guide/predictions; beside them the labelling
  configuration.
- Argilla: the records that `dataset.records.from_json` reads.
- A sheet: CSV or XLSX with a column to fill in.

`tasks.data.reading.presets` reads what comes back.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from tasks.data.human_review import ReviewItem
from tasks.data.reading.presets import ITEM_ID, SHEET
from tasks.taxonomy import Taxonomy

SEPARATOR = "|"
"""Between two labels of a cell; no label may hold it."""
QUESTION = "labels"


def write_label_studio(path: Path, items: Sequence[ReviewItem], taxonomy: Taxonomy) -> list[Path]:
    """Write tasks, and `<name>.xml` with the labelling configuration of their project."""
    tasks = [
        {
            "data": {"text": item.text, ITEM_ID: item.id, "why": item.why},
            "predictions": [_prediction(item)] if item.labels else [],
        }
        for item in items
    ]
    _write_json(path, tasks)
    view = path.with_suffix(".xml")
    view.write_text(_view(taxonomy), encoding="utf-8")
    return [path, view]


def _prediction(item: ReviewItem) -> dict[str, Any]:
    result = {
        "from_name": QUESTION,
        "to_name": "text",
        "type": "choices",
        "value": {"choices": list(item.labels)},
    }
    return {"model_version": item.id.rpartition("/")[0], "result": [result]}


def _view(taxonomy: Taxonomy) -> str:
    choice = "single" if taxonomy.ordinal else "multiple"
    choices = "".join(
        f"    <Choice value={quoteattr(label.name)} hint={quoteattr(label.meaning)}/>\n"
        for label in taxonomy.labels
    )
    return (
        '<View>\n  <Text name="text" value="$text"/>\n'
        f'  <Choices name="{QUESTION}" toName="text" choice="{choice}" showInline="true">\n'
        f"{choices}  </Choices>\n</View>\n"
    )


def write_argilla(path: Path, items: Sequence[ReviewItem], taxonomy: Taxonomy) -> list[Path]:
    """Write records whose question is called `labels`: one label on a scale, else several."""
    agent = items[0].id.rpartition("/")[0] if items else ""

    def suggested(item: ReviewItem) -> dict[str, Any]:
        if not item.labels:
            return {}
        value = item.labels[0] if taxonomy.ordinal else list(item.labels)
        return {QUESTION: {"value": value, "score": None, "agent": agent}}

    records = [
        {
            "id": item.id,
            "fields": {"text": item.text},
            "metadata": {},
            "suggestions": suggested(item),
            "responses": {},
            "vectors": {},
        }
        for item in items
    ]
    _write_json(path, records)
    return [path]


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_sheet(path: Path, items: Sequence[ReviewItem], _: Taxonomy) -> list[Path]:
    """Write CSV or XLSX; the column `labels` is empty, to be filled in."""
    rows = [[item.id, item.text, SEPARATOR.join(item.labels), "", item.why] for item in items]
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(path, [list(SHEET), *rows])
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark, for spreadsheet programs
            csv.writer(file).writerows([SHEET, *rows])
    return [path]


def _write_xlsx(path: Path, rows: Sequence[Sequence[str]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook()
    sheet = book.active
    for i, row in enumerate(rows, 1):
        for j, value in enumerate(row, 1):
            cell = sheet.cell(i, j, ILLEGAL_CHARACTERS_RE.sub("", value))
            cell.data_type = "s"  # a text that begins with = is no formula
    book.save(path)
