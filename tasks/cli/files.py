"""Text files that a command is given: paths, `-` for standard input, pipes."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

STANDARD_INPUT = "standard input"


def name_of(path: Path) -> str:
    """What messages call a file."""
    return STANDARD_INPUT if str(path) == "-" else str(path)


@contextmanager
def open_text(path: Path, expected: str) -> Iterator[TextIO]:
    """Open a UTF-8 text file, with or without a byte order mark; see `open_bytes`."""
    with open_bytes(path, expected) as content:
        yield io.TextIOWrapper(content, encoding="utf-8-sig", newline="")


@contextmanager
def open_bytes(path: Path, expected: str) -> Iterator[BinaryIO]:
    """Open a file to read it.

    Args:
        path: A file, a pipe such as /dev/stdin, or `-` for standard input; `~` is the home folder.
        expected: What the file should hold, for the message.

    Raises:
        FileNotFoundError: There is no such file, or it is a folder.
    """
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    file = path.expanduser()
    if file.is_dir():
        raise FileNotFoundError(f"{path} is a folder; expected {expected}. Give the path of the file.")
    if not file.exists():  # a pipe is no regular file, yet it is there
        looked = "" if file.is_absolute() else f" (looked in {Path.cwd()})"
        raise FileNotFoundError(f"{path} is missing{looked}; expected {expected}. Check the path.")
    with file.open("rb") as content:
        yield content
