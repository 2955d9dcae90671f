"""What the server does by itself when something happens to a run.

| when | then |
|---|---|
| an audit fails | `regenerate/nightly` runs for its taxonomy, with fairness audited and corrected |
| a run is late and no worker takes it | it fails and says so |
| a run sends no heartbeat, for its machine is gone | it counts as crashed |
| a run crashes, fails or is late, or leaves its band | a message goes to SENTIMILL_NOTIFY_URL, if given |
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from tasks.orchestration.events import AUDIT_FAILED, OUT_OF_BAND

NOTIFY = "sentimill-notify"
BODY = """{{ event.event }}: {{ flow_run.name if flow_run else event.resource.id }}
{{ flow_run.state.message or '' if flow_run else event.payload }}
{{ flow_run|ui_url if flow_run else '' }}"""


def ensure_automations(client: SyncPrefectClient, settings: Mapping[str, str], reset: bool) -> dict[str, str]:
    """Make the automations that are missing; with `reset`, replace those that are there.

    Args:
        client: Of the server.
        settings: Environment: SENTIMILL_NOTIFY_URL, address that gets a POST with `text` (Slack, Mattermost,
            ntfy ...); SENTIMILL_UNCLAIMED_S, seconds after which a late run that no worker took fails (300);
            SENTIMILL_HEARTBEAT_S, seconds between a run's heartbeats, as pyproject.toml sets them (60).
        reset: Replace what is there.
    """
    outcomes = {}
    for automation in automations(client, settings):
        there = client.read_automations_by_name(automation.name)
        if there and not reset:
            outcomes[automation.name] = "is there"
            continue
        for old in there:
            client.delete_automation(old.id)
        client.create_automation(automation)
        outcomes[automation.name] = "replaced" if there else "made"
    return outcomes


def automations(client: SyncPrefectClient, settings: Mapping[str, str]) -> Iterator[AutomationCore]:
    """Every automation that the settings ask for."""
    nightly = client.read_deployment_by_name("regenerate/nightly")
    yield AutomationCore(
        name="failed audit starts regenerate",
        description="The champion fell below its recorded scores, or is unfair: make a new one.",
        trigger=_when({AUDIT_FAILED}),
        actions=[RunDeployment(deployment_id=nightly.id, parameters=corrected(nightly.parameters))],
    )
    yield _unclaimed(float(settings.get("SENTIMILL_UNCLAIMED_S", "300")))
    yield no_heartbeat(float(settings.get("SENTIMILL_HEARTBEAT_S", "60")))
    if url := settings.get("SENTIMILL_NOTIFY_URL"):
        subject = "Sentimill: {{ event.event }}"
        send = SendNotification(block_document_id=ensure_webhook(url), subject=subject, body=BODY)
        runs = {f"prefect.flow-run.{state}" for state in ("Crashed", "Failed", "Late")}
        yield AutomationCore(
            name="notify",
            description="Say what went wrong.",
            trigger=_when(runs | {OUT_OF_BAND}),
            actions=[send],
        )


def corrected(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a deployment as a failed audit starts it: for its taxonomy, with the correction on.

    The taxonomy is that of the event, which is only known when it comes.
    """
    config = dict(parameters.get("config", {}))
    taxonomy = {"__prefect_kind": "jinja", "template": "{{ event.payload.taxonomy }}"}
    fairness = {**config.get("fairness", {}), "enabled": True}
    return {"config": {**config, "taxonomy": taxonomy, "fairness": fairness}}


def ensure_webhook(url: str) -> UUID:
    """Save the block that notifications go through, and give its id."""
    block = CustomWebhookNotificationBlock(
        name="Sentimill", url=url, json_data={"text": "{{subject}}\n{{body}}"}
    )
    return cast("UUID", block.save(NOTIFY, overwrite=True))


def _when(events: set[str]) -> EventTrigger:
    return EventTrigger(expect=events, posture=Posture.Reactive, threshold=1)


def _silence(after: set[str], within_s: float) -> EventTrigger:
    """Nothing happens to a run within some seconds after one of these events."""
    return EventTrigger(
        after=after,
        expect={"prefect.flow-run.*"},
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=within_s),
    )


def _unclaimed(after_s: float) -> AutomationCore:
    """Prefect leaves a run without a worker late for ever; fail it, so that who waits for it is told."""
    message = (
        f"no worker took this run within {after_s:.0f} s; expected one on its work pool. "
        "Start one: make worker."
    )
    return AutomationCore(
        name="no worker fails the run",
        description="A run that stays late has no worker to take it.",
        trigger=_silence({"prefect.flow-run.Late"}, after_s),
        actions=[ChangeFlowRunState(state=StateType.FAILED, name="Failed", message=message)],
    )


def no_heartbeat(every_s: float) -> AutomationCore:
    """A run whose machine or worker is gone stays Running for ever; mark it crashed after three missed beats.

    Args:
        every_s: Seconds between heartbeats (`flows.heartbeat_frequency`); Prefect takes no less than 30.
    """
    within_s = 3 * every_s
    return AutomationCore(
        name="no heartbeat crashes the run",
        description="A run that sends no heartbeat has lost its machine.",
        # Running starts the clock, too: a run may go before its first beat.
        trigger=_silence({"prefect.flow-run.Running", "prefect.flow-run.heartbeat"}, within_s),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                name="Crashed",
                message=f"no heartbeat for {within_s:.0f} s; expected one every {every_s:.0f} s. The machine "
                "or the process of this run is gone. Retry it: it goes on where it stopped.",
            )
        ],
    )
