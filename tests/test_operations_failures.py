"""What goes wrong on a site: bad input, missing rights, killed processes, a champion that got worse."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import psutil
import pytest
import yaml
from operations_site import FINAL, small
from servers import ROOT, until

pytestmark = pytest.mark.slow


def test_the_command_of_ci_fails_when_the_run_fails(site, tmp_path):
    (step,) = [s for s in workflow()["jobs"]["regenerate"]["steps"] if s.get("name") == "Regenerate"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    wrong = json.dumps({"taxonomy": "no/such/file.yaml"})
    given = {"DEPLOYMENT": "regenerate/on-demand", "CONFIG": wrong, "WATCH_TIMEOUT_S": "240", "PATH": path}
    script = ["bash", "-eo", "pipefail", "-c", step["run"]]
    env = {**site.env, **given}
    done = subprocess.run(script, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert done.returncode == 1, done.stdout + done.stderr
    message = site.newest("regenerate/on-demand")["state"]["message"]
    assert "no/such/file.yaml is missing (looked in " in message
    assert "; expected a YAML file. Check the path." in message


def workflow():
    return yaml.safe_load((ROOT / ".github/workflows/regenerate.yml").read_text())


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
    assert "results block at s3://sentimill/results cannot be used (" in found["state"]["message"]


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
    doctor = site.command("-m", "tasks.cli", "doctor", "--pool", "sentimill-docker")

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
    pages = site.bucket.get_paginator("list_objects_v2")
    found = pages.paginate(Bucket="sentimill", Prefix="results/cache/sample-cell-")
    return {o["Key"]: o["LastModified"] for page in found for o in page.get("Contents", [])}


@pytest.fixture(scope="module")
def champion(site):
    """Name of a finished run, made champion by hand however bad its few texts made it."""
    run = site.start("regenerate/on-demand", **small(seed=1))
    assert site.finished(run)["state_name"] == "Completed"
    name = site.folder_of(run)
    (calibrated,) = [path for path in site.read_json(f"runs/{name}/results.json") if "/calibrate-" in path]
    model = json.loads(site.read_json(calibrated)["result"])["data"]
    entry = {"run": name, "model": model, "test": "synthetic", "f1_macro": 0.0}
    site.write_json("champion.json", {"polarity3": entry})
    return name


def test_an_audit_that_fails_starts_a_run_which_ends_with_its_process_when_it_is_cancelled(site, champion):
    """The champion's record is raised by hand: as if the model had been worth more once."""
    passed = site.finished(site.start("audit-model/weekly", taxonomy="polarity3"))
    assert passed["state_name"] == "Completed", passed["state"]["message"]
    scores = site.read_json(f"runs/{champion}/scores.json")
    for arm in scores["results"]:
        arm["metrics"]["f1_macro"] = 1.5
    site.write_json(f"runs/{champion}/scores.json", scores)
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


def processes(run):
    """Processes of a flow run."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                found.append(process)
    return found
