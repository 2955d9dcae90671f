"""Which model is to be served: found in the results block, and checked."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from deployments.api.settings import CHAMPION, ApiSettings
from tasks.pipeline.exporting.manifest import BESIDE
from tasks.storage.files import default_root, require_reachable, results_address
from tasks.storage.hashing import MARK, folder_sha256

CARD = "README.md"
"""Written into a run's model folder after its checksum."""


class UnknownRunError(ValueError):
    """The results block has no such run."""


NEEDED = ("labels", "thresholds", "scrubber", "scrubbing", "max_length", "base")
"""What sentimill.json must say, beside the taxonomy; of a scale without a head of its own also `line`."""


@dataclass(frozen=True)
class Source:
    """A model in the results block, not loaded yet."""

    run: str
    sha256: str | None
    """What the folder should have; None where nobody wrote it down."""
    place: str
    """Address of the run, or of the model folder alone."""
    is_run: bool


def open_results() -> tuple[Any, str]:
    """File system and root of the results block.

    Without a Prefect server the block is a plain place; asking Prefect would start a server first.
    """
    if os.environ.get("PREFECT_API_URL"):
        from tasks.storage.connection import open_store

        store = open_store()
        address, options = store.root, store.storage_options
    else:
        address, options = results_address(default_root()), {}
    fs, root = fsspec.core.url_to_fs(address, **options)
    require_reachable(fs, address)
    return fs, root


def find(settings: ApiSettings) -> Source:
    """Say which model is to be served, by the results block as it is now.

    Raises:
        FileNotFoundError: There is no champion yet.
        ValueError: There are several, or no such run.
    """
    folder = Path(settings.model).expanduser()
    if settings.model != CHAMPION and (folder / "sentimill.json").is_file():
        mark = folder / MARK
        is_run = folder.name == "model" and (folder.parent / "config.json").is_file()
        place = folder.absolute().parent if is_run else folder.absolute()
        return Source(place.name, mark.read_text().strip() if mark.is_file() else None, str(place), is_run)
    fs, root = open_results()
    if settings.model != CHAMPION:
        return _named(fs, root, settings.model)
    if not fs.exists(f"{root}/champion.json"):
        raise FileNotFoundError(
            f"{root} has no champion.json; expected one, which the first run that passes the gate writes. "
            "Give `--model RUN` to take the model of a run that did not, run `sentimill run` first, or set "
            "SENTIMILL_RESULTS to the folder of your results."
        )
    champions = json.loads(fs.cat_file(f"{root}/champion.json"))
    taxonomy = settings.taxonomy or (next(iter(champions)) if len(champions) == 1 else "")
    if taxonomy not in champions:
        found = f"taxonomy is {taxonomy or 'not given'}"
        raise ValueError(f"{found}; expected one with a champion: {', '.join(champions)}. Give --taxonomy.")
    chosen = champions[taxonomy]
    return Source(chosen["run"], chosen["model"]["sha256"], f"{root}/runs/{chosen['run']}", True)


def _named(fs: Any, root: str, run: str) -> Source:
    place = f"{root}/runs/{run}"
    if "/" in run or ".." in run or not fs.exists(f"{place}/model/{MARK}"):
        raise UnknownRunError(
            f"run is {run!r}; expected `champion`, a model folder, or a run of {root}/runs. Check the name."
        )
    return Source(run, fs.cat_file(f"{place}/model/{MARK}").decode().strip(), place, True)


@contextmanager
def fetched(source: Source) -> Iterator[tuple[Path, str]]:
    """Local folder of the model and its sha256, checked; what had to be copied is removed afterwards.

    Raises:
        ValueError: The files are not those that the run wrote.
    """
    fs, place = fsspec.core.url_to_fs(source.place)
    address = f"{place}/model" if source.is_run else place
    with tempfile.TemporaryDirectory(prefix="sentimill-") as scratch:
        folder = Path(address) if isinstance(fs, LocalFileSystem) else Path(scratch) / "model"
        if not isinstance(fs, LocalFileSystem):
            fs.get(address, str(folder), recursive=True)
        sha256 = require_intact(folder, source)
        require_complete(folder)
        yield folder, sha256


def require_intact(folder: Path, source: Source) -> str:
    """Return the folder's sha256; raise ValueError unless the files are those that the run wrote."""
    found = model_sha256(folder)
    if source.sha256 and found != source.sha256:
        raise ValueError(
            f"{folder} has sha256 {found[:12]}; expected {source.sha256[:12]}. The model was damaged or "
            "changed after its run. Copy it again, or give sentimill run."
        )
    return found


def require_complete(folder: Path) -> None:
    """Raise ValueError unless training wrote down all that answering needs."""
    try:
        about = json.loads((folder / "sentimill.json").read_bytes())
        is_scale = about["taxonomy"]["ordinal"] and not about.get("ordinal")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder} has no readable sentimill.json ({type(error).__name__}); expected a model folder "
            "that a run wrote. Copy it again, or give sentimill run."
        ) from error
    missing = [name for name in (*NEEDED, *(["recalibration"] if is_scale else [])) if name not in about]
    if missing:
        raise ValueError(
            f"{folder}/sentimill.json lacks {', '.join(missing)}; expected all that this version writes. The "
            "model is of another version. Give sentimill run."
        )


def model_sha256(folder: Path) -> str:
    """Checksum of a model folder, without card and exports, which are added afterwards."""
    return folder_sha256(folder, {MARK, CARD}, BESIDE)


def read_beside(source: Source, path: str) -> bytes | None:
    """A file of the run that made the model; None for a model folder alone."""
    fs, place = fsspec.core.url_to_fs(source.place)
    found = source.is_run and fs.exists(f"{place}/{path}")
    return cast("bytes", fs.cat_file(f"{place}/{path}")) if found else None
