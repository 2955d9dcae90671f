"""Hashes of files and folders."""

import hashlib
from collections.abc import Collection
from pathlib import Path

MARK = "SHA256"
"""Written last into a model folder: it says that all the rest is there."""


def files_of(folder: Path) -> list[Path]:
    """All files of a folder, in order of their names."""
    return [file for file in sorted(folder.rglob("*")) if file.is_file()]


def sha256_of(content: bytes) -> str:
    """Content hash, as everything is named and checked by."""
    return hashlib.sha256(content).hexdigest()


def folder_sha256(
    folder: Path, besides: Collection[str] = (MARK,), besides_folders: Collection[str] = ()
) -> str:
    """One sha256 over the names and contents of all files, without those of some names and folders."""
    lines = [
        f"{sha256_of(file.read_bytes())}  {file.relative_to(folder).as_posix()}"
        for file in files_of(folder)
        if file.name not in besides and file.relative_to(folder).parts[0] not in besides_folders
    ]
    return sha256_of("\n".join(lines).encode())
