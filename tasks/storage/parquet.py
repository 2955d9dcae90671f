"""Rows as Parquet, with one schema for all data sets."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, Features, Json, List, Value

from tasks.data.records import Row

TEXT, NAMES = Value("string"), List(Value("string"))
FEATURES = Features(
    {
        "id": TEXT,
        "text": TEXT,
        "labels": NAMES,
        "level": Value("int32"),
        "targets": List(Value("float32")),
        "weight": Value("float32"),
        "topic": TEXT,
        "scenario": TEXT,
        "style": TEXT,
        "prompt_id": TEXT,
        "prompt": TEXT,
        "generator": TEXT,
        "revision": TEXT,
        "seed": Value("int64"),
        "round": Value("int32"),
        "source": TEXT,
        "votes": Json(),
        "scrubbed": Json(),
        "group": TEXT,
        "split": TEXT,
        "segments": List({"start": Value("int32"), "end": Value("int32"), "label": TEXT}),
    }
)
REJECT_FEATURES = Features({**FEATURES, "stage": TEXT, "reason": TEXT})


def parquet_bytes(rows: Sequence[Mapping[str, Any]], features: Features = FEATURES) -> bytes:
    """Rows as one Parquet file; equal rows give equal bytes."""
    # As `Dataset.from_dict` does it, but for its fingerprint, which costs several times what all else does.
    columns = {name: features.encode_column([row[name] for row in rows], name) for name in features}
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pydict(columns, schema=features.arrow_schema), buffer)
    return buffer.getvalue()


def rows_of_parquet(content: bytes) -> list[Row]:
    """Rows of what `parquet_bytes` gave."""
    dataset = Dataset(pq.read_table(io.BytesIO(content)), fingerprint="none")
    return cast("list[Row]", dataset.to_list())
