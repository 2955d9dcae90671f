"""One clear error and an exit code in place of a traceback."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from prefect.settings import get_current_settings
from rich.console import Console

FELL = 1
BAD_INPUT = 2
INTERRUPTED = 130
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def one_clear_error() -> Iterator[None]:
    """Turn what went wrong into one message and an exit code: 2, or 130 after Ctrl-C."""
    try:
        yield
    except OSError as error:
        fail(_place_complaint(error))
    except httpx.TransportError as error:
        fail(
            f"the Prefect server does not answer ({type(error).__name__}); expected it for the whole run. "
            "Start it again and rerun the same command, which continues where this one stopped."
        )
    except (ValueError, ArithmeticError) as error:
        fail(str(error))
    except RuntimeError as error:
        if "ephemeral Prefect API server" not in str(error):
            raise
        fail(
            "Prefect's server for this run did not start in time; expected it within "
            f"{get_current_settings().server.ephemeral.startup_timeout_seconds} s. The machine is very busy: "
            "rerun the same command, or set PREFECT_API_URL to a running server."
        )
    except KeyboardInterrupt:
        fail("interrupted. The same command continues where this one stopped.", INTERRUPTED)


def fail(message: str, code: int = BAD_INPUT) -> Any:
    """Print one message to standard error and leave."""
    console = Console(stderr=True)
    console.print(f"sentimill: {message}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def _place_complaint(error: OSError) -> str:
    """Ours speak for themselves; the system's lack the advice."""
    if error.errno in NO_SPACE:
        return f"{error.strerror}; expected room for the results. Free some and rerun the same command."
    if error.errno is None:
        return str(error)
    reason = (error.strerror or "error").lower()
    return (
        f"cannot use {error.filename or 'a file'}: {reason}. Fix the cause and rerun the same command; "
        "finished stages are cached."
    )
