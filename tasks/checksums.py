"""One sha256 for a folder."""

import hashlib
from collections.abc import Collection
from pathlib import Path

MARK = "SHA256"
"""Written last into a model folder: it says that all the rest is there."""


def folder_sha256(folder: Path, besides: Collection[str] = (MARK,)) -> str:
    """One sha256 over the names and contents of all files but those of the names in `besides`."""
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}"
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in besides
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
