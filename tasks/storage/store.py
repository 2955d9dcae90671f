"""What runs keep in the results block: rows, rejects, files, model folders, JSON.

Data sets and models are content-addressed: their name is their sha256, which is checked on reading.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from tasks.data.records import FilterResult, Reject, Row
from tasks.data.references import BlobRef, DatasetRef, FilterRefs, ModelRef
from tasks.storage.block import ResultsBlock
from tasks.storage.files import private_folder, put_in_place
from tasks.storage.hashing import MARK, files_of, folder_sha256, sha256_of
from tasks.storage.parquet import FEATURES, REJECT_FEATURES, parquet_bytes, rows_of_parquet


class ResultsStore(ResultsBlock):
    """Where task results, data sets, models and reports are kept.

    Example:
        ```python
        from tasks.storage.store import ResultsStore

        ResultsStore(root="s3://bucket/sentimill").save("results", overwrite=True)
        ```
    """

    _block_type_name = "Sentimill Results"
    _block_type_slug = "sentimill-results"
    _description = "Data sets, models, reports and cached task results of Sentimill."

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

    def put_filtered(self, filtered: FilterResult) -> FilterRefs:
        """Write what a stage kept and what it dropped."""
        return FilterRefs(kept=self.put_rows(filtered.kept), rejects=self.put_rejects(filtered.rejects))

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
        self._put_file(path, content)
        return BlobRef(uri=path, sha256=sha256)

    def _put_file(self, path: str, content: bytes) -> None:
        """Write a file that is missing or has another size.

        The name says what it holds, and nothing is written in part: a file of this name and size is this
        file, and need not be read, which in a bucket means a download. `intact` finds the damaged ones.
        """
        if self.size(path) != len(content):
            self.write_path(path, content)

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

    def remove_damaged(self, ref: DatasetRef | ModelRef | BlobRef) -> None:
        """Remove what is left of something that is not intact, so that it is written again as a whole."""
        for path in self.written(ref.uri):
            self.remove(path)


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
