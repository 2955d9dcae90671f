"""A data set in the plain formats that other tools read."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from tasks.data.records import Row
from tasks.taxonomy.labels import file_stem

# No label may hold it (`tasks/taxonomy.py`).
SEPARATOR = "|"


def export_rows(rows: Sequence[Row], folder: Path, label_names: Sequence[str] | None = None) -> list[Path]:
    """Write rows as JSON lines, as CSV, and as one text file per label.

    - `dataset.jsonl`: the full row, one per line.
    - `dataset.csv`: `text,label`, the labels of a text joined by `|`.
    - `<label>_data.txt`: the texts that carry the label, one per line, line breaks folded to spaces;
      see `tasks.taxonomy.labels.file_stem` for the name.

    Args:
        rows: Rows to write, in this order.
        folder: Where to; made if need be, files of the same name are replaced.
        label_names: Labels that get a text file, even if empty; None means those of the rows.

    Returns:
        Paths of the files written.
    """
    names = label_names or sorted({name for row in rows for name in row["labels"]})
    paths = [folder / f"{file_stem(name)}_data.txt" for name in names]
    folder.mkdir(parents=True, exist_ok=True)
    written = [_write_jsonl(rows, folder / "dataset.jsonl"), _write_csv(rows, folder / "dataset.csv")]
    for name, path in zip(names, paths, strict=True):
        lines = [_one_line(row["text"]) for row in rows if name in row["labels"]]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return [*written, *paths]


def _write_jsonl(rows: Sequence[Row], path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path


def _write_csv(rows: Sequence[Row], path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["text", "label"])
        writer.writerows([row["text"], SEPARATOR.join(row["labels"])] for row in rows)
    return path


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
