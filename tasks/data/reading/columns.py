"""Which columns hold the text, the labels, the split and the id: as the user says, by name, or by content."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.config.real import RealConfig
from tasks.data.reading import names
from tasks.data.reading.names import normal

SAMPLE = 2_000
"""Rows that a guess by content looks at."""
TEXT_WORDS = 3.0
"""Mean words of a column from which it may be the text without being called so."""
MOST_LABELS = 200
"""Distinct cells up to which a column may be the labels without being called so."""
LABEL_CHARS = 60
ZERO_ONE = frozenset({"0", "1", "0.0", "1.0", "", "true", "false", "none", "nan"})


class Columns(NamedTuple):
    """Columns that were taken, and what of it was guessed."""

    text: str
    labels: tuple[str, ...]
    """Empty where there are none, several where each is one label of 0 and 1."""
    split: str | None
    id: str | None
    rater: str | None
    notes: tuple[str, ...]


def columns_of(
    frame: pd.DataFrame, config: RealConfig, where: str, has_names: bool = False, needs_labels: bool = True
) -> Columns:
    """Find the columns of a table.

    Args:
        frame: Cells of all files.
        config: What the user said about them.
        where: Name of the data, for messages.
        has_names: Whether a file beside the data names ids; a column of ids is then the labels.
        needs_labels: Whether data without labels is refused.

    Raises:
        ValueError: A column that the user named is not there, or one cannot be guessed.
    """
    head = frame.head(SAMPLE)
    text, text_note = text_column(head, config, where)
    split = _split_column(frame, config)
    known = {text, split}
    ids = _first(names.IDS, [name for name in frame.columns if name not in known])
    rater = _first(names.RATERS, [name for name in frame.columns if name not in known])
    rest = [name for name in frame.columns if name not in known | {ids, rater}]
    labels, labels_note = _label_columns(head[rest], config, where, has_names, needs_labels)
    ids = ids or _keys(frame[[name for name in rest if name not in labels]])
    return Columns(text, labels, split, ids, rater, tuple(note for note in (text_note, labels_note) if note))


def text_column(frame: pd.DataFrame, config: RealConfig, where: str) -> tuple[str, str]:
    """The column that holds the text, and how it was guessed.

    Raises:
        ValueError: The column that the user named is not there, or none can be guessed.
    """
    if config.text:
        return _named(config.text, frame.columns, "text", where), ""
    taken = set(config.labels)
    by_name = [name for name in frame.columns if name not in taken and _is_text(frame[name])]
    found = _first(names.TEXT, by_name)
    if found:
        return found, ""
    wordy = {name: _mean_words(frame[name]) for name in by_name}
    wordy = {name: n for name, n in wordy.items() if n >= TEXT_WORDS}
    if not wordy:
        raise ValueError(
            f"{where} has columns {_listed(frame.columns)}; expected one with the text, called "
            f"{', '.join(names.TEXT[:6])} or so. Name it: --real.text COLUMN."
        )
    best = max(wordy, key=lambda name: wordy[name])
    return best, f"column {best!r} is taken as the text: it holds the most words"


def _label_columns(
    frame: pd.DataFrame, config: RealConfig, where: str, has_names: bool, needed: bool
) -> tuple[tuple[str, ...], str]:
    if config.labels:
        return tuple(_named(name, frame.columns, "labels", where) for name in config.labels), ""
    found = [name for label in names.LABELS for name in frame.columns if normal(name) == label]
    found = [name for name in found if not _is_text_only(frame[name])]
    if found:
        others = f"; not {', '.join(found[1:4])}" if len(found) > 1 else ""
        return (found[0],), f"column {found[0]!r} is taken as the labels{others}" if others else ""
    flags = [name for name in frame.columns if normal(name) not in names.META and _is_flag(frame[name])]
    if len(flags) > 1:
        return tuple(flags), f"columns {_listed(flags)} are taken as labels: they hold 0 and 1"
    for kind, reason in ((_are_ids, "it holds label ids"), (_few_values, "it holds few different values")):
        fit = (
            [name for name in frame.columns if kind(frame[name])] if has_names or kind is _few_values else []
        )
        if len(fit) == 1:
            return (fit[0],), f"column {fit[0]!r} is taken as the labels: {reason}"
    if not needed:
        return (), ""
    there = f"columns {_listed(frame.columns)}" if len(frame.columns) else "no column"
    raise ValueError(
        f"{where} has {there} beside the text; expected one with the labels, called "
        f"{', '.join(names.LABELS[3:7])} or so, or a column of 0 and 1 per label. Name it: --real.labels "
        "COLUMN."
    )


def _split_column(frame: pd.DataFrame, config: RealConfig) -> str | None:
    """The column of splits; a column called `set` that holds something else is none."""
    if config.split in frame.columns:
        return config.split
    found = _first(names.SPLITS, frame.columns)
    if found is None or not set(map(names.split_of, map(str, frame[found].unique()))) - {None}:
        return None
    return found


def _keys(frame: pd.DataFrame) -> str | None:
    """The one column that tells rows apart by words without blanks, whatever it is called."""
    head = frame.head(SAMPLE)
    found = [str(name) for name in frame if all(isinstance(cell, str) and cell for cell in head[name])]
    found = [name for name in found if head[name].is_unique and not head[name].str.contains(" ").any()]
    return found[0] if len(found) == 1 and frame[found[0]].is_unique else None


def _first(wanted: Iterable[str], columns: Iterable[str]) -> str | None:
    """The column with the first of the names that any has."""
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(normal(column), column)
    return next((by_name[name] for name in wanted if name in by_name), None)


def _named(name: str, columns: Iterable[str], option: str, where: str) -> str:
    """The column that the user named, in any case if need be."""
    columns = list(columns)
    alike = [column for column in columns if column == name] or [
        c for c in columns if normal(c) == normal(name)
    ]
    if alike:
        return alike[0]
    close = get_close_matches(name, columns, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ValueError(
        f"{where} has columns {_listed(columns)}; expected {name!r}, as --real.{option} says.{hint} Name "
        "one of them."
    )


def _is_text(cells: pd.Series) -> bool:
    """Whether some cell is a string that is no number."""
    texts = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    return bool(texts) and not pd.to_numeric(pd.Series(texts, dtype=str), errors="coerce").notna().all()


def _is_text_only(cells: pd.Series) -> bool:
    """Whether a column that is called like labels holds prose, such as `topic` or `target` may."""
    strings = [cell for cell in cells if isinstance(cell, str)]
    if len(strings) < len(cells) or not strings:
        return False
    return _mean_words(cells) > 2 * TEXT_WORDS and len(set(strings)) > len(strings) / 2


def _mean_words(cells: pd.Series) -> float:
    counts = [len(cell.split()) for cell in cells if isinstance(cell, str)]
    return float(np.mean(counts)) if counts else 0.0


def _is_flag(cells: pd.Series) -> bool:
    """Whether a column holds nothing but 0 and 1, and both or at least one of them."""
    try:
        values = {str(value).strip().casefold() for value in cells.unique()}
    except TypeError:  # lists cannot be hashed
        return False
    return values <= ZERO_ONE and bool(values - {"", "none", "nan"})


def are_flags(frame: pd.DataFrame, explicit: bool) -> bool:
    """Whether the label columns are one label each: several, or one of 0 and 1 that the user named."""
    (first, *others) = frame.columns
    return bool(others) or (explicit and normal(first) not in names.LABELS and _is_flag(frame[first]))


def _are_ids(cells: pd.Series) -> bool:
    """Whether every cell is empty or holds small numbers, joined by commas."""
    return bool(cells.astype(str).str.fullmatch(r"(\d{1,4}(,\s*\d{1,4})*)?").all())


def _few_values(cells: pd.Series) -> bool:
    strings = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    if not strings or len(strings) < len(cells) / 2:
        return False
    distinct = set(strings)
    return 1 < len(distinct) <= min(MOST_LABELS, len(strings) // 2) and max(map(len, distinct)) <= LABEL_CHARS


def _listed(columns: Sequence[str] | Iterable[str], n: int = 12) -> str:
    listed = [str(name) for name in columns]
    return ", ".join(listed[:n]) + (f" and {len(listed) - n} more" if len(listed) > n else "")
