"""A human data set as a run knows it: texts, labels in the data's own names, splits; and what was guessed."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from tasks.config.real import RealConfig
from tasks.data.reading.columns import Columns
from tasks.data.reading.labels import Labels
from tasks.data.reading.rows import join_tables, rows_of
from tasks.data.reading.source import local_path, tables_of
from tasks.data.reading.splits import BOTH, with_splits


class LabelledText(NamedTuple):
    """One text with the names of its labels."""

    text: str
    labels: Labels
    id: str
    score: float | None = None
    """Degree from 0 to 1 where the data has degrees, such as stars; 1 is the highest."""


@dataclass(frozen=True)
class RealData:
    """Human-written texts with their labels."""

    source: str
    """Path or name as the user gave it."""
    frame: pd.DataFrame
    """Columns `id`, `text`, `labels` (tuples of names), `score` (0..1 or nan), `split` (`train`,
    `test`, or `cross-validated` for both) and `generated` (whether a generator wrote the text), in the order
    of the files."""
    columns: Columns
    """Columns of the files that were taken."""
    notes: tuple[str, ...] = ()
    """What was guessed, converted or left out, a sentence each."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Rows that were left out, by reason."""

    @property
    def told(self) -> tuple[str, ...]:
        """What a user should know: guesses, and rows that were left out."""
        return (*self.notes, *(f"{n:,} rows are left out: {reason}" for reason, n in self.dropped.items()))

    @property
    def has_scores(self) -> bool:
        """Whether rows have degrees, such as stars, in place of or beside names."""
        return bool(self.frame["score"].notna().any())

    @property
    def is_cross_validated(self) -> bool:
        """Whether rows are trained on and measured on, since there are too few to be divided."""
        return bool((self.frame["split"] == BOTH).any())

    def texts(self, part: str) -> list[LabelledText]:
        """Texts of a part, `train` or `test`; cross-validated ones are of both."""
        chosen = self.frame[self.frame["split"].isin([part, BOTH])]
        scores = [None if pd.isna(score) else float(score) for score in chosen["score"]]
        columns = (chosen[name].tolist() for name in ("text", "labels", "id"))
        return list(map(LabelledText, *columns, scores))


def read_dataset(config: RealConfig) -> RealData:
    """Read human-written text, whatever its format is; once per process while the files stay as they are.

    Raises:
        FileNotFoundError: There is nothing at the path.
        ValueError: The data cannot be read, or it cannot be told what a column means.
    """
    return _read(config, _stamp(local_path(config.path)))


def read_real(source: RealConfig | str, part: str) -> list[LabelledText]:
    """Texts of a part, `train` or `test`, of a data set; see `read_dataset`."""
    return read_dataset(RealConfig.model_validate(source)).texts(part)


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of the files of a path."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = ((file, file.stat()) for file in files if file.is_file())
    return tuple((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats)


@lru_cache(maxsize=1)
def _read(config: RealConfig, _: tuple[tuple[str, int, int], ...]) -> RealData:
    with TemporaryDirectory(prefix="sentimill-") as scratch:
        joined = join_tables(tables_of(config, Path(scratch)), config)
    rows, dropped, notes = rows_of(joined, config)
    if rows.empty:
        raise ValueError(f"{joined.name} holds no labelled text; expected some. Check the file.")
    measured = config.split if config.split != joined.columns.split else None
    rows, decided = with_splits(rows, measured, joined.name)
    told = tuple(dict.fromkeys([*joined.notes, *notes, *decided, *_generated(rows)]))
    return RealData(config.path, rows, joined.columns, told, dropped)


def _generated(rows: pd.DataFrame) -> list[str]:
    """A warning where what a generator wrote would be measured on as human text."""
    n = int((rows["generated"] & (rows["split"] != "train")).sum())
    told = f"{n:,} rows to measure on were not written by people (column source): scores on them say less"
    return [told] if n else []
