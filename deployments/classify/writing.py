"""Rows with their answers, written in portions: whoever stops the command loses none and doubles none."""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from deployments.classify.judging import Answer
from tasks.data.reading.streams import Record

SEPARATOR = "|"
"""Between the labels of a CSV cell; no label may hold it."""
FORMATS = (".csv", ".jsonl", ".parquet")
MANIFEST = "manifest.json"


def rows_of(records: Sequence[Record], answers: Sequence[Answer]) -> list[Record]:
    """The rows as they came, with their answers behind.

    Raises:
        ValueError: A row has a column of that name already.
    """
    taken = set(records[0]) & set(answers[0]) if records else set()
    if taken:
        name = min(taken)
        raise ValueError(f"the rows have a column {name!r} already; expected none of that name. Rename it.")
    return [{**record, **answer} for record, answer in zip(records, answers, strict=True)]


class CsvRows:
    """Rows as CSV: labels joined by a bar, a column for each probability, the columns of the first row."""

    def __init__(self, columns: Sequence[str] | None = None) -> None:
        """Begin a file, or go on in one with these columns."""
        self.columns = columns

    def lines(self, rows: Sequence[Record]) -> str:
        """The next rows, after a header if they are the first.

        Raises:
            ValueError: A row has a column that the first lacks.
        """
        flat = [_flat(row) for row in rows]
        columns = self.columns or list(flat[0])
        strange = next((name for row in flat for name in row if name not in columns), None)
        if strange is not None:
            raise ValueError(
                f"a row has a column {strange!r} that the first row lacks; expected the same columns in all, "
                "which CSV needs. Give an --out that ends in .jsonl."
            )
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        if self.columns is None:
            writer.writeheader()
        writer.writerows(flat)
        self.columns = columns
        return out.getvalue()


def _flat(row: Record) -> Record:
    answer = {
        "predicted": SEPARATOR.join(row["predicted"]),
        **{f"probability {name}": p for name, p in row["probabilities"].items()},
    }
    return {k: v for k, v in row.items() if k != "probabilities"} | answer


def as_lines(rows: Sequence[Record]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


class Portions:
    """The folder beside the output in which finished portions wait until all are there."""

    def __init__(self, out: Path, about: dict[str, Any]) -> None:
        """Open the folder of an earlier attempt; the first portion makes it where there is none.

        Args:
            out: The file that is wanted in the end.
            about: What decides the rows: input, model, options.

        Raises:
            ValueError: The ending is unknown, or the earlier attempt was another command.
        """
        if out.suffix.lower() not in FORMATS:
            raise ValueError(f"--out is {out.name}; expected a name that ends in {', '.join(FORMATS)}.")
        self.out = out
        self.folder = out.with_name(out.name + ".portions")
        self._about = about
        manifest = self.folder / MANIFEST
        if manifest.is_file() and json.loads(manifest.read_bytes()) != about:
            raise ValueError(
                f"{self.folder} holds rows of another command (other input, model or options); expected "
                "those of this one. Remove the folder, or give another --out."
            )

    @property
    def n_done(self) -> int:
        """Portions that are finished; they are written in order."""
        return len(self._files())

    def add(self, rows: Sequence[Record]) -> None:
        """Write the next portion, whole or not at all."""
        number = self.n_done
        if not number:
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(self.folder / MANIFEST, json.dumps(self._about).encode())
        if self.out.suffix.lower() == ".parquet":
            content = _parquet(rows)
        elif self.out.suffix.lower() == ".csv":
            content = CsvRows(self._columns()).lines(rows).encode()
        else:
            content = as_lines(rows).encode()
        _replace(self.folder / f"{number:08d}", content)

    def _columns(self) -> list[str] | None:
        """Columns of the first portion; None before there is one."""
        files = self._files()
        if not files:
            return None
        with files[0].open(encoding="utf-8", newline="") as first:
            return next(csv.reader(first))

    def finish(self) -> None:
        """Make one file of all portions and remove them."""
        whole = self.folder / "whole"
        if self.out.suffix.lower() == ".parquet":
            _join_parquet(self._files(), whole)
        else:
            with whole.open("wb") as out:
                for file in self._files():
                    with file.open("rb") as part:
                        shutil.copyfileobj(part, out)
        whole.replace(self.out)
        shutil.rmtree(self.folder)

    def _files(self) -> list[Path]:
        return sorted(file for file in self.folder.glob("[0-9]*") if file.name.isdigit())


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    scratch = path.with_suffix(".new")
    with scratch.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _parquet(rows: Sequence[Record]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), buffer)
    return buffer.getvalue()


def _join_parquet(files: Sequence[Path], whole: Path) -> None:
    """One file of all portions; a column that is empty in one takes its kind from the others."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schemas = [pq.read_schema(file) for file in files]
    schema = pa.unify_schemas(schemas, promote_options="permissive")
    with pq.ParquetWriter(whole, schema) as writer:
        for table in _tables(files):
            whole_table = pa.concat_tables([schema.empty_table(), table], promote_options="permissive")
            writer.write_table(whole_table)


def _tables(files: Sequence[Path]) -> Iterator[Any]:
    import pyarrow.parquet as pq

    return (pq.read_table(file) for file in files)
