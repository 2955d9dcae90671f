"""Label cells read: names, ids, lists, texts of lists, several columns of 0 and 1, stars and scores."""

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tasks.data.reading.numbers import Names, Numbers, are_stars, as_numbers, named_numbers

SEPARATORS = ("|", ";", "#", ",")
COMMA = ","
FLAG = 0.5
"""Value of a column of 0..1 from which a row carries its label."""
KEYS = ("choices", "label", "labels", "name", "value", "text", "id")
"""Where tools put a label inside an object, the first that is there."""

_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_TRUE = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}

Labels = tuple[str, ...]
Place = Callable[[int], str]
"""File and row of the row at an index."""
Atoms = tuple[Any, ...]


def _row_number(row: int) -> str:
    return f"row {row + 1}"


@dataclass(frozen=True)
class LabelColumn:
    """Labels of every row, and where the column holds degrees, the degree."""

    labels: list[Labels | None]
    """In the data's own names; empty where a row carries none, None where nobody has labelled it."""
    scores: list[float] | None = None
    """Degree of every row, 0 to 1, 1 the highest; None where labels are names."""
    notes: list[str] = field(default_factory=list)


def read_labels(
    cells: pd.Series, names: Names | None = None, separator: str | None = None, place: Place = _row_number
) -> LabelColumn:
    """Read one column of labels.

    Args:
        cells: Strings, numbers, lists, or what tools write in their place; its name is the column's.
        names: Names of ids; None where there are none.
        separator: What stands between two labels of a cell; None guesses, and "" divides nothing.
        place: File and row of a row, for messages.

    Raises:
        ValueError: A number is neither id nor star nor score, or the labels are of parts of a text.
    """
    index: dict[Hashable, int] = {}
    codes = [index.setdefault(_key(cell), len(index)) for cell in cells]
    atoms = [_atoms(key) for key in index]
    column = str(cells.name)
    numbers = as_numbers(atoms, column, separator)
    if numbers is not None:
        stars = are_stars(atoms, column)
        found = named_numbers(numbers, column, names, stars, lambda i: place(codes.index(i)))
    else:
        found = _named(list(index), atoms, separator, column)
    labels: list[Labels | None] = [found.labels[code] for code in codes]
    scores = None if found.scores is None else [found.scores[code] for code in codes]
    return LabelColumn(labels, scores, found.notes)


def _key(cell: Any) -> Hashable:
    """The cell itself where it can be hashed, else the labels in it."""
    return cell if isinstance(cell, str | int | float) else _atoms(cell)


def _atoms(cell: Any) -> Atoms:
    """What a cell holds, as strings and numbers."""
    if isinstance(cell, str):
        return _atoms_of_string(cell.strip())
    if isinstance(cell, dict):
        return _atoms_of_object(cell)
    if isinstance(cell, list | tuple | np.ndarray):
        if len(cell) == 3 and all(isinstance(part, int) for part in cell[:2]) and isinstance(cell[2], str):
            raise ValueError(
                f"labels hold the span {list(cell)!r}; expected labels of whole texts. Give a data set for "
                "text classification."
            )
        return tuple(atom for part in cell for atom in _atoms(part))
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return ()
    return (cell.item() if isinstance(cell, np.generic) else cell,)


