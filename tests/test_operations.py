"""From nothing to a nightly run: Postgres, S3, Prefect server, worker; a run triggered three ways; bad input.

`make ops-test` runs this file and writes its figures to results/bench/operations.json.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import boto3
import httpx
import psutil
import pytest
import yaml
from servers import ROOT, postgres, prefect_server, s3, until, worker

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1400, "height": 1400}
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
SCREENS = ROOT / "results/bench/screens"
FIGURES = ROOT / "results/bench/operations.json"


def small(seed=0, **more):
    """A configuration whose run takes half a minute."""
    plan = {"texts_per_label": 10, "topics_per_label": 3, "rounds": 2}
    return {"taxonomy": "polarity3", "seed": seed, "plan": plan, "training": {"epochs": 1}, **more}


@dataclass
class Site:
    """A machine on which everything runs, as its operator sees it."""

    env: dict[str, str]
    folder: Path
    began: float
    figures: dict[str, object] = field(default_factory=dict)

    @property
    def api(self):
        return self.env["PREFECT_API_URL"]

    @property
    def page(self):
        return self.api.removesuffix("/api")

    def call(self, path, body=None, method="POST"):
        answer = httpx.request(method, f"{self.api}{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def get(self, path):
        return self.call(path, method="GET")

    def command(self, *arguments, **env):
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env={**self.env, **env}, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip

    def prefect(self, *arguments):
        return self.command("-m", "prefect", "--no-prompt", *arguments)

    def deployment(self, name):
        return self.get(f"/deployments/name/{name}")

    def start(self, name, jobs=None, **config):
        """Make a flow run as the UI does."""
        where = f"/deployments/{self.deployment(name)['id']}/create_flow_run"
        given = {"parameters": {"config": config}} if config else {}
        return self.call(where, {**given, "job_variables": jobs or {}})["id"]

    def finished(self, run, timeout_s=240):
        """The run, once it is final."""

        def look():
            found = self.get(f"/flow_runs/{run}")
            return found if found["state_type"] in FINAL else None

        return until(f"flow run {run}", look, timeout_s)

    def runs(self, name, **state):
        own = {"deployments": {"id": {"any_": [self.deployment(name)["id"]]}}, **state}
        return self.call("/flow_runs/filter", {**own, "sort": "START_TIME_DESC"})

    def artifacts(self, run, key):
        """All versions of an artifact, the newest first."""
        wanted = {"flow_run_id": {"any_": [run]}, "key": {"any_": [key]}}
        asked = {"artifacts": wanted, "sort": "CREATED_DESC"}
        return [found["data"] for found in self.call("/artifacts/filter", asked)]

    def artifact(self, run, key):
        return self.artifacts(run, key)[0]

    def progress(self, run, key):
        return max(self.artifacts(run, key), default=0.0)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    began = time.monotonic()
    folder = tmp_path_factory.mktemp("site")
    (folder / "home").mkdir()
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT")},
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PREFECT_HOME": str(folder / "home"),
        "SENTIMILL_RESULTS": "s3://sentimill/results",
        "SENTIMILL_UNCLAIMED_S": "15",
        "DO_NOT_TRACK": "1",
    }
    with ExitStack() as stack:
        env["AWS_ENDPOINT_URL"] = stack.enter_context(s3(folder, env))
        database = stack.enter_context(postgres(folder, env))
        env["PREFECT_API_URL"] = stack.enter_context(prefect_server(folder, env, database))
        site = Site(env, folder, began)
        done = site.command("-m", "tasks.cli", "deploy")
        assert done.returncode == 0, done.stderr
        rest(site)
        stack.enter_context(worker(folder, env))
        site.figures["ready_s"] = round(time.monotonic() - began, 1)
        yield site
        site.figures["all_s"] = round(time.monotonic() - began, 1)
        write_figures(site.figures)


def rest(site):
    """Stop the schedules that we ship, lest half past two comes while the tests run."""
    for name in ("regenerate/nightly", "audit-model/weekly"):
        deployment = site.deployment(name)
        (schedule,) = deployment["schedules"]
        where = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
        site.call(where, {"active": False}, method="PATCH")


def write_figures(figures):
    """Merge into the file that other measurements of operations are written to, too."""
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    there = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    FIGURES.write_text(json.dumps({**there, "triggers": figures}, indent=2) + "\n")


def test_setting_up_again_changes_nothing(site):
    done = site.command("-m", "tasks.cli", "deploy")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is there") == 7
    assert "made" not in done.stdout


def test_the_doctor_finds_nothing(site):
    done = site.command("-m", "deployments.doctor", "--pool", "sentimill")

    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert "ok   results block s3://sentimill/results" in done.stdout


def test_ci_triggers_a_run_and_waits_for_it(site):
    start = time.monotonic()
    done = watch(site, "regenerate/on-demand", small(seed=1))

    assert done.returncode == 0, done.stdout + done.stderr
    site.figures["ci_s"] = round(time.monotonic() - start, 1)
    (run,) = site.runs("regenerate/on-demand")
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
    start = time.monotonic()
    before = len(site.runs("regenerate/on-demand"))
    where = f"deployments/deployment/{site.deployment('regenerate/on-demand')['id']}/run"
    page = opened(browser, f"{site.page}/v2/{where}")
    page.get_by_text("Texts per label (Optional)", exact=True).wait_for()
    fill(page, "Texts per label", "0")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_timeout(1000)
    page.screenshot(path=SCREENS / "form-refuses.png")
    complaint = knob(page, "Texts per label").locator("input").evaluate("field => field.validationMessage")
    assert complaint == "Value must be greater than or equal to 1."

    for title, value in {"Texts per label": 10, "Topics per label": 3, "Epochs": 1, "Seed": 3}.items():
        fill(page, title, str(value))
    choose(page, "Taxonomy", "polarity3")
    page.set_viewport_size({"width": 1400, "height": 9000})
    page.screenshot(path=SCREENS / "form.png")
    page.set_viewport_size(SIZE)
    page.get_by_role("button", name="Submit").click()
    until("the run", lambda: len(site.runs("regenerate/on-demand")) == before + 1, 120)
    run = newest(site, "regenerate/on-demand")
    assert run["parameters"]["config"]["taxonomy"] == "polarity3"
    assert site.finished(run["id"])["state_name"] == "Completed"
    site.figures["browser_s"] = round(time.monotonic() - start, 1)
    site.figures["three_ways_s"] = round(time.monotonic() - site.began, 1)
    page.goto(f"{site.page}/v2/runs/flow-run/{run['id']}?tab=Artifacts", wait_until="commit")
    page.get_by_text("quota-table").first.wait_for()
    page.wait_for_timeout(3000)
    page.screenshot(path=SCREENS / "run.png")


def test_the_command_of_ci_fails_when_the_run_fails(site, tmp_path):
    (step,) = [s for s in workflow()["jobs"]["regenerate"]["steps"] if s.get("name") == "Regenerate"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    wrong = json.dumps({"taxonomy": "no/such/file.yaml"})
    given = {"DEPLOYMENT": "regenerate/on-demand", "CONFIG": wrong, "WATCH_TIMEOUT_S": "240", "PATH": path}
    script = ["bash", "-eo", "pipefail", "-c", step["run"]]
    env = {**site.env, **given}
    done = subprocess.run(script, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 1, done.stdout + done.stderr
    message = newest(site, "regenerate/on-demand")["state"]["message"]
    assert "no/such/file.yaml is missing; expected a YAML file. Check the path." in message


def workflow():
    return yaml.safe_load((ROOT / ".github/workflows/regenerate.yml").read_text())


def newest(site, name):
    return max(site.runs(name), key=lambda run: run["created"])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"plan": {"texts_per_label": 0}}, "0 is less than the minimum of 1"),
        ({"taxonomy": "sentiment8"}, "'sentiment8' is not valid under any of the given schemas"),
        ({"profile": "embeded"}, "'embeded' is not one of ['embedded', 'hub', 'server']"),
        ({"epochs": 1}, "Additional properties are not allowed ('epochs' was unexpected)"),
    ],
)
def test_a_wrong_parameter_is_refused_before_a_run_is_made(site, config, message):
    before = len(site.runs("regenerate/on-demand"))

    with pytest.raises(httpx.HTTPStatusError) as refused:
        site.start("regenerate/on-demand", **config)

    assert message in refused.value.response.json()["detail"]
    assert len(site.runs("regenerate/on-demand")) == before


def test_a_bucket_without_rights_fails_the_run_at_once(site):
    guard = f"{site.env['AWS_ENDPOINT_URL']}/moto-api/reset-auth"
    httpx.post(guard, content="0").raise_for_status()  # from now on, the key must have rights
    try:
        found = site.finished(site.start("regenerate/on-demand", **small(seed=4)))
    finally:
        httpx.post(guard, content="inf").raise_for_status()

    assert found["state_name"] == "Failed"
    assert "results block at s3://sentimill/results cannot be written (" in found["state"]["message"]


def test_a_block_that_does_not_exist_fails_the_run_at_once(site):
    run = site.start("regenerate/on-demand", jobs={"env": {"SENTIMILL_BLOCK": "nowhere"}}, **small(seed=4))
    found = site.finished(run)

    assert found["state_name"] == "Failed"
    assert (
        "results block is 'nowhere' (SENTIMILL_BLOCK), which is not on the server"
        in found["state"]["message"]
    )


def test_a_pool_without_workers_fails_the_run(site):
    where = f"/deployments/{site.deployment('tune-generator/on-demand')['id']}"
    site.call(where, {"work_pool_name": "sentimill-docker"}, method="PATCH")
    found = site.finished(site.start("tune-generator/on-demand"))
    doctor = site.command("-m", "deployments.doctor", "--pool", "sentimill-docker")

    assert found["state_name"] == "Failed"
    assert found["state"]["message"].startswith(
        "no worker took this run within 15 s; expected one on its work"
    )
    assert doctor.returncode == 1
    assert (
        "work pool sentimill-docker has no worker; expected one online. Start it: make worker."
        in doctor.stdout
    )


def test_a_server_of_another_major_version_is_refused(site):
    """Prefect 2 cannot be installed beside 3; its answer to the question for its version can."""

    class Old(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'"2.20.25"')

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Old) as old:
        Thread(target=old.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{old.server_port}/api"
        done = site.command("-m", "tasks.cli", "run", PREFECT_API_URL=url)
        old.shutdown()

    assert done.returncode == 2
    assert done.stderr.strip() == (
        "sentimill: Found incompatible versions: client: 3.8.8, server: 2.20.25; expected Prefect 3.8.8 at "
        "PREFECT_API_URL. Start one (make server), or fix the address."
    )


def test_a_run_whose_process_is_killed_is_ended_by_retry(site):
    """*Retry* in the menu of the run's page asks for just this state."""
    before = batches(site)
    run = site.start("regenerate/on-demand", **small(seed=5))
    until("its first texts", lambda: set(batches(site)) - set(before), 120)
    for process in processes(run):
        process.kill()
    assert site.finished(run)["state_name"] == "Crashed"
    until("the worker's own notice", lambda: advised(site, run), 60)  # until then it would end the second try
    saved = batches(site)
    retry = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
    site.call(f"/flow_runs/{run}/set_state", {"state": retry, "force": True})
    until("the second try", lambda: site.get(f"/flow_runs/{run}")["state_type"] not in FINAL, 60)
    found = site.finished(run)

    assert found["state_name"] == "Completed", found["state"]["message"]
    after = batches(site)
    assert {name: after[name] for name in saved} == saved


