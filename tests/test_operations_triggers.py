"""From nothing to a run: set-up, doctor, and runs started by CI, by a schedule and by a person in a browser.

`make ops-test` runs this file; with `ARGS=--record` it writes figures and pictures to results/bench.
"""

import json
import time

import pytest
from operations_site import SIZE, opened, small
from servers import until

pytestmark = pytest.mark.slow


def test_setting_up_again_changes_nothing(site):
    done = site.command("-m", "tasks.cli", "deploy")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is there") == 6
    assert "made" not in done.stdout


def test_the_doctor_finds_nothing(site):
    done = site.command("-m", "tasks.cli", "doctor", "--pool", "sentimill")

    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert "ok    results block s3://sentimill/results" in done.stdout


def test_ci_triggers_a_run_and_waits_for_it(site):
    start = time.monotonic()
    done = watch(site, "regenerate/on-demand", small(seed=1))

    assert done.returncode == 0, done.stdout + done.stderr
    site.figures["ci_s"] = round(time.monotonic() - start, 1)
    run = site.newest("regenerate/on-demand")
    assert run["name"].startswith("polarity3 · embedded · 20")
    assert run["tags"] == ["on-demand"]
    assert "s3://sentimill/results/runs/polarity3-embedded-" in site.artifact(run["id"], "outcome")
    assert sum(row["texts"] for row in json.loads(site.artifact(run["id"], "rejects"))) > 0


def watch(site, name, config):
    config = f"config={json.dumps(config)}"
    return site.prefect("deployment", "run", name, "--watch", "--watch-timeout", "240", "--param", config)


def test_a_schedule_starts_a_run(site):
    nightly = site.deployment("regenerate/nightly")
    assert [(s["schedule"]["cron"], s["schedule"]["timezone"]) for s in nightly["schedules"]] == [
        ("30 2 * * *", "Europe/Berlin")
    ]
    start = time.monotonic()
    every_minute = {
        "schedule": {"cron": "* * * * *"},
        "active": True,
        "parameters": {"config": small(seed=2)},
    }
    (made,) = site.call(f"/deployments/{nightly['id']}/schedules", [every_minute])

    def begun():
        running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "COMPLETED"]}}}}
        return [run for run in site.runs("regenerate/nightly", **running) if run["auto_scheduled"]]

    (run, *_) = until("a scheduled run", begun, 180)
    site.call(f"/deployments/{nightly['id']}/schedules/{made['id']}", method="DELETE")
    assert site.finished(run["id"])["state_name"] == "Completed"
    site.figures["cron_s"] = round(time.monotonic() - start, 1)


def test_a_person_triggers_a_run_in_the_browser(site, browser):
    from playwright.sync_api import expect

    start = time.monotonic()
    before = len(site.runs("regenerate/on-demand"))
    where = f"deployments/deployment/{site.deployment('regenerate/on-demand')['id']}/run"
    page = opened(browser, f"{site.page}/v2/{where}")
    page.get_by_text("Texts per label (Optional)", exact=True).wait_for()
    fill(page, "Texts per label", "0")
    page.get_by_role("button", name="Submit").click()
    refusal = "Value must be greater than or equal to 1."
    refused = field_of(page, "Texts per label").locator("input").first
    expect(refused).to_have_js_property("validationMessage", refusal)
    page.screenshot(path=site.screens / "form-refuses.png")

    for title, value in {"Texts per label": 10, "Topics per label": 3, "Epochs": 1, "Seed": 3}.items():
        fill(page, title, str(value))
    choose(page, "Taxonomy", "polarity3")
    page.set_viewport_size({"width": 1400, "height": 9000})
    page.screenshot(path=site.screens / "form.png")
    page.set_viewport_size(SIZE)
    page.get_by_role("button", name="Submit").click()
    until("the run", lambda: len(site.runs("regenerate/on-demand")) == before + 1, 120)
    run = site.newest("regenerate/on-demand")
    assert run["parameters"]["config"]["taxonomy"] == "polarity3"
    assert site.finished(run["id"])["state_name"] == "Completed"
    site.figures["browser_s"] = round(time.monotonic() - start, 1)
    site.figures["three_ways_s"] = round(time.monotonic() - site.began, 1)
    page.goto(f"{site.page}/v2/runs/flow-run/{run['id']}?tab=Artifacts", wait_until="commit")
    for key in ("quota-table", "outcome", "scores"):
        expect(page.get_by_text(key).first).to_be_visible()
    page.screenshot(path=site.screens / "run.png")


def field_of(page, title):
    """The part of the form that takes the value of one option."""
    label = page.get_by_text(f"{title} (Optional)", exact=True).first
    return label.locator("xpath=ancestor::*[./fieldset][1]/fieldset")


def fill(page, title, value):
    field_of(page, title).locator("input").first.fill(value)


def choose(page, title, value):
    field_of(page, title).locator("button[aria-haspopup=listbox]").click()
    page.get_by_role("option", name=value).click()
