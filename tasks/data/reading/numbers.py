"""Labels that are numbers: ids with or without names, stars, and scores from 0 to 1."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tasks.data.reading.names import STARS, normal

MOST_STARS = 5
MOST_POINTS = 10

_IDS = re.compile(r"\d+(?:\s*[,|;# ]\s*\d+)+")
_STARS = re.compile(r"(\d(?:[.,]\d)?)\s*(?:-?\s*stars?|/\s*5|out of 5)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[01],\d+")

Values = tuple[float, ...]


class Names(NamedTuple):
    """Names of label ids, in their order."""

    names: Sequence[str]
    file: str = ""
    """File that they come from; empty where the data itself has them."""


class Numbers(NamedTuple):
    """Labels and scores of the distinct cells of a column."""

    labels: list[tuple[str, ...]]
    scores: list[float] | None
    notes: list[str]


def are_stars(cells: Sequence[tuple[Any, ...]], column: str) -> bool:
    """Whether numbers are stars if they can be: by the name of the column, or by what the cells say."""
    texts = (str(atom).strip() for cell in cells for atom in cell)
    return normal(column) in STARS or any(set(text) <= {"★", "☆"} or _STARS.fullmatch(text) for text in texts)


def as_numbers(cells: Sequence[tuple[Any, ...]], column: str, separator: str | None) -> list[Values] | None:
    """Numbers in every distinct cell; None if some cell holds something else, or all are empty."""
    found = list[Values]()
    for cell in cells:
        values = [_values(atom, column, separator) for atom in cell]
        if any(value is None for value in values):
            return None
        found.append(tuple(number for value in values if value for number in value))
    return found if any(found) else None


def _values(atom: Any, column: str, separator: str | None) -> Values | None:
    if isinstance(atom, bool):
        return None
    if isinstance(atom, int | float):
        return (float(atom),)
    text = str(atom).strip()
    if set(text) <= {"★", "☆"}:
        return (float(text.count("★")),)
    if stars := _STARS.fullmatch(text):
        return (float(stars[1].replace(",", ".")),)
    if _DECIMAL_COMMA.fullmatch(text) and normal(column) in STARS:
        return (float(text.replace(",", ".")),)
    if separator != "" and _IDS.fullmatch(text):
        return tuple(float(number) for number in re.findall(r"\d+", text))
    try:
        return (float(text),)
    except ValueError:
        return None


def named_numbers(
    cells: Sequence[Values],
    column: str,
    names: Names | None,
    stars: bool,
    place: Callable[[int], str],
) -> Numbers:
    """Labels of cells of numbers.

    Args:
        cells: Numbers of every distinct cell.
        column: Name of the column.
        names: Names of ids, in their order.
        stars: Whether they are stars if they can be, see `are_stars`.
        place: File and row of the first row with the distinct cell of a number.

    Raises:
        ValueError: An id has no name, or a number is neither id nor star nor score.
    """
    if names is not None:
        return _ids(cells, column, names, place)
    alone = [cell[0] if cell else float("nan") for cell in cells]
    given = [number for cell in cells for number in cell]
    if all(len(cell) <= 1 for cell in cells):
        if all(0 <= number <= 1 for number in given) and not all(number.is_integer() for number in given):
            return Numbers([() for _ in cells], alone, [f"column {column!r} is read as scores from 0 to 1"])
        top = _top(given, stars)
        if top:
            labels = [_stars(cell) for cell in cells]
            note = f"column {column!r} is read as stars from 1 to {top}"
            return Numbers(labels, [(number - 1) / (top - 1) for number in alone], [note])
    if not all(number.is_integer() for number in given):
        farthest = max(given, key=lambda number: abs(number - 0.5))  # from what a score can be
        odd = next(i for i, cell in enumerate(cells) if farthest in cell)
        raise ValueError(
            f"{place(odd)}: column {column!r} holds {farthest:g}; expected names, ids, "
            "stars from 1 to 5, or scores from 0 to 1. Name the column of the labels: --real.labels COLUMN."
        )
    note = (
        f"column {column!r} holds numbers without names; put a labels.txt with one name per line beside the "
        "file, or give the numbers as aliases in the taxonomy"
    )
    return Numbers([tuple(str(int(number)) for number in cell) for cell in cells], None, [note])


def _ids(cells: Sequence[Values], column: str, given: Names, place: Callable[[int], str]) -> Numbers:
    names = given.names
    for i, cell in enumerate(cells):
        for number in cell:
            if not number.is_integer() or not 0 <= number < len(names) or not names[int(number)]:
                raise ValueError(
                    f"{place(i)}: column {column!r} holds the label id {number:g}; expected ids "
                    f"from 0 to {len(names) - 1}, which have names ({', '.join(names[:3])} ...). Fix the "
                    "row, or the file of names."
                )
    notes = [f"names of the label ids come from {given.file}"] if given.file else []
    return Numbers([tuple(dict.fromkeys(names[int(n)] for n in cell)) for cell in cells], None, notes)


def _top(numbers: Sequence[float], called_stars: bool) -> int | None:
    """Most stars there are; None where numbers are no stars.

    Ids begin at 0, so 1 to 5 are stars whatever their column is called.
    """
    whole = all(number.is_integer() for number in numbers)
    if whole and set(numbers) == set(range(1, MOST_STARS + 1)):
        return MOST_STARS
    if not called_stars or not all(1 <= number <= MOST_POINTS for number in numbers):
        return None
    return MOST_STARS if max(numbers) <= MOST_STARS else MOST_POINTS


def _stars(cell: Values) -> tuple[str, ...]:
    """Name of a number of stars; half a star has none, and goes by its score."""
    if not cell or not cell[0].is_integer():
        return ()
    return (f"{int(cell[0])} star{'' if cell[0] == 1 else 's'}",)