def advised(site, run):
    """What the worker says once it has seen a process of its end by a signal."""
    logs = site.call("/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})
    said = [log["message"] for log in logs if log["name"] == "prefect.flow_runs.worker"]
    return [message for message in said if message.startswith("Check whether")]


def batches(site):
    """When every batch of texts was saved."""
    pages = bucket(site).get_paginator("list_objects_v2")
    found = pages.paginate(Bucket="sentimill", Prefix="results/cache/sample-cell-")
    return {o["Key"]: o["LastModified"] for page in found for o in page.get("Contents", [])}


def test_an_audit_that_fails_starts_a_run_which_ends_with_its_process_when_it_is_cancelled(site):
    """The champion's record is raised by hand: as if the model had been worth more once."""
    champion = crown_by_hand(site)
    passed = site.finished(site.start("audit-model/weekly", taxonomy="polarity3"))
    assert passed["state_name"] == "Completed", passed["state"]["message"]
    scores = s3_json(site, f"runs/{champion}/scores.json")
    for arm in scores["results"]:
        arm["metrics"]["f1_macro"] = 1.5
    s3_put(site, f"runs/{champion}/scores.json", scores)
    before = {run["id"] for run in site.runs("regenerate/nightly")}

    failed = site.finished(site.start("audit-model/weekly", taxonomy="polarity3"))

    assert failed["state_name"] == "Failed"
    assert f"champion {champion} fell: f1_macro is" in failed["state"]["message"]

    def started():
        return {run["id"] for run in site.runs("regenerate/nightly")} - before

    (run,) = until("a run by the automation", started, 60)
    until("its first texts", lambda: site.progress(run, "sample-progress") > 0, 120)
    assert processes(run)
    site.call(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    assert site.finished(run)["state_name"] == "Cancelled"
    until("the end of its process", lambda: not processes(run), 60)


def crown_by_hand(site):
    """Make the newest run champion, whatever its few texts made of it, and give its name."""
    run = newest_run(site)
    (trained,) = [name for name in s3_json(site, f"runs/{run}/results.json") if "/train-" in name]
    model = json.loads(s3_json(site, trained)["result"])["data"]
    entry = {"run": run, "model": model, "test": "synthetic", "f1_macro": 0.0}
    s3_put(site, "champion.json", {"polarity3": entry})
    return run


def newest_run(site):
    """Name of the run that the newest flow run on demand left in the bucket."""
    done = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    page = site.artifact(site.runs("regenerate/on-demand", **done)[0]["id"], "outcome")
    return re.search(r"# (\S+)", page)[1]


def processes(run):
    """Processes of a flow run."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                found.append(process)
    return found


def s3_json(site, path):
    return json.loads(bucket(site).get_object(Bucket="sentimill", Key=f"results/{path}")["Body"].read())


def s3_put(site, path, value):
    bucket(site).put_object(Bucket="sentimill", Key=f"results/{path}", Body=json.dumps(value).encode())


def bucket(site):
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=site.env["AWS_ENDPOINT_URL"], **keys)


def test_a_person_approves_and_excludes_rows(site, browser):
    run = site.start("regenerate/on-demand", **small(seed=1, approval={"wanted": True, "timeout_s": 200}))
    until("the question", lambda: site.get(f"/flow_runs/{run}")["state_type"] == "PAUSED", 120)
    first = re.search(r"`([0-9a-f]{8})`", site.artifact(run, "approval")).group(1)
    page = opened(browser, f"{site.page}/v2/runs/flow-run/{run}")
    page.get_by_role("button", name="Open menu").first.click()
    page.get_by_role("menuitem", name="Resume").click()
    page.get_by_text("waits for approval").wait_for()
    page.screenshot(path=SCREENS / "approval.png")
    site.call(f"/flow_runs/{run}/resume", {"run_input": {"decision": "reject", "exclude": [first]}})
    found = site.finished(run)

    assert found["state_name"] == "Completed", found["state"]["message"]
    assert "a person rejected it: no comment" in site.artifact(run, "outcome")
    rejects = {row["why"]: row["texts"] for row in json.loads(site.artifact(run, "rejects"))}
    assert rejects["approval: excluded by a person"] == 1


def test_silence_leaves_a_candidate(site):
    config = small(seed=1, approval={"wanted": True, "timeout_s": 4})
    run = site.start("regenerate/on-demand", **config)

    found = site.finished(run)
    assert found["state_name"] == "Completed", found["state"]["message"]
    assert "nobody approved it within 4 s" in site.artifact(run, "outcome")


def opened(browser, address):
    page = browser.new_page(viewport=SIZE)
    page.set_default_timeout(120_000)
    page.goto(address, wait_until="commit")
    return page


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    SCREENS.mkdir(parents=True, exist_ok=True)
    quiet = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split()
    # It asks nobody but the server; the tests run without a network.
    quiet.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    with sync_playwright() as player:
        found = next(filter(None, map(shutil.which, BROWSERS)), BROWSERS[0])
        browser = player.chromium.launch(executable_path=found, args=quiet)
        yield browser
        browser.close()


def knob(page, title):
    """The part of the form that takes the value of one knob."""
    label = page.get_by_text(f"{title} (Optional)", exact=True).first
    return label.locator("xpath=ancestor::*[./fieldset][1]/fieldset")


def fill(page, title, value):
    knob(page, title).locator("input").first.fill(value)


def choose(page, title, value):
    knob(page, title).locator("button[aria-haspopup=listbox]").click()
    page.get_by_role("option", name=value).click()
