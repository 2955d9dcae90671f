"""The results block of this process."""

import os
from functools import lru_cache
from typing import cast

from prefect import runtime
from prefect.settings import get_current_settings

from tasks.storage.block import BLOCK
from tasks.storage.files import default_root
from tasks.storage.hashing import sha256_of
from tasks.storage.store import ResultsStore


def block_name(root: str) -> str:
    """Name of the block: SENTIMILL_BLOCK or `results` on a server, one per root without."""
    if get_current_settings().api.url:
        return os.environ.get("SENTIMILL_BLOCK", BLOCK)
    return f"{BLOCK}-{sha256_of(ResultsStore(root=root).root.encode())[:8]}"


def require_writable_root() -> None:
    """Without a server, refuse a root that cannot be written before one is started.

    Raises:
        PermissionError: naming the root and the reason.
    """
    if not get_current_settings().api.url:
        ResultsStore(root=default_root()).require_writable()


def open_store() -> ResultsStore:
    """Load the block `results`, or make it.

    With a server (PREFECT_API_URL) the block saved there counts. Without one, the root is
    SENTIMILL_RESULTS or the folder `results` here, and the block is named after it, because all
    serverless runs of one user share one database. A flow run loads it once and keeps to it.
    """
    root, api_url = ResultsStore(root=default_root()).root, get_current_settings().api.url
    flow_run = runtime.flow_run.id
    return _load_once(root, api_url, flow_run) if flow_run else _load(root, api_url)


def open_results() -> ResultsStore:
    """The results block for a command that runs no flow, and so needs no server.

    With a server, the block saved there; without one, the folder or bucket itself. Loading a block would
    start a temporary server.

    Raises:
        PermissionError: It cannot be read; names the root and the reason.
    """
    has_server = bool(get_current_settings().api.url)
    store = open_store() if has_server else ResultsStore(root=default_root())
    store.require_reachable()
    return store


def _load(root: str, api_url: str | None) -> ResultsStore:
    name = block_name(root)
    try:
        return cast("ResultsStore", ResultsStore.load(name))
    except ValueError as error:
        if api_url and name != BLOCK:
            raise ValueError(
                f"results block is {name!r} (SENTIMILL_BLOCK), which is not on the server; expected the name "
                "of a Sentimill Results block. Make it on the page Blocks, or leave SENTIMILL_BLOCK out."
            ) from error
        store = ResultsStore(root=root)
        store.save(name, overwrite=True)
        return store


@lru_cache(maxsize=8)
def _load_once(root: str, api_url: str | None, flow_run: str) -> ResultsStore:
    return _load(root, api_url)
