"""Compressed files, unpacked with a limit: a few kilobytes can hide a disk full of zeros."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

MAX_BYTES = 4 << 30
"""Bytes that a compressed file may unpack to."""
MAX_RATIO = 100
"""Bytes that one compressed byte may unpack to; text reaches 3 to 20."""
FREE_BYTES = 64 << 20
"""Below this size the ratio does not matter."""
BLOCK = 1 << 20

ENDINGS = (".gz", ".bz2", ".xz", ".zip")


def unpacked(path: Path, folder: Path) -> Path:
    """The file itself, or what a `.gz`, `.bz2`, `.xz` or `.zip` file holds, written to `folder`.

    Raises:
        ValueError: The file is broken, holds several files, or unpacks to more than is sane.
    """
    if path.suffix.lower() not in ENDINGS:
        return path
    try:
        return _written(path, folder)
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise ValueError(
            f"{path.name} cannot be unpacked ({error}); expected a whole {path.suffix} file. Fetch or pack "
            "it again."
        ) from None


def _written(path: Path, folder: Path) -> Path:
    name, opened = _opened(path)
    target = folder / name
    limit, size = _limit(path), 0
    with opened as packed, target.open("wb") as out:
        while block := packed.read(BLOCK):
            size += len(block)
            if size > limit:
                raise _too_large(path, limit)
            out.write(block)
    return target


def _opened(path: Path) -> tuple[str, IO[bytes]]:
    """Name and content of the one file inside."""
    if path.suffix.lower() == ".zip":
        return _member(path)
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    return path.stem, openers[path.suffix.lower()](path, "rb")


def check_archive(path: Path) -> None:
    """Refuse a spreadsheet, which is a zip file, that unpacks to more than is sane.

    Raises:
        ValueError: It is no zip file, or too large.
    """
    limit = _limit(path)
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        raise ValueError(
            f"{path.name} is no spreadsheet; expected XLSX. Save it from the spreadsheet program again."
        ) from None
    if size > limit:
        raise _too_large(path, limit)


def _limit(path: Path) -> int:
    return min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * path.stat().st_size))


def _too_large(path: Path, limit: int) -> ValueError:
    return ValueError(
        f"{path.name} ({path.stat().st_size:,} bytes) unpacks to more than {limit:,} bytes; expected text, "
        "which unpacks to some ten times its size. Unpack it yourself if you trust it, and give the file "
        "inside."
    )


def _member(path: Path) -> tuple[str, IO[bytes]]:
    archive = zipfile.ZipFile(path)
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if len(names) != 1:
        raise ValueError(
            f"{path.name} holds {len(names)} files ({', '.join(names[:5])}); expected one. Unpack it, and "
            "give the file or the folder."
        )
    return Path(names[0]).name, archive.open(names[0])
