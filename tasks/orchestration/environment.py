"""What Prefect, datasets and transformers are told before they are imported, and how they are imported."""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

_QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def quiet_libraries() -> None:
    """Let a run by hand print its own lines alone; a variable that is set already wins.

    With a server, Prefect's log goes there and keeps its level.
    """
    for name, value in _QUIET.items():
        if "PREFECT_API_URL" not in os.environ or not name.startswith("PREFECT_LOGGING"):
            os.environ.setdefault(name, value)
    # Says at the end of a run that events are still being sent, and has no setting of its own.
    logging.getLogger("EventsWorker").setLevel(logging.ERROR)


@contextmanager
def quick_imports() -> Iterator[None]:
    """Look for no garbage while libraries are imported.

    They make a million objects that stay; to search them again and again takes a fifth of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
