"""Every file format as a table: pandas and pyarrow read, this says what was wrong with the file."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.data.reading.delimited import read_delimited
from tasks.data.reading.encoding import encoding_of
from tasks.data.reading.names import is_known
from tasks.data.reading.spreadsheet import read_spreadsheet
from tasks.data.reading.table import Table
from tasks.data.reading.unpacking import ENDINGS as PACKED

CHUNK = 50_000
"""Records that become a frame at once; Python's dictionaries are ten times as large as its columns."""
TREE = re.compile(r"^\(\d \(?")
FASTTEXT = "__label__"

Reader = Callable[[Path, Sequence[str], str | None], Table]


def read_table(path: Path, wanted: Sequence[str] = (), sheet: str | None = None) -> Table:
    """Read one file, which is not compressed.

    Args:
        path: The file; its ending says the format.
        wanted: Columns that the user named.
        sheet: Sheet of a spreadsheet; None means the first.

    Raises:
        ValueError: The format is unknown, or the file is not what its ending says.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"{path.name} ends in {path.suffix or 'nothing'}; expected one of {', '.join(ENDINGS)}. Save the "
            "data in one of these formats."
        )
    return reader(path, wanted, sheet)


def _delimited(path: Path, wanted: Sequence[str], _: str | None) -> Table:
    return read_delimited(path, wanted)


def _parquet(path: Path, *_: object) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features

    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise ValueError(f"{path.name} cannot be read ({error}); expected Parquet. Write it again.") from None
    features = Features.from_arrow_schema(table.schema)
    return Table(path.name, table.to_pandas(ignore_metadata=True), classes_of(features))


def classes_of(features: Any) -> dict[str, list[str]]:
    """Names of the ids of each column that is a ClassLabel or a list of ClassLabels."""
    inner = {name: getattr(feature, "feature", feature) for name, feature in features.items()}
    return {name: list(kind.names) for name, kind in inner.items() if hasattr(kind, "names")}


def _json(path: Path, *_: object) -> Table:
    """A list of records, an object that holds one, an object of columns, or JSON lines."""
    encoding = encoding_of(path)
    text = path.read_text(encoding=encoding.name)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip().startswith("{") and error.msg == "Extra data":
            return _json_lines(path)
        raise ValueError(
            f"{path.name} line {error.lineno} is not JSON: {error.msg}; expected a list of records. Fix that "
            "line."
        ) from None
    return Table(path.name, _frame(path, content), notes=[encoding.note] if encoding.note else [])


def _frame(path: Path, content: Any) -> pd.DataFrame:
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        if len(lists) == 1 and lists[0] and isinstance(lists[0][0], dict):
            content = lists[0]
        elif content and all(isinstance(value, list | dict) for value in content.values()):
            return _of_columns(path, content)
        else:
            content = [content]
    if not isinstance(content, list) or not content:
        raise ValueError(f"{path.name} holds no records; expected a list of objects. Check the file.")
    return frame_of([_record(item, f"{path.name} record {i}") for i, item in enumerate(content, 1)])


def _of_columns(path: Path, content: dict[str, Any]) -> pd.DataFrame:
    """Cells by column, as lists or by row number, or records by their id."""
    try:
        frame = pd.DataFrame(content)
    except ValueError as error:
        raise ValueError(
            f"{path.name} holds no table ({error}); expected a list of records. Save it as JSON lines."
        ) from None
    turned = not any(map(is_known, frame.columns)) and any(map(is_known, frame.index))
    return (frame.T if turned else frame).reset_index(drop=True)


def _record(item: Any, where: str) -> dict[str, Any]:
    """A record; `[text, {"cats": ...}]`, as spaCy had it, counts as one."""
    if isinstance(item, list) and len(item) == 2 and isinstance(item[1], dict):
        item = {"text": item[0], **item[1]}
    if isinstance(item, str):
        item = {"text": item}
    if not isinstance(item, dict):
        raise ValueError(f"{where} is {str(item)[:60]!r}; expected an object with a text. Fix it.")
    return item


def record_of(line: str, where: str) -> dict[str, Any]:
    """The record in a line of JSON.

    Raises:
        ValueError: The line is no JSON, or no record; `where` says which it is.
    """
    try:
        return _record(json.loads(line), where)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{where} is not JSON: {error.msg}; expected one object per line. Fix or remove the line."
        ) from None


def _json_lines(path: Path, *_: object) -> Table:
    encoding = encoding_of(path)
    frames, batch = list[pd.DataFrame](), list[dict[str, Any]]()
    for number, line in _lines(path, encoding.name):
        batch.append(record_of(line, f"{path.name} line {number}"))
        if len(batch) == CHUNK:
            frames.append(frame_of(batch))
            batch = []
    frames += [frame_of(batch)] if batch or not frames else []
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    return Table(path.name, frame, notes=[encoding.note] if encoding.note else [])


def frame_of(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Records as a frame that converts nothing but texts: `"1"` stays a string, 1 a number."""
    frame = pd.DataFrame.from_records(records)
    frame.columns = [str(name) for name in frame.columns]
    return frame


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, with their numbers; only line feeds and carriage returns divide."""
    with path.open(encoding=encoding) as file:
        yield from ((n, line.rstrip("\n")) for n, line in enumerate(file, 1) if line.strip())


def _text(path: Path, *_: object) -> Table:
    """A table under the name of a text file, Treebank trees, fastText lines, or a text per line."""
    encoding = encoding_of(path)
    with path.open(encoding=encoding.name) as file:
        first = next((line for line in file if line.strip()), "")
    if TREE.match(first):
        return _trees(path, encoding.name)
    if first.startswith(FASTTEXT):
        return _fasttext(path, encoding.name)
    if "\t" in first:
        return read_delimited(path)
    frame = pd.DataFrame({"text": [line for _, line in _lines(path, encoding.name)]}, dtype=str)
    return Table(path.name, frame, notes=[f"{path.name} is read as one text per line"], has_header=False)


def _trees(path: Path, encoding: str) -> Table:
    """Sentences of the Stanford Sentiment Treebank; the first number is the level of the whole."""
    rows = []
    for number, line in _lines(path, encoding):
        if not TREE.match(line):
            raise ValueError(
                f"{path.name} line {number} is {line[:60]!r}; expected a tree such as (3 (2 It) (3 works)). "
                "Fix or remove the line."
            )
        rows.append((" ".join(re.findall(r"\(\d ([^()\s]+)\)", line)), SST5[int(line[1])]))
    return Table(path.name, pd.DataFrame(rows, columns=["sentence", "label"]))


SST5 = ("very negative", "negative", "neutral", "positive", "very positive")


def _fasttext(path: Path, encoding: str) -> Table:
    rows = []
    for _, line in _lines(path, encoding):
        words = line.split(" ")
        labels = [word.removeprefix(FASTTEXT) for word in words if word.startswith(FASTTEXT)]
        rows.append((" ".join(word for word in words if not word.startswith(FASTTEXT)), labels))
    return Table(path.name, pd.DataFrame(rows, columns=["text", "labels"]))


def _spacy(path: Path, *_: object) -> Table:
    """Documents of spaCy's own binary format, with their categories."""
    import spacy
    from spacy.tokens import DocBin

    try:
        documents = list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read ({error}); expected spaCy's DocBin.") from None
    return Table(path.name, frame_of([{"text": doc.text, "cats": doc.cats} for doc in documents]))


READERS: dict[str, Reader] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".tab": _delimited,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
    ".pq": _parquet,
    ".xlsx": read_spreadsheet,
    ".spacy": _spacy,
    ".txt": _text,
}
ENDINGS = (*READERS, *(f".csv{ending}" for ending in PACKED))
