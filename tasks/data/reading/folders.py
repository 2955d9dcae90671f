"""Which files of a folder are which split, and where the names of ids stand."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.data.reading.encoding import encoding_of
from tasks.data.reading.names import SPLIT_WORDS, split_in, split_of
from tasks.data.reading.tables import READERS
from tasks.data.reading.unpacking import ENDINGS as PACKED

NAMES_FILES = ("labels.txt", "emotions.txt", "classes.txt", "mapping.txt")
NO_DATA = ("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "requirements.txt")
HUB_FOLDER = "data"
"""Where a copy of a data set of the hub keeps its files, beside its card."""
SHOWN = 6

_SHARD = re.compile(r"[-_.]?\d+([-_]of[-_]\d+)?$")
_TWEETEVAL = re.compile(r"(.+)_text\.txt$")


class SplitFile(NamedTuple):
    """A file with rows of one split."""

    split: str | None
    """`train`, `validation` or `test`; None where nothing says."""
    path: Path
    labels: Path | None = None
    """File with the labels of every line, where the texts stand alone (TweetEval)."""


def files_in(folder: Path) -> list[SplitFile]:
    """Files of a folder that hold its data.

    Files named after a split come first, others are then left alone; parts of one file (`name_1.csv`,
    `name_2.csv`) count as one.

    Raises:
        FileNotFoundError: There is no data.
        ValueError: A split has two candidates, or nothing says which of several files is meant.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file() and _is_data(path))
    if pairs := _tweeteval(paths):
        return pairs
    by_split = defaultdict[str, list[Path]](list)
    for path in paths:
        if split := split_in(_stem(path)):
            by_split[split].append(path)
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        if split := split_of(inner.name):
            by_split[split] += sorted(path for path in inner.iterdir() if path.is_file() and _is_data(path))
    if by_split:
        return [
            SplitFile(split, path)
            for split in SPLIT_WORDS
            if split in by_split
            for path in _one(by_split[split], split, folder)
        ]
    if not paths:
        return _files_of_hub_copy(folder)
    return [SplitFile(None, path) for path in _one(paths, None, folder)]


def _files_of_hub_copy(folder: Path) -> list[SplitFile]:
    """Files in the folder `data` of a copy of a data set of the hub."""
    if (folder / HUB_FOLDER).is_dir():
        return files_in(folder / HUB_FOLDER)
    raise FileNotFoundError(
        f"{folder} holds no data; expected files such as train.csv and test.csv, or one file that ends "
        f"in {', '.join(READERS)}. Check the path given as --real."
    )


def _one(paths: Sequence[Path], split: str | None, folder: Path) -> Sequence[Path]:
    """The files, if they are one file or parts of one."""
    kinds = {(_SHARD.sub("", _stem(path)), _ending(path)) for path in paths}
    if len(kinds) == 1:
        return paths
    listed = ", ".join(path.name for path in paths[:SHOWN])
    wanted = f"one for the split {split}" if split else "one, or names that say train and test"
    raise ValueError(
        f"{folder} holds {len(paths)} candidates{f' for the split {split}' if split else ''}: {listed}; "
        f"expected {wanted}. Give the file itself as --real, or move the others away."
    )


def _is_data(path: Path) -> bool:
    name = path.name.lower()
    if name.startswith((".", "_", "readme", "license")) or name in (*NAMES_FILES, *NO_DATA):
        return False
    return _ending(path) in READERS


def _ending(path: Path) -> str:
    """Ending of a file, without that of its compression."""
    packed = path.suffix.lower() in PACKED
    return Path(path.stem).suffix.lower() if packed else path.suffix.lower()


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _tweeteval(paths: Sequence[Path]) -> list[SplitFile]:
    """Pairs of `train_text.txt` and `train_labels.txt`."""
    found = []
    for path in paths:
        match = _TWEETEVAL.match(path.name)
        labels = path.with_name(f"{match[1]}_labels.txt") if match else path
        if match and labels.is_file() and split_of(match[1]):
            found.append(SplitFile(split_of(match[1]), path, labels))
    return sorted(found, key=lambda file: list(SPLIT_WORDS).index(str(file.split)))


def names_beside(path: Path) -> tuple[list[str], Path] | None:
    """Names of label ids in a file beside the data, and that file; None where there is none.

    One name per line, blanks kept, or `id<TAB>name` as TweetEval's mapping.txt has it.

    Raises:
        ValueError: The ids of a mapping are not 0, 1, 2 ...
    """
    folder = path if path.is_dir() else path.parent
    file = next((folder / name for name in NAMES_FILES if (folder / name).is_file()), None)
    if file is None:
        return None
    lines = file.read_text(encoding=encoding_of(file).name).rstrip().split("\n")
    cells = [line.strip().split("\t") for line in lines]
    if not all(len(cell) > 1 for cell in cells):
        return [line.strip() for line in lines], file
    if [cell[0] for cell in cells] != [str(i) for i in range(len(cells))]:
        raise ValueError(
            f"{file} has the ids {', '.join(cell[0] for cell in cells[:5])}; expected 0, 1, 2 ... in order. "
            "Sort its lines."
        )
    return [cell[1].strip() for cell in cells], file
