"""A champion's model and data set, with their cards, to the Hugging Face Hub or into a folder."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

if TYPE_CHECKING:  # Prefect comes with it, and options are checked before
    from tasks.storage.store import ResultsStore

PARTS = {"model": "model", "dataset": "dataset"}
"""Folder of a run, and the kind of repository that it becomes."""


def is_folder(target: str) -> bool:
    """Whether a target is a place on this machine, by how it begins."""
    return target.startswith((".", "/", "~"))


def require_target(target: str) -> None:
    """Refuse a target that cannot be pushed to, before anything is started.

    Raises:
        ValueError: It is neither a folder nor a name on the hub, or nobody is logged in there.
    """
    if is_folder(target):
        return
    try:
        validate_repo_id(target)
    except HFValidationError as error:
        raise ValueError(
            f"push_to_hub is {target!r}; expected a name on the hub such as me/sentiment, or a folder that "
            "begins with . or /. Fix it."
        ) from error
    if get_token() is None:
        raise ValueError(
            f"push_to_hub is {target!r}, but there is no token; expected one that may write. Run `hf auth "
            "login`, or set HF_TOKEN."
        )


def push_run(store: "ResultsStore", run: str, target: str) -> list[str]:
    """Copy model and data set of a run to the target; on the hub, into private repositories of that name.

    In a folder every run gets a folder of its own, which is never written to again.

    Returns:
        Where they are now.

    Raises:
        FileExistsError: The folder has the run already.
    """
    with TemporaryDirectory() as scratch:
        store.get_tree(f"runs/{run}", Path(scratch))
        if is_folder(target):
            return [_copy(Path(scratch, part), Path(target).expanduser() / run / part) for part in PARTS]
        return [_upload(Path(scratch, part), target, kind, run) for part, kind in PARTS.items()]


def _copy(folder: Path, to: Path) -> str:
    if to.exists():
        raise FileExistsError(f"{to} is there already; expected a new folder. Name another target.")
    shutil.copytree(folder, to)
    return str(to)


def _upload(folder: Path, name: str, kind: str, run: str) -> str:
    api = HfApi()
    url = api.create_repo(name, repo_type=kind, private=True, exist_ok=True)
    api.upload_folder(folder_path=folder, repo_id=name, repo_type=kind, commit_message=run)
    return str(url)
