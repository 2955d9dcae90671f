"""Files in any place that fsspec reaches: there whole or not at all, and listed with their times."""

import os
import tempfile
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

WHOLE_OBJECTS = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "memory"}
"""File systems where a file is there once it is complete; elsewhere it gets its name last."""


def default_root() -> str:
    """Root of a results block that is not there yet: SENTIMILL_RESULTS, or the folder `results` here."""
    return os.environ.get("SENTIMILL_RESULTS", "results")


def results_address(root: str) -> str:
    """A root as an absolute folder, or as an address whose file system is installed.

    Raises:
        ValueError: It is empty, no absolute file:// address, or of a file system that is not installed.
    """
    if not root.strip():
        raise ValueError("root is empty; expected a folder or an address such as s3://bucket/prefix.")
    protocol, found, path = root.partition("://")
    if protocol in ("file", "local"):
        if not path.startswith("/"):
            raise ValueError(f"root is {root!r}; expected {protocol}:///folder. Give an absolute path.")
        return str(Path(path))
    if not found:
        return str(Path(root).expanduser().absolute())
    try:
        fsspec.get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        raise ValueError(
            f"root is {root!r}, which cannot be reached ({error}); expected a folder or an address whose "
            "file system is installed. For s3:// run: pip install 'sentimill[s3]'."
        ) from error
    return root.rstrip("/")


def require_reachable(fs: fsspec.AbstractFileSystem, root: str) -> None:
    """Refuse a root that cannot be read, such as a bucket without credentials.

    Raises:
        PermissionError: naming the root and the reason.
    """
    try:
        size_of(fs, root)
    except Exception as error:  # whatever the file system raises, it means the same here
        raise no_access(root, error) from error


def no_access(root: str, error: Exception) -> PermissionError:
    """The same message for every command, whether it reads or writes."""
    reason = getattr(error, "strerror", None) or error
    return PermissionError(
        f"results block at {root} cannot be used ({reason}); expected a place with read and write access. "
        "Fix the permissions or credentials, free some space, or set SENTIMILL_RESULTS."
    )


def write_whole(fs: fsspec.AbstractFileSystem, path: str, content: bytes) -> None:
    """Write a file so that nobody ever sees a part of it, whenever this process ends."""
    protocols = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
    if WHOLE_OBJECTS & protocols:
        fs.pipe_file(path, content)
        return
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    if not isinstance(fs, LocalFileSystem):
        fs.pipe_file(temporary, content)
        fs.mv(temporary, path)
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    try:
        Path(temporary).write_bytes(content)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def size_of(fs: fsspec.AbstractFileSystem, path: str) -> int | None:
    """Bytes of a file, 0 for a folder, None where neither is there; raises where the place does not say."""
    try:
        found = fs.info(path)  # `fs.exists` takes every error for a no
    except (FileNotFoundError, NotADirectoryError):
        return None
    return int(found["size"] or 0) if found["type"] == "file" else 0


def written(fs: fsspec.AbstractFileSystem, prefix: str) -> dict[str, float]:
    """Full names of the files below a prefix, each with the time of its writing, in seconds since 1970."""
    return {path: _seconds(info) for path, info in fs.find(prefix, detail=True).items()}


def _seconds(info: dict[str, Any]) -> float:
    """When a file was written, as the file systems of fsspec variously say it; 0 if they do not."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        if (when := info.get(name)) is not None:
            when = datetime.fromisoformat(when) if isinstance(when, str) else when
            return float(when) if isinstance(when, int | float) else float(when.timestamp())
    return 0.0


def put_in_place(files: dict[str, bytes], folder: Path) -> None:
    """Make a local folder with these files, which is then there whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        for name, content in files.items():
            target = Path(scratch) / "new" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        with suppress(FileNotFoundError):
            os.rename(folder, f"{scratch}/old")
        with suppress(OSError):  # another process was faster, with the same files
            os.rename(f"{scratch}/new", folder)


def private_folder(name: str) -> Path:
    """Folder on this machine and of this user, for what belongs to no results block that is a folder."""
    folder = Path(tempfile.gettempdir()) / f"sentimill-{os.getuid()}" / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders below these that hold nothing any more."""
    for top in folders:
        for folder in sorted(top.rglob("*"), reverse=True):
            with suppress(OSError):  # a file, or not empty
                folder.rmdir()
