"""A whole site on loopback, as its operator sees it: Postgres, S3, Prefect server, worker, browser."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import httpx
from servers import ROOT, postgres, prefect_server, s3, until, worker

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
    screens: Path
    """Where screenshots go."""
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
        command = [sys.executable, *arguments]
        env = {**self.env, **env}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)

    def prefect(self, *arguments):
        return self.command("-m", "prefect", "--no-prompt", *arguments)

    def deployment(self, name):
        return self.get(f"/deployments/name/{name}")

    def start(self, name, jobs=None, **config):
        """Create a flow run as the UI does."""
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

    def newest(self, name):
        """The flow run of a deployment that was created last."""
        return max(self.runs(name), key=lambda run: run["created"])

    def folder_of(self, run):
        """Name of the folder under `runs/` that a finished flow run wrote."""
        return re.search(r"# (\S+)", self.artifact(run, "outcome"))[1]

    @property
    def bucket(self):
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.env["AWS_ENDPOINT_URL"], **keys)

    def read_json(self, path):
        return json.loads(self.bucket.get_object(Bucket="sentimill", Key=f"results/{path}")["Body"].read())

    def write_json(self, path, value):
        self.bucket.put_object(Bucket="sentimill", Key=f"results/{path}", Body=json.dumps(value).encode())


@contextmanager
def running_site(folder, screens):
    """Start everything, set it up as `make deploy` does, and stop it at the end."""
    began = time.monotonic()
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
        site = Site(env, folder, screens, began)
        done = site.command("-m", "tasks.cli", "deploy")
        assert done.returncode == 0, done.stderr
        stop_schedules(site)
        stack.enter_context(worker(folder, env))
        until("a worker", lambda: site.call("/work_pools/sentimill/workers/filter", {}), 120)
        site.figures["ready_s"] = round(time.monotonic() - began, 1)
        yield site
        site.figures["all_s"] = round(time.monotonic() - began, 1)


def stop_schedules(site):
    """Stop the schedules that we ship, so that none starts a run during the tests."""
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


@contextmanager
def running_browser():
    """Chromium without a window."""
    from playwright.sync_api import expect, sync_playwright

    quiet = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split()
    # It asks nobody but the server; the tests run without a network.
    quiet.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    expect.set_options(timeout=120_000)
    with sync_playwright() as player:
        found = next(filter(None, map(shutil.which, BROWSERS)), BROWSERS[0])
        browser = player.chromium.launch(executable_path=found, args=quiet)
        yield browser
        browser.close()


def opened(browser, address):
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto(address, wait_until="commit")
    return page
