"""A table as records, a chunk at a time: files that are larger than memory."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.data.reading.delimited import check_delimited
from tasks.data.reading.encoding import encoding_of
from tasks.data.reading.tables import read_table, record_of

Record = dict[str, Any]
CSV = (".csv", ".tsv", ".tab")
LINES = (".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")


def records_in(path: Path, size: int, wanted: Sequence[str] = ()) -> Iterator[list[Record]]:
    """Records of a table in their order, at most `size` at a time.

    CSV, JSON lines and Parquet take no more memory than a chunk; other formats are read whole.

    Raises:
        ValueError: The file cannot be read; names the row.
    """
    ending = path.suffix.lower()
    if ending in CSV:
        with pd.read_csv(path, chunksize=size, **check_delimited(path, wanted).options) as chunks:
            for chunk in chunks:
                yield _named(chunk.fillna("").to_dict("records"))
    elif ending in LINES:
        yield from _lines(path, size)
    elif ending in PARQUET:
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(path).iter_batches(batch_size=size):
            yield batch.to_pylist()
    else:
        frame = read_table(path, wanted).frame
        for start in range(0, len(frame), size):
            yield _named(frame.iloc[start : start + size].to_dict("records"))


def _named(records: Sequence[Mapping[Any, Any]]) -> list[Record]:
    return [{str(name): value for name, value in record.items()} for record in records]


def _lines(path: Path, size: int) -> Iterator[list[Record]]:
    with path.open(encoding=encoding_of(path).name) as file:
        numbered = ((n, line) for n, line in enumerate(file, 1) if line.strip())
        while lines := list(islice(numbered, size)):
            yield [record_of(line, f"{path.name} line {n}") for n, line in lines]
