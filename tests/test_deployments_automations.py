"""What a failed audit starts: the nightly run, on the audited taxonomy, with fairness corrected."""

from prefect.utilities.schema_tools.hydration import HydrationContext, hydrate

from deployments.automations import corrected
from tasks.config import RunConfig


def test_a_failed_audit_starts_the_nightly_run_with_the_correction_on_for_its_own_taxonomy():
    nightly = {"config": {"taxonomy": "sentiment7", "daily_seed": True, "fairness": {"pairs": 9_000}}}
    event = {"event": {"payload": {"taxonomy": "ekman", "fallen": []}}}
    started = hydrate(
        corrected(nightly), HydrationContext(raise_on_error=True, render_jinja=True, jinja_context=event)
    )
    config = RunConfig.model_validate(started["config"])

    assert (config.taxonomy, config.daily_seed) == ("ekman", True)
    assert (config.fairness.enabled, config.fairness.pairs, config.fairness.corrections) == (True, 9_000, 2)
    assert nightly["config"]["taxonomy"] == "sentiment7"


def test_a_deployment_without_parameters_is_started_with_the_correction_on_too():
    assert corrected({})["config"]["fairness"] == {"enabled": True}
