"""A person answers for a run, or nobody does."""

import json
import re

import pytest
from operations_site import opened, small
from servers import until

pytestmark = pytest.mark.slow


def test_a_person_approves_and_excludes_rows(site, browser):
    run = site.start("regenerate/on-demand", **small(seed=1, approval={"required": True, "timeout_s": 200}))
    until("the question", lambda: site.get(f"/flow_runs/{run}")["state_type"] == "PAUSED", 120)
    first = re.search(r"`([0-9a-f]{8})`", site.artifact(run, "approval")).group(1)
    page = opened(browser, f"{site.page}/v2/runs/flow-run/{run}")
    page.get_by_role("button", name="Open menu").first.click()
    page.get_by_role("menuitem", name="Resume").click()
    page.get_by_text("waits for approval").wait_for()
    page.screenshot(path=site.screens / "approval.png")
    site.call(f"/flow_runs/{run}/resume", {"run_input": {"decision": "reject", "exclude": [first]}})
    found = site.finished(run)

    assert found["state_name"] == "Completed", found["state"]["message"]
    assert "a person rejected it: no comment" in site.artifact(run, "outcome")
    rejects = {row["why"]: row["texts"] for row in json.loads(site.artifact(run, "rejects"))}
    assert rejects["approval: excluded by a person"] == 1


def test_silence_leaves_a_candidate(site):
    config = small(seed=1, approval={"required": True, "timeout_s": 4})
    run = site.start("regenerate/on-demand", **config)

    found = site.finished(run)
    assert found["state_name"] == "Completed", found["state"]["message"]
    assert "nobody approved it within 4 s" in site.artifact(run, "outcome")
