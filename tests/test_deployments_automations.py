"""What deployments are given, and what a failed audit starts: the nightly run, with fairness corrected."""

from pathlib import Path

import pytest
import yaml
from prefect import Flow
from prefect.utilities.importtools import import_object
from prefect.utilities.schema_tools.hydration import HydrationContext, hydrate

from deployments.automations import corrected
from tasks.config import RunConfig

ROOT = Path(__file__).parents[1]
DEPLOYMENTS = yaml.safe_load((ROOT / "deployments/prefect.yaml").read_text())["deployments"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["entrypoint"])
def test_the_parameters_of_a_deployment_are_what_its_flow_takes(deployment):
    flow: Flow = import_object(deployment["entrypoint"])
    flow.validate_parameters(deployment["parameters"])


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
