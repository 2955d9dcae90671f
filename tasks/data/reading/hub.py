"""Data sets of the Hugging Face Hub, and folders that `save_to_disk` wrote."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.data.reading.names import split_of
from tasks.data.reading.table import Table
from tasks.data.reading.tables import classes_of

NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?(?::[\w.-]+)?")
"""`name`, `owner/name`, either with `:configuration`."""
SHORT = {"go_emotions": "google-research-datasets/go_emotions"}


def is_hub_name(path: str) -> bool:
    """Whether a path that is not there can be the name of a data set on the hub."""
    return bool(NAME.fullmatch(path)) and not path.startswith(".") and Path(path).suffix.lower() not in _FILES


_FILES = {
    *".csv .tsv .tab .jsonl .ndjson .json .parquet .pq .xlsx .xls .ods .spacy .txt".split(),
    *".gz .bz2 .xz .zip".split(),
}


def read_hub(name: str) -> list[tuple[str | None, Table]]:
    """Splits of a data set on the hub.

    Raises:
        ValueError: There is no such data set, the hub does not answer, or a configuration must be chosen.
    """
    from datasets import load_dataset

    plain, _, configuration = name.partition(":")
    try:
        # It warns at each of five tries; the last error says it all.
        with _without_warnings("huggingface_hub"):
            found = load_dataset(SHORT.get(plain, plain), configuration or None)
    except (OSError, ValueError, RuntimeError) as error:
        said = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"real data {name!r} is no file or folder here, and the Hugging Face Hub gave no data set of "
            f"that name ({said}); expected a path, or a name such as owner/name or owner/name:configuration. "
            "Check the path, or the network."
        ) from None
    return _splits(found, name)


@contextmanager
def _without_warnings(library: str) -> Iterator[None]:
    logger = logging.getLogger(library)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` of `datasets` wrote a folder."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def read_saved(folder: Path) -> list[tuple[str | None, Table]]:
    """Splits of a folder that `save_to_disk` wrote."""
    from datasets import load_from_disk

    return _splits(load_from_disk(str(folder)), folder.name)


def _splits(found: Any, name: str) -> list[tuple[str | None, Table]]:
    parts = found if hasattr(found, "keys") else {"": found}
    return [
        (split_of(part) if len(parts) > 1 else None, _table(data, f"{name} {part}".strip()))
        for part, data in parts.items()
    ]


def _table(data: Any, name: str) -> Table:
    return Table(name, data.with_format("arrow")[:].to_pandas(), classes_of(data.features))
