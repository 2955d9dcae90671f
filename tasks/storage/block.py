"""The results block: everything that runs leave behind, in a folder or in any place that fsspec reaches.

Data sets and models are content-addressed: their name is their sha256, which is checked on reading. All
writes go to a temporary name first, so that nothing is ever half there.
"""

import json
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import anyio.to_thread
import fsspec
from fsspec.implementations.local import LocalFileSystem
from prefect.filesystems import WritableFileSystem
from pydantic import Field, field_validator

from tasks.data.records import Reject, Row
from tasks.data.references import BlobRef, DatasetRef, ModelRef
from tasks.storage.files import (
    is_there,
    no_access,
    private_folder,
    put_in_place,
    remove_empty,
    require_reachable,
    results_address,
    write_whole,
    written,
)
from tasks.storage.hashing import MARK, files_of, folder_sha256, sha256_of
from tasks.storage.parquet import FEATURES, REJECT_FEATURES, parquet_bytes, rows_of_parquet

BLOCK = "results"
CACHE = "cache-2"


class ResultsStore(WritableFileSystem):
    """Where task results, data sets, models and reports are kept.

    Example:
        ```python
        from tasks.storage.block import ResultsStore

        ResultsStore(root="s3://bucket/sentimill").save("results", overwrite=True)
        ```
    """

    _block_type_name = "Sentimill Results"
    _block_type_slug = "sentimill-results"
    _description = "Data sets, models, reports and cached task results of Sentimill."

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
        # Other runs write there, too: a listing that was kept would be out of date.
        fresh = {"use_listings_cache": False} if "://" in self.root else {}
        return fsspec.core.url_to_fs(self.root, **fresh, **self.storage_options)[0]

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
        return is_there(self._fs, self.uri(path))

    def written(self, prefix: str) -> dict[str, float]:
        """Files below a prefix, each with the time it was written, in seconds since 1970."""
        root = self._fs._strip_protocol(self.root)
        found = written(self._fs, self.uri(prefix))
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

    def put_rows(self, rows: Sequence[Row]) -> DatasetRef:
        """Write rows as Parquet, named by content."""
        return self._put_parquet(parquet_bytes(rows), len(rows))

    def put_rejects(self, rejects: Sequence[Reject]) -> DatasetRef:
        """Write rejected rows, each with the stage and the reason in two more columns."""
        flat = [{**r["row"], "stage": r["stage"], "reason": r["reason"]} for r in rejects]
        return self._put_parquet(parquet_bytes(flat, REJECT_FEATURES), len(flat))

    def _put_parquet(self, content: bytes, n_rows: int) -> DatasetRef:
        blob = self.put_blob(content, ".parquet")
        return DatasetRef(uri=blob.uri, sha256=blob.sha256, n_rows=n_rows)

    def _holds(self, path: str, sha256: str) -> bool:
        """Whether a file is there and undamaged; a damaged one is to be written again."""
        return self.exists(path) and sha256_of(self.read_path(path)) == sha256

    def get_rows(self, ref: DatasetRef) -> list[Row]:
        """Read rows and check that they are those that were written."""
        return rows_of_parquet(self.get_blob(ref))

    def get_rejects(self, ref: DatasetRef) -> list[Reject]:
        """Read what `put_rejects` wrote."""
        flat = cast("list[dict[str, Any]]", self.get_rows(ref))
        return [
            Reject(
                row=cast("Row", {name: row[name] for name in FEATURES}),
                stage=row["stage"],
                reason=row["reason"],
            )
            for row in flat
        ]

    def put_blob(self, content: bytes, suffix: str) -> BlobRef:
        """Write any bytes, named by content."""
        sha256 = sha256_of(content)
        path = f"data/{sha256[:20]}{suffix}"
        if not self._holds(path, sha256):
            self.write_path(path, content)
        return BlobRef(uri=path, sha256=sha256)

    def get_blob(self, ref: BlobRef) -> bytes:
        """Read bytes and check that they are those that were written."""
        content = self.read_path(ref.uri)
        _require_sha256(ref.uri, sha256_of(content), ref.sha256)
        return content

    def put_tree(self, folder: Path, prefix: str) -> None:
        """Write the files of a local folder below a prefix."""
        for file in files_of(folder):
            self.write_path(f"{prefix}/{file.relative_to(folder).as_posix()}", file.read_bytes())

    def get_tree(self, prefix: str, folder: Path) -> None:
        """Copy the files below a prefix into a local folder."""
        for path in self.written(prefix):
            file = folder / path.removeprefix(f"{prefix}/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.read_path(path))

    def put_folder(self, folder: Path) -> ModelRef:
        """Copy a model folder, named by the content of all its files."""
        sha256 = folder_sha256(folder)
        ref = ModelRef(uri=f"models/{sha256[:20]}", sha256=sha256)
        wanted = {f"{ref.uri}/{file.relative_to(folder).as_posix()}": file for file in files_of(folder)}
        mark = f"{ref.uri}/{MARK}"
        # File by file, each at once whole, and none that is there: another run may be reading the same model,
        # and would find the new file's temporary name in the folder.
        for path, file in wanted.items():
            self._put_file(path, file.read_bytes())
        for path in set(self.written(ref.uri)) - {*wanted, mark}:
            self.remove(path)
        self._put_file(mark, sha256.encode())  # last: it says that all the rest is there
        return ref

    def _put_file(self, path: str, content: bytes) -> None:
        """Write a file that is missing or damaged."""
        if not self._holds(path, sha256_of(content)):
            self.write_path(path, content)

    def get_folder(self, ref: ModelRef) -> Path:
        """Local folder with the model of a ref, checked."""
        if self.is_local:
            folder = Path(self.uri(ref.uri))
        else:
            folder = private_folder("models") / Path(ref.uri).name
            if not folder.is_dir() or folder_sha256(folder) != ref.sha256:
                files = self.written(ref.uri)
                put_in_place({p.removeprefix(f"{ref.uri}/"): self.read_path(p) for p in files}, folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"{ref.uri} is not in the results block at {self.root}; run again.")
        _require_sha256(ref.uri, folder_sha256(folder), ref.sha256)
        return folder

    def intact(self, ref: DatasetRef | ModelRef | BlobRef) -> bool:
        """Whether what a ref points at is there and unchanged; raises where the store does not say."""
        try:
            self.get_folder(ref) if isinstance(ref, ModelRef) else self.get_blob(ref)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
            return False
        return True

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


def write_json(store: ResultsStore, path: str, value: object) -> None:
    """Write a value as indented JSON."""
    store.write_path(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def remove_scratch(folder: Path) -> None:
    """Remove checkpoints that are not needed any more."""
    shutil.rmtree(folder, ignore_errors=True)


def _require_sha256(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise ValueError(
            f"{what} has sha256 {found[:12]}; expected {expected[:12]}. It was changed after it was written: "
            "delete it and run again."
        )
