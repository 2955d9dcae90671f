"""From what the user typed to tables: a file, a folder, or a name on the hub."""

from pathlib import Path

import pandas as pd

from tasks.config.real import RealConfig
from tasks.data.reading.folders import SplitFile, files_in
from tasks.data.reading.hub import is_hub_name, is_saved, read_hub, read_saved
from tasks.data.reading.presets import plain_table
from tasks.data.reading.table import Table
from tasks.data.reading.tables import read_table
from tasks.data.reading.unpacking import unpacked

Tables = list[tuple[str | None, Table]]
"""Split and table of every file; the split is None where nothing says."""


def local_path(path: str) -> Path:
    """Path of the data with `~` resolved."""
    return Path(path).expanduser()


def tables_of(config: RealConfig, scratch: Path) -> Tables:
    """Tables of a data set, known forms made plain.

    Args:
        config: Where the data is, and the columns that the user named.
        scratch: Folder for what is unpacked.

    Raises:
        FileNotFoundError: There is nothing at the path.
        ValueError: A file cannot be read.
    """
    return [(split, plain_table(table)) for split, table in _tables(config, scratch)]


def _tables(config: RealConfig, scratch: Path) -> Tables:
    path = local_path(config.path)
    if path.is_dir():
        if is_saved(path):
            return read_saved(path)
        return [(file.split, _table(file, config, scratch)) for file in files_in(path)]
    if path.exists():
        return [(None, _table(SplitFile(None, path), config, scratch))]
    if is_hub_name(config.path):
        return read_hub(config.path)
    raise FileNotFoundError(
        f"real data {config.path!r} is not there (looked for {path.absolute()}); expected a file, a folder, "
        "or the name of a data set on the Hugging Face Hub. Check the path given as --real."
    )


def _table(file: SplitFile, config: RealConfig, scratch: Path) -> Table:
    wanted = [name for name in (config.text, config.split, *config.labels) if name]
    table = read_table(unpacked(file.path, scratch), wanted, config.sheet)
    return table if file.labels is None else _with_labels(table, file.labels)


def _with_labels(texts: Table, path: Path) -> Table:
    """Texts and the labels of another file, line by line."""
    labels = path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
    if len(labels) != len(texts.frame):
        raise ValueError(
            f"{texts.name} has {len(texts.frame):,} lines and {path.name} {len(labels):,}; expected as many "
            "labels as texts. Fetch both files again."
        )
    frame = texts.frame.assign(labels=pd.Series([label.strip() for label in labels], dtype=object))
    return Table(texts.name, frame, notes=[f"{texts.name}: labels come from {path.name}"])
