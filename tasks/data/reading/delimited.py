"""CSV and TSV: delimiter, quotes and header are found in the file, then pandas reads it."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from tasks.data.reading.encoding import Encoding, encoding_of
from tasks.data.reading.names import is_known
from tasks.data.reading.table import MAX_CELL, Table

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
SAMPLE_CHARS = 1 << 18
SAMPLE_ROWS = 50
CONSISTENT = 0.9
"""Share of the sampled rows that must have as many fields as the first."""
HEADER_CHARS = 40
"""Longest name of a column without known names."""
HEADER_WORDS = 4

Quoting = Literal[0, 3]
MINIMAL: Quoting = csv.QUOTE_MINIMAL
NONE: Quoting = csv.QUOTE_NONE


class Dialect(NamedTuple):
    """How the fields of a file are told apart."""

    delimiter: str
    quoting: Quoting
    width: int
    """Fields per row."""
    first: list[str]
    """Fields of the first row."""


class Delimited(NamedTuple):
    """A CSV or TSV file that was checked, and how pandas reads it."""

    options: dict[str, Any]
    """Arguments of `pandas.read_csv`; every cell becomes a string, an empty cell an empty one."""
    notes: list[str]
    has_header: bool


def read_delimited(path: Path, wanted: Sequence[str] = ()) -> Table:
    """Read a CSV or TSV file whole, see `check_delimited`."""
    found = check_delimited(path, wanted)
    frame = pd.read_csv(path, **found.options).fillna("")
    return Table(path.name, frame, notes=found.notes, has_header=found.has_header)


def check_delimited(path: Path, wanted: Sequence[str] = ()) -> Delimited:
    """Find out how a CSV or TSV file is written, and go through all of its rows once.

    Args:
        path: The file.
        wanted: Columns that the user named; a first row that holds them is a header.

    Raises:
        ValueError: A row has more or fewer fields than the first, or a quote that never closes.
    """
    encoding = encoding_of(path)
    head = _head(path, encoding)
    dialect = _dialect(path, encoding, _delimiter(path, head))
    sample = list(islice(_rows(head, dialect.delimiter, dialect.quoting), SAMPLE_ROWS))
    has_header = is_header(dialect.first, sample[1:], wanted)
    columns = _names(dialect, has_header)
    options = {
        "sep": dialect.delimiter,
        "quoting": dialect.quoting,
        "encoding": encoding.name,
        "header": 0 if has_header else None,
        "names": columns,
        "index_col": False,
        "dtype": str,
        "keep_default_na": False,
    }
    notes = [encoding.note, f"{path.name}: fields are divided by a {DELIMITERS[dialect.delimiter]}"]
    if not has_header:
        notes.append(f"{path.name} has no header; its columns are called {', '.join(columns)}")
    return Delimited(options, [note for note in notes if note], has_header)


def is_header(first: Sequence[str], others: Sequence[Sequence[str]], wanted: Sequence[str] = ()) -> bool:
    """Whether the first row names the columns: by names that are known, or because it cannot be data."""
    if any(is_known(cell) for cell in first) or set(wanted) & {cell.strip() for cell in first}:
        return True
    return all(
        cell
        and not _is_number(cell)
        and len(cell) <= HEADER_CHARS
        and len(cell.split()) <= HEADER_WORDS
        and all(cell != row[i] for row in others if i < len(row))
        for i, cell in enumerate(first)
    )


def _names(dialect: Dialect, has_header: bool) -> list[str]:
    """Names of the columns, all different; a column without one gets its number."""
    if not has_header:
        return [f"column {i}" for i in range(1, dialect.width + 1)]
    names = [cell.strip().removeprefix("\ufeff") or f"column {i}" for i, cell in enumerate(dialect.first, 1)]
    seen = Counter[str]()
    for i, name in enumerate(names):
        seen[name] += 1
        names[i] = name if seen[name] == 1 else f"{name}.{seen[name]}"
    return names


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _delimiter(path: Path, head: Sequence[str]) -> str:
    """Delimiter that cuts the first rows into equally many fields."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    return max(DELIMITERS, key=lambda delimiter: _fit(head, delimiter))


def _fit(head: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Share of rows as wide as the first, and that width; (0, 0) where the first row is not cut."""
    quoting = NONE if delimiter == "\t" else MINIMAL
    try:
        widths = [len(row) for row in islice(_rows(head, delimiter, quoting), SAMPLE_ROWS)]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    share = sum(width == widths[0] for width in widths) / len(widths)
    return (share, widths[0]) if share >= CONSISTENT else (share / 2, widths[0])


def _head(path: Path, encoding: Encoding) -> list[str]:
    """First lines of a file, without one that the sample cuts."""
    with path.open(encoding=encoding.name, newline="") as file:
        lines = list(StringIO(file.read(SAMPLE_CHARS), newline=""))
        return lines[:-1] if len(lines) > 1 and file.read(1) else lines


def _rows(lines: Iterable[str], delimiter: str, quoting: Quoting) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL)
    return (row for row in csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True) if row)


def _dialect(path: Path, encoding: Encoding, delimiter: str) -> Dialect:
    """The dialect in which every row of the file has as many fields as the first.

    With tabs, a quote at the beginning of a text may be a quote: it counts as one that encloses the
    field only if that makes no difference to the number of rows.
    """
    if delimiter != "\t":
        return _checked(path, encoding, delimiter, MINIMAL)[0]
    try:
        plain, n_plain = _checked(path, encoding, delimiter, NONE)
    except ValueError as complaint:
        try:
            return _checked(path, encoding, delimiter, MINIMAL)[0]
        except ValueError:
            raise complaint from None
    try:
        quoted, n_quoted = _checked(path, encoding, delimiter, MINIMAL)
    except ValueError:
        return plain
    return quoted if n_quoted == n_plain else plain


def _checked(path: Path, encoding: Encoding, delimiter: str, quoting: Quoting) -> tuple[Dialect, int]:
    """The dialect, and the number of rows; refuses a row of another width than the first."""
    number, first = 0, list[str]()
    try:
        with path.open(encoding=encoding.name, newline="") as lines:
            for number, row in enumerate(_rows(lines, delimiter, quoting), 1):
                first = first or row
                if len(row) != len(first):
                    raise _other_width(path, number, row, first, delimiter)
    except csv.Error as error:
        raise ValueError(
            f"{path.name} row {number + 1} is broken: {error}; expected double quotes around a whole field, "
            f'doubled inside it (""), and at most {MAX_CELL:,} characters. Fix the row.'
        ) from None
    except UnicodeError as error:
        raise ValueError(
            f"{path.name} row {number + 1} is not {encoding.name}: {error}; expected one encoding in the "
            "whole file. Save the file as UTF-8."
        ) from None
    if not first:
        raise ValueError(f"{path.name} is empty; expected a header and rows. Check the file.")
    return Dialect(delimiter, quoting, len(first), first), number


def _other_width(
    path: Path, number: int, row: Sequence[str], first: Sequence[str], delimiter: str
) -> ValueError:
    return ValueError(
        f"{path.name} row {number} has {len(row)} fields; expected {len(first)} as in the first "
        f"({', '.join(cell[:20] for cell in first[:8])}), divided by a {DELIMITERS[delimiter]}. Put a text "
        "that holds the delimiter into double quotes."
    )