def _atoms_of_string(text: str) -> Atoms:
    """A text of a list, as JSON, Python or numpy write it, is a list."""
    if text[:1] not in ("[", "{"):
        return (text,) if text else ()
    for parse in (json.loads, ast.literal_eval):
        try:
            parsed = parse(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(parsed, list | tuple | dict) and (text[0] == "{" or "' '" not in text):
            return _atoms(parsed)
    quoted = [one or other for one, other in _QUOTED.findall(text)]
    return tuple(quoted) if quoted and text.endswith("]") else (text,)


def _atoms_of_object(cell: dict[str, Any]) -> Atoms:
    """The label in an object, or the names of its numbers that are high, as in spaCy's `cats`."""
    for key in KEYS:
        if key in cell and not isinstance(cell[key], float | bool):
            return _atoms(cell[key])
    return tuple(name for name, value in cell.items() if isinstance(value, int | float) and value >= FLAG)


def _named(cells: Sequence[Hashable], atoms: Sequence[Atoms], separator: str | None, column: str) -> Numbers:
    """Labels of distinct cells that are names, divided where several stand in one string."""
    plain = [tuple(str(atom).strip() for atom in found) for found in atoms]
    whole = [isinstance(cell, str) and len(found) == 1 for cell, found in zip(cells, plain, strict=True)]
    lists = any(len(found) != 1 for cell, found in zip(cells, plain, strict=True) if cell != "" and found)
    marks = [separator] if separator else []
    if separator is None and not lists:
        marks = _separators([found[0] for found, one in zip(plain, whole, strict=True) if one])
    if not marks:
        return Numbers([tuple(dict.fromkeys(found)) for found in plain], None, [])
    parts = [tuple(dict.fromkeys(part for name in found for part in _parts(name, marks))) for found in plain]
    at = " and ".join(map(repr, marks))
    notes = [f"cells of column {column!r} are divided at {at}"] if separator is None else []
    return Numbers(parts, None, notes)


def _parts(name: str, marks: Sequence[str]) -> list[str]:
    """What stands between marks, without what is empty."""
    found = re.split("|".join(map(re.escape, marks)), name)
    return [part.strip() for part in found if part.strip()]


def _separators(cells: Sequence[str]) -> list[str]:
    """What divides labels; two marks where one file has its own, whose parts are all found elsewhere."""
    first = _separator(cells)
    if first is None:
        return []
    names = {part for cell in cells for part in _parts(cell, [first])}
    for mark in SEPARATORS:
        several = [parts for name in names if mark != first and len(parts := _parts(name, [mark])) > 1]
        if several and all(part in names for parts in several for part in parts):
            return [first, mark]
    return [first]


def _separator(cells: Sequence[str]) -> str | None:
    """What divides labels: a mark that names hardly hold, or a comma whose parts are found elsewhere."""
    for mark in SEPARATORS:
        several = [parts for cell in cells if len(parts := [part.strip() for part in cell.split(mark)]) > 1]
        if not several or not all(part for parts in several for part in parts):
            continue
        seen = Counter(part for cell in cells for part in {part.strip() for part in cell.split(mark)})
        elsewhere = sum(any(seen[part] > 1 for part in parts) for parts in several)
        if mark != COMMA or elsewhere >= len(several) / 2:
            return mark
    return None


def read_flags(frame: pd.DataFrame, place: Place = _row_number) -> LabelColumn:
    """Read columns of 0 and 1, or of probabilities, each of which is one label.

    A row in which every column is empty, or NONE as in hidden test sets, is one that nobody has labelled.

    Raises:
        ValueError: A cell is no number from 0 to 1.
    """
    values = np.column_stack([_flag_values(frame[name], place) for name in frame.columns])
    unlabelled = np.isnan(values).all(axis=1)
    carried = np.nan_to_num(values) >= FLAG  # (n_rows, n_labels)
    patterns, codes = np.unique(carried, axis=0, return_inverse=True)
    columns = list(frame.columns)
    names = [tuple(str(columns[i]) for i in np.flatnonzero(pattern)) for pattern in patterns]
    found: Iterable[tuple[int, bool]] = zip(codes.ravel().tolist(), unlabelled.tolist(), strict=True)
    labels = [None if hidden else names[code] for code, hidden in found]
    whole = np.isin(values, (0.0, 1.0)) | np.isnan(values)
    notes = [] if whole.all() else [f"columns of 0..1 are taken as labels from {FLAG} on"]
    return LabelColumn(labels, None, notes)


def _flag_values(cells: pd.Series, place: Place) -> np.ndarray:
    """Cells as numbers, float64 (n_rows,), nan where there is none."""
    texts = cells.astype(str).str.strip().str.casefold()
    empty = cells.isna() | texts.isin(["", "none", "nan", "null"])
    numbers = pd.to_numeric(texts.map(lambda text: _TRUE.get(text, text)), errors="coerce").to_numpy(float)
    bad = ~empty.to_numpy() & ~((numbers >= 0) & (numbers <= 1))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"{place(row)}: column {cells.name!r} holds {str(cells.iloc[row])[:40]!r}; expected 0 "
            "or 1, or a number between, in each of several label columns. Leave the column out of "
            "--real.labels, or fix the cell."
        )
    return np.where(empty, np.nan, numbers)
