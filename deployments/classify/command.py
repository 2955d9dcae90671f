"""`sentimill classify`: a file in, the same rows with labels out; or a text, answered in the terminal."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from tasks.cli.options import ClassifyOptions
from tasks.config.real import RealConfig
from tasks.data.reading.columns import text_column
from tasks.data.reading.streams import CSV, Record, records_in
from tasks.data.reading.table import place_in, require_short
from tasks.data.reading.tables import READERS
from tasks.data.reading.unpacking import ENDINGS as PACKED
from tasks.data.reading.unpacking import unpacked

STANDARD_INPUT = "-"
TABLES = (*READERS, *PACKED)
"""Endings of what is a path, also where nothing is there."""


def classify(options: ClassifyOptions) -> None:
    """Label a text or the rows of a file.

    Raises:
        FileNotFoundError: There is no such file, or no model.
        ValueError: The file or the model cannot be read.
    """
    # Not with pathlib, which fails on a text that is too long for a name or begins with ~.
    path = Path(os.path.expanduser(options.source))
    if options.source != STANDARD_INPUT and not os.path.exists(path):
        _answer_text(options, path)
        return
    if path.is_dir():
        raise ValueError(
            f"{options.source} is a folder; expected a file, or a text. Give the path of a file in it."
        )
    with tempfile.TemporaryDirectory(prefix="sentimill-") as scratch, _table(options, Path(scratch)) as table:
        _classify_table(options, table, path)


def _answer_text(options: ClassifyOptions, path: Path) -> None:
    """Answer a text, unless what was given looks like a path."""
    if path.suffix.lower() in TABLES and " " not in options.source.strip():
        raise FileNotFoundError(
            f"{options.source} is missing (looked for {path.absolute()}); expected a file. Check the path."
        )
    from deployments.classify.judging import answer_texts

    (answer,) = answer_texts(options, [options.source])
    labels = ", ".join(answer["predicted"]) or "no label"
    doubt = ", unsure" if answer["unsure"] else ""
    lines = [f"{labels} (confidence {answer['confidence']:.2f}{doubt})"]
    ranked = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])
    lines += [f"  {p:.3f}  {name}" for name, p in ranked[:5]]
    sys.stdout.write("\n".join(lines) + "\n")


@contextmanager
def _table(options: ClassifyOptions, scratch: Path) -> Iterator[Path]:
    """The file, unpacked; standard input goes to a file first, so that it can be looked at twice."""
    if options.source != STANDARD_INPUT:
        yield unpacked(Path(options.source).expanduser(), scratch)
        return
    taken = scratch / "standard input"
    with taken.open("wb") as out:
        shutil.copyfileobj(sys.stdin.buffer, out)
    with taken.open("rb") as file:
        ending = ".jsonl" if file.read(64).lstrip(b"\xef\xbb\xbf \n\r\t").startswith(b"{") else ".csv"
    yield taken.rename(scratch / f"standard input{ending}")


def _classify_table(options: ClassifyOptions, table: Path, given: Path) -> None:
    from deployments.classify.judging import answered, source_of
    from deployments.classify.writing import CsvRows, Portions, as_lines, rows_of

    source, arithmetic = source_of(options)
    chunks = records_in(table, options.rows, [options.text] if options.text else [])
    first = next(chunks, None)
    if not first:
        raise ValueError(f"{table.name} holds no rows; expected some. Check the file.")
    config = RealConfig(path=options.source, text=options.text)
    column, note = text_column(pd.DataFrame.from_records(first), config, table.name)
    sys.stderr.write(f"texts from column {column!r}{f' ({note})' if note else ''}\n")
    portions = None
    if options.out:
        about: dict[str, Any] = {
            "source": _stamp(given, table),
            "column": column,
            "model": source.sha256,
            "run": source.run,
            "arithmetic": arithmetic,
        }
        about |= {"scrub": options.scrub, "rows": options.rows}
        portions = Portions(options.out.expanduser(), about)
    n_done = portions.n_done if portions else 0
    chunks = islice(_checked(_with_first(first, chunks), column, table.name), n_done, None)
    lines = CsvRows().lines if table.suffix.lower() in CSV else as_lines
    with tqdm(unit="row", initial=n_done * options.rows) as bar:
        found = answered(options, chunks, lambda records: [_text(record, column) for record in records])
        for records, answers in found:
            rows = rows_of(records, answers)
            if portions:
                portions.add(rows)
            else:
                sys.stdout.write(lines(rows))
            bar.update(len(rows))
    if portions:
        portions.finish()


def _with_first(first: list[Record], rest: Iterator[list[Record]]) -> Iterator[list[Record]]:
    yield first
    yield from rest


def _checked(chunks: Iterator[list[Record]], column: str, name: str) -> Iterator[list[Record]]:
    """Chunks without a text that is a whole file."""
    n_before = 0
    for chunk in chunks:
        require_short([_text(record, column) for record in chunk], place_in(name, n_before))
        n_before += len(chunk)
        yield chunk


def _text(record: Record, column: str) -> str:
    value = record.get(column)
    return "" if value is None or value != value else str(value)  # nan is not itself


def _stamp(given: Path, table: Path) -> list[Any]:
    """What tells an input from another: path, size and time of a file, content of standard input."""
    if str(given) == STANDARD_INPUT:
        with table.open("rb") as file:
            return [hashlib.file_digest(file, "sha256").hexdigest()]
    stat = given.stat()
    return [str(given.absolute()), stat.st_size, stat.st_mtime_ns]
