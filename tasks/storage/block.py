"""The results block: a folder, or any place that fsspec reaches, where runs keep what they leave behind.

All writes go to a temporary name first, so that no file is ever there in part. What the files hold is the
business of `tasks.storage.store`.
"""

import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import anyio.to_thread
import fsspec
from fsspec.implementations.local import LocalFileSystem
from prefect.filesystems import WritableFileSystem
from pydantic import Field, field_validator

from tasks.storage.files import (
    no_access,
    private_folder,
    remove_empty,
    require_reachable,
    results_address,
    size_of,
    write_whole,
    written,
)

BLOCK = "results"
CACHE = "cache"


class ResultsBlock(WritableFileSystem):
    """Bytes below one root: read, written whole, listed and removed."""

    root: str = Field(
        default="results",
        title="Root",
        description="Folder that workers and people share, or any address that fsspec reaches, such as "
        "s3://bucket/prefix. Everything is written below it.",
        examples=["/srv/sentimill/results", "s3://bucket/prefix"],
        json_schema_extra={"pattern": r"\S"},
    )
    storage_options: dict[str, Any] = Field(
        default_factory=dict,
        title="Storage options",
        description='Passed to fsspec as they are, such as {"endpoint_url": "http://minio:9000"}. They are '
        "shown to whoever sees this block: keep credentials in the environment of the workers.",
        examples=[{"endpoint_url": "http://minio:9000"}],
    )

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: str) -> str:
        return results_address(root)

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return isinstance(self._fs, LocalFileSystem)

    @property
    def _fs(self) -> fsspec.AbstractFileSystem:
        return self._fs_and_root()[0]

    def _fs_and_root(self) -> tuple[fsspec.AbstractFileSystem, str]:
        """File system, and the root as that names it: without a protocol."""
        # Other runs write there, too: a listing that was kept would be out of date.
        fresh = {"use_listings_cache": False} if "://" in self.root else {}
        found: tuple[fsspec.AbstractFileSystem, str] = fsspec.core.url_to_fs(
            self.root, **fresh, **self.storage_options
        )
        return found

    def uri(self, path: str) -> str:
        """Full address of a path below the root."""
        if ".." in Path(path).parts:
            raise ValueError(f"path {path!r} leaves the results block; expected a path below its root.")
        return f"{self.root}/{path}"

    # Prefect calls these with `_sync=True` from synchronous code, and reads results with the key alone.
    def read_path(self, path: str, _sync: bool = True) -> bytes:  # type: ignore[override]
        """Read the bytes below the root."""
        with self._fs.open(self.uri(path), "rb") as file:
            return cast("bytes", file.read())

    def write_path(self, path: str, content: bytes, _sync: bool = True) -> str:  # type: ignore[override]
        """Write bytes below the root so that they are there whole or not at all."""
        full = self.uri(path)
        write_whole(self._fs, full, content)
        return full

    async def aread_path(self, path: str) -> bytes:
        """Like `read_path`."""
        return await anyio.to_thread.run_sync(self.read_path, path)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Like `write_path`."""
        return await anyio.to_thread.run_sync(self.write_path, path, content)

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there; raises where the store does not say."""
        return self.size(path) is not None

    def size(self, path: str) -> int | None:
        """Bytes of a file, 0 for a folder, None if neither is there; raises where the store does not say."""
        return size_of(self._fs, self.uri(path))

    def written(self, prefix: str) -> dict[str, float]:
        """Files below a prefix, each with the time it was written, in seconds since 1970."""
        fs, root = self._fs_and_root()
        found = written(fs, self.uri(prefix))
        return {path.removeprefix(f"{root}/"): when for path, when in found.items()}

    def remove(self, path: str) -> None:
        """Remove a file; it may have gone already."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(self.uri(path))

    def remove_empty_folders(self) -> None:
        """Remove folders of runs and models that hold nothing any more; buckets have none."""
        if self.is_local:
            remove_empty([Path(self.uri(top)) for top in ("runs", "models")])

    def folders(self, path: str) -> list[str]:
        """Names of what lies directly in a folder, sorted; none if it is not there."""
        if not self.exists(path):
            return []
        return sorted(Path(found).name for found in self._fs.ls(self.uri(path), detail=False))

    def list_files(self, folder: str) -> list[str]:
        """Paths of the files in a folder, sorted; none if it is not there."""
        if not self.exists(folder):
            return []
        places = self._fs.ls(self.uri(folder), detail=False)
        return sorted(f"{folder}/{place.rsplit('/', 1)[-1]}" for place in places)

    def scratch(self, name: str) -> Path:
        """Local folder for checkpoints, the same for the same name, so that a killed task finds its own."""
        folder = Path(self.root) / "scratch" / name if self.is_local else private_folder("scratch") / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def require_writable(self) -> None:
        """Fail early where the store cannot be written.

        Raises:
            PermissionError: naming the root and the reason.
        """
        probe = f".probe-{uuid.uuid4().hex}"
        try:
            self.write_path(probe, b"")
            self.remove(probe)
        except Exception as error:  # whatever the file system raises, it means the same here
            raise no_access(self.root, error) from error

    def require_reachable(self) -> None:
        """Fail early where the store cannot be read.

        Raises:
            PermissionError: naming the root and the reason.
        """
        require_reachable(self._fs, self.root)
