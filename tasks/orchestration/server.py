"""The Prefect server of a run: there and of our version, or a temporary one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from importlib.metadata import version
from pkgutil import resolve_name
from threading import Thread
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_API_KEY,
    PREFECT_CLIENT_MAX_RETRIES,
    get_current_settings,
    temporary_settings,
)

from tasks.orchestration.environment import quick_imports
from tasks.orchestration.orphaned_servers import terminate_orphaned_servers

EPHEMERAL_RETRIES = 3
"""Over 14 s, for requests that a busy machine does not answer at once."""


def require_server() -> str:
    """Version of the Prefect server at PREFECT_API_URL; empty without one.

    Raises:
        ValueError: It does not answer, or speaks another major version.
    """
    if not get_current_settings().api.url:
        return ""
    try:
        with get_client(sync_client=True) as client:
            client.raise_for_api_version_mismatch()
            return str(client.api_version())
    except (RuntimeError, httpx.HTTPError) as error:
        cause = str(error).removesuffix(" Major versions must match.").rstrip("/.")
        raise ValueError(
            f"{cause}; expected Prefect {version('prefect')} at PREFECT_API_URL. Start one (make server), or "
            "fix the address."
        ) from error


def run_flow(address: str, config: Any) -> Any:
    """What a flow returns; a temporary server starts while the flow is imported, which takes as long.

    Args:
        address: `module:name` of the flow.
        config: Its one argument.
    """
    with ephemeral_server() as await_server:
        with quick_imports():
            flow = resolve_name(address)
        await_server()
        return flow(config)


@contextmanager
def ephemeral_server() -> Iterator[Callable[[], None]]:
    """Without a server, start one and end what killed runs left; yields what waits until it answers.

    It is sent no events of task runs.

    The server that Prefect starts for such a run ends with it and loses them, and they cost it more than
    half of what a task costs. Prefect sends none to that server when it is given a key for another. Nor does
    that server come back once it is gone: asking it for a minute, call after call, only delays the end.
    """
    own = {PREFECT_API_KEY: "none", PREFECT_CLIENT_MAX_RETRIES: EPHEMERAL_RETRIES}
    local = not get_current_settings().api.url
    if local:
        terminate_orphaned_servers()
    with temporary_settings(own if local else {}):
        yield _start_server() if local else lambda: None


def _start_server() -> Callable[[], None]:
    with quick_imports():
        from prefect.server.api.server import SubprocessASGIServer

    def start() -> None:
        with suppress(RuntimeError):  # the flow starts it again, and says why it cannot
            SubprocessASGIServer().start()

    starting = Thread(target=copy_context().run, args=(start,), daemon=True)  # settings are of the context
    starting.start()
    return starting.join
