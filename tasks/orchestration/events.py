"""Events that automations on the server listen for."""

from typing import Any

from prefect.events import emit_event

AUDIT_FAILED = "sentimill.audit.failed"
OUT_OF_BAND = "sentimill.run.out-of-band"


def emit_run_event(event: str, run: str, payload: dict[str, Any]) -> None:
    """Tell the server that something happened to a run of ours; who listens is decided there."""
    resource = {"prefect.resource.id": f"sentimill.run.{run}", "prefect.resource.name": run}
    emit_event(event, resource=resource, payload=payload)
