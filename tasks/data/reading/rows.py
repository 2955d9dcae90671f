"""Tables of all files as rows: text, labels, score, split, id."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import pandas as pd

from tasks.config.real import RealConfig
from tasks.data.reading.columns import Columns, are_flags, columns_of
from tasks.data.reading.folders import names_beside
from tasks.data.reading.labels import LabelColumn, read_flags, read_labels
from tasks.data.reading.names import split_of
from tasks.data.reading.numbers import Names
from tasks.data.reading.raters import merge_raters
from tasks.data.reading.source import Tables, local_path
from tasks.data.reading.table import Table, require_short
from tasks.data.reading.treebank import detokenise, is_treebank

SPLIT = "\0split"
"""Column of our own beside the files', named as none of theirs."""


@dataclass(frozen=True)
class Joined:
    """All files of a data set as one frame, and its columns."""

    name: str
    """What messages call the data."""
    tables: Tables
    frame: pd.DataFrame
    columns: Columns
    beside: tuple[list[str], Path] | None
    """Names of label ids in a file beside the data, and that file."""

    @property
    def notes(self) -> list[str]:
        """What was guessed so far."""
        return [*(note for _, table in self.tables for note in table.notes), *self.columns.notes]

    def place(self, row: int) -> str:
        """File and row of the row at an index of the frame."""
        ends = list(accumulate(len(table.frame) for _, table in self.tables))
        table = bisect_right(ends, row)
        return f"{self.tables[table][1].name} row {row - (ends[table - 1] if table else 0) + 1}"


def join_tables(tables: Tables, config: RealConfig) -> Joined:
    """Join tables, and find the columns that all have.

    Raises:
        ValueError: A column cannot be found, or a file has none for what others have.
    """
    name = tables[0][1].name if len(tables) == 1 else config.path
    beside = names_beside(local_path(config.path))
    has_names = beside is not None
    frame = _frame(tables)
    columns = columns_of(frame.drop(columns=SPLIT), config, name, has_names)
    alike = [(split, _renamed(table, columns, config, has_names)) for split, table in tables]
    if any(new is not old for (_, new), (_, old) in zip(alike, tables, strict=True)):
        frame = _frame(alike)
        columns = columns_of(frame.drop(columns=SPLIT), config, name, has_names)
    return Joined(name, alike, frame, columns, beside)


def _frame(tables: Tables) -> pd.DataFrame:
    frames = [table.frame.assign(**{SPLIT: split or ""}) for split, table in tables]
    return pd.concat(frames, ignore_index=True)


def _renamed(table: Table, columns: Columns, config: RealConfig, has_names: bool) -> Table:
    """The table with its text and its labels under the names that other files give them."""
    missing = [column for column in (columns.text, *columns.labels[:1]) if column not in table.frame]
    if not missing:
        return table
    try:
        own = columns_of(table.frame, config, table.name, has_names)
    except ValueError:
        own = None
    if own is None or len(own.labels) != 1 or len(columns.labels) != 1:
        raise ValueError(
            f"{table.name} has columns {', '.join(map(str, table.frame.columns))}; expected "
            f"{missing[0]!r}, as the other files have. Give all files the same columns."
        )
    names = {own.text: columns.text, own.labels[0]: columns.labels[0]}
    others = table.frame.drop(columns=[name for name in names.values() if name not in names], errors="ignore")
    told = ", ".join(f"{old!r} as {new!r}" for old, new in names.items() if old != new)
    return replace(
        table,
        frame=others.rename(columns=names),
        classes={names.get(name, name): classes for name, classes in table.classes.items()},
        notes=[*table.notes, f"{table.name}: {told}, which other files call so"],
    )


def rows_of(data: Joined, config: RealConfig) -> tuple[pd.DataFrame, dict[str, int], list[str]]:
    """Rows with a text that somebody labelled, the labels of several people made one.

    Returns:
        A frame with columns `id`, `text`, `labels`, `score`, `split`, `generated`; rows left out by reason;
        and notes.

    Raises:
        ValueError: A cell cannot be read.
    """
    read = _labels(data, config)
    rows = pd.DataFrame(
        {
            "id": _ids(data),
            "text": _texts(data),
            "labels": pd.Series(read.labels, dtype=object),
            "score": pd.Series(read.scores, dtype=float) if read.scores else float("nan"),
            "split": _splits(data),
            "generated": _generated(data),
        }
    )
    empty = rows["text"].str.strip() == ""
    hidden = rows["labels"].isna()
    rows = rows[~(empty | hidden)].reset_index(drop=True)
    dropped = {"empty text": int(empty.sum()), "not labelled": int((hidden & ~empty).sum())}
    notes = list(read.notes)
    if data.columns.rater:
        n_before = len(rows)
        rows, dropped["people disagree"] = merge_raters(rows)
        notes.append(
            f"{n_before:,} answers of several people are made {len(rows):,} rows: labels that two gave"
        )
    if is_treebank(rows["text"].tolist()):
        rows["text"] = [detokenise(text) for text in rows["text"]]
        notes.append("texts are Treebank tokens and are put back as people write them")
    return rows, {reason: n for reason, n in dropped.items() if n}, notes


def _labels(data: Joined, config: RealConfig) -> LabelColumn:
    columns = list(data.columns.labels)
    if not columns:
        return LabelColumn([() for _ in range(len(data.frame))])
    cells = data.frame[columns]
    if are_flags(cells, explicit=bool(config.labels)):
        return read_flags(cells, data.place)
    (column,) = columns
    classes = next((table.classes[column] for _, table in data.tables if column in table.classes), None)
    names = Names(classes) if classes else None
    if names is None and data.beside:
        names = Names(data.beside[0], data.beside[1].name)
    return read_labels(cells[column], names, config.separator, data.place)


def _texts(data: Joined) -> list[str]:
    cells = data.frame[data.columns.text]
    texts = ["" if cell is None or cell != cell else str(cell) for cell in cells]  # nan is not itself
    require_short(texts, data.place)
    return texts


def _generated(data: Joined) -> "pd.Series[bool]":
    """Whether the data, as our own files do, says that a generator wrote the text."""
    said = data.frame.get("source", pd.Series("", index=data.frame.index))
    return said == "synthetic"


def _ids(data: Joined) -> list[str]:
    """Ids of the data where they tell rows apart, else split and number."""
    column = data.columns.id
    if column and (data.columns.rater or data.frame[column].astype(str).is_unique):
        return data.frame[column].astype(str).tolist()
    numbers = data.frame.groupby(SPLIT).cumcount() + 1
    return [f"{split or 'row'}-{number}" for split, number in zip(data.frame[SPLIT], numbers, strict=True)]


def _splits(data: Joined) -> Sequence[str]:
    """Split of every row, from a column or else from the file's name; empty where neither says."""
    column = data.columns.split
    if column is None:
        return data.frame[SPLIT].tolist()
    words = data.frame[column].fillna("").astype(str)
    splits = words.map({word: split_of(word) if word else "" for word in words.unique()})
    if splits.isna().any():
        row = int(splits.isna().to_numpy().argmax())
        raise ValueError(
            f"{data.place(row)}: column {column!r} holds {words.iloc[row][:40]!r}; expected train, "
            "validation or test. Fix the row, or name another column: --real.split COLUMN."
        )
    return splits.where(words != "", data.frame[SPLIT]).tolist()
