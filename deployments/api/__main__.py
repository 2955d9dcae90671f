"""Serve a classifier: `sentimill serve --model champion`; `--help` lists every option.

This process checks the model, then watches over the workers, which answer; one that dies is replaced.
"""

import os
import tempfile
from contextlib import suppress
from typing import Any

from deployments.api.settings import ApiSettings

FACTORY = "deployments.api.app:create_app"
GRACE_S = 30
"""Seconds that requests in flight have to finish after a signal to stop."""


def serve(settings: ApiSettings) -> None:
    """Refuse what cannot work, then serve until a signal comes.

    Raises:
        OSError, ValueError: The model is missing or damaged, or the keys cannot be read.
    """
    _check(settings)
    os.environ.update(settings.as_environment())
    with tempfile.TemporaryDirectory(prefix="sentimill-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _serve(settings)


def _check(settings: ApiSettings) -> None:
    """Refuse a missing or damaged model and unreadable keys before a worker is started."""
    from deployments.api.security import read_keys
    from deployments.api.sources import fetched, find

    read_keys(settings)
    with fetched(find(settings)):
        pass


def _serve(settings: ApiSettings) -> None:
    import uvicorn

    from deployments.api.listening import TimedHead, run

    config = uvicorn.Config(
        FACTORY,
        factory=True,
        host=settings.host,
        port=settings.port,
        http=TimedHead,
        workers=settings.workers,
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=60,  # loading a new champion keeps a worker busy for seconds
        backlog=512,
    )
    with suppress(KeyboardInterrupt):
        run(config)


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(process)d %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "uvicorn": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "sentimill": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
