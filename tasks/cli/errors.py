"""One clear message and an exit code in place of a traceback. Imports nothing heavy."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from pydantic import ValidationError

from tasks.config.messages import found_and_expected

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def one_clear_error() -> Iterator[None]:
    """Turn what went wrong into one message and an exit code: 2, or 130 after Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        fail("interrupted. The same command continues where this one stopped.", INTERRUPTED)
    except BrokenPipeError:
        raise
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        fail(message)


def explain(error: Exception) -> str | None:
    """What a user is told of an error; None for one that nobody foresaw, whose traceback is needed."""
    if isinstance(error, OSError):
        return _file_message(error)
    if isinstance(error, ValidationError):  # a ValueError, whose own words are pydantic's
        return "\n".join(found_and_expected(".".join(map(str, item["loc"])), item) for item in error.errors())
    if isinstance(error, ValueError | ArithmeticError):
        return str(error)
    if _is_transport_error(error):
        return (
            f"the Prefect server does not answer ({type(error).__name__}); expected it for the whole run. "
            "See that it is up, then give the same command again: it continues where this one stopped."
        )
    if isinstance(error, RuntimeError) and "ephemeral Prefect API server" in str(error):
        return _late_server()
    return None


def fail(message: str, code: int = BAD_INPUT) -> NoReturn:
    """Print one message to standard error and leave."""
    is_terminal = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    before, after = ("\033[1;31m", "\033[0m") if is_terminal else ("", "")
    sys.stderr.write(f"{before}sentimill: {message}{after}\n")
    sys.exit(code)


def _file_message(error: OSError) -> str:
    """Ours are complete; the system's lack the advice."""
    if error.errno in NO_SPACE:
        return f"{error.strerror}; expected room for the results. Free some and rerun the same command."
    if error.errno is None:
        return str(error)
    reason = (error.strerror or "error").lower()
    return (
        f"cannot use {error.filename or 'a file'}: {reason}. Fix the cause and rerun the same command; "
        "finished stages are cached."
    )


def _is_transport_error(error: Exception) -> bool:
    httpx = sys.modules.get("httpx")  # not imported for a command that asks no server
    return httpx is not None and isinstance(error, httpx.TransportError)


def _late_server() -> str:
    from prefect.settings import get_current_settings

    return (
        "Prefect's server for this run did not start in time; expected it within "
        f"{get_current_settings().server.ephemeral.startup_timeout_seconds} s. The machine is very busy: "
        "rerun the same command, or set PREFECT_API_URL to a running server."
    )
