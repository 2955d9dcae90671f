"""Image, compose site and cluster say what they ought to; `make ops-test` asks linters and schemas, too."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deployments.setup import job_template, laid_over, read_pools
from tasks.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
OWN_IMAGE = "${SENTIMILL_IMAGE:-sentimill:cpu}"
SCRIPTS = Path(sys.executable).parent


def test_what_lies_above_wins_and_lists_are_replaced():
    below = {"a": {"x": 1, "y": [1, 2]}, "b": 2}

    assert laid_over(below, {"a": {"y": [3]}, "c": 4}) == {"a": {"x": 1, "y": [3]}, "b": 2, "c": 4}


@pytest.mark.parametrize("name", read_pools())
def test_every_placeholder_of_a_pool_has_a_variable(name):
    template = job_template(read_pools()[name])
    used = re.findall(r"\{\{ (\w+) \}\}", str(template["job_configuration"]))

    assert set(used) <= set(template["variables"]["properties"])


PINNED = re.compile(r"[a-z0-9./-]+:(?!latest)[A-Za-z]*[-.]?\d[\w.-]*")
"""An image with a tag that has a number in it: `postgres:17.7-bookworm`."""


def test_the_image_runs_as_somebody_and_is_pinned():
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.M) == ["10001"]
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.M)
    assert len(stages) == len(re.findall(r"^FROM", DOCKERFILE, re.M)) > 0
    known = {"scratch"}
    for image, name in stages:
        assert image in known or PINNED.fullmatch(image), image
        known.add(name)


@pytest.mark.parametrize("image", ["base", "my-base", "python", "python:latest", "python:slim"])
def test_an_image_without_a_number_in_its_tag_is_not_pinned(image):
    assert not PINNED.fullmatch(image)


def test_every_service_is_pinned_and_healthy_before_others_need_it():
    services = COMPOSE["services"]

    assert set(services) == {"postgres", "s3", "server", "setup", "worker", "gpu-worker", "api"}
    images = {service["image"] for service in services.values()}
    assert OWN_IMAGE in images
    assert [image for image in images - {OWN_IMAGE} if not PINNED.fullmatch(image)] == []
    for service in services.values():
        for needed, rule in service.get("depends_on", {}).items():
            if rule["condition"] == "service_healthy":
                assert "test" in services[needed]["healthcheck"]


@pytest.mark.parametrize(
    ("file", "commands"), [("compose.yaml", {"deploy", "serve"}), ("kubernetes.yaml", {"serve"})]
)
def test_the_site_uses_commands_that_exist(file, commands):
    text = (ROOT / "docker" / file).read_text()

    assert set(re.findall(r"(?:\[sentimill, |&& sentimill )([a-z-]+)", text)) == commands <= set(COMMANDS)
    assert "python, -m" not in text


def test_the_image_installs_the_command():
    assert "RUN pip install --no-deps --editable ." in DOCKERFILE


@pytest.mark.slow
def test_linters_find_nothing():
    for command in (
        ["hadolint", "docker/Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker/compose.yaml"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, workflows())],
        ["kubernetes-validate", "--strict", "--quiet", "docker/kubernetes.yaml"],
    ):
        done = subprocess.run(
            [SCRIPTS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def workflows():
    return sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.slow
def test_the_job_of_the_cluster_is_one_that_kubernetes_takes(tmp_path):
    template = job_template(read_pools()["sentimill-kubernetes"])
    defaults = {name: p.get("default") for name, p in template["variables"]["properties"].items()}
    given = {
        **defaults,
        "name": "run",
        "labels": {},
        "env": [],
        "command": ["true"],
        "service_account_name": "s",
    }
    given |= {"cpu_limit": "4"}
    job = filled(template["job_configuration"]["job_manifest"], given)
    # Prefect takes these two out, which belong to the job and stand in the pod.
    for odd in ("parallelism", "completions"):
        job["spec"]["template"]["spec"].pop(odd, None)
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(job))
    command = [SCRIPTS / "kubernetes-validate", "--strict", "--quiet", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def filled(tree, values):
    """A template with its placeholders replaced, as a worker does it."""
    if isinstance(tree, dict):
        return {name: filled(value, values) for name, value in tree.items()}
    if isinstance(tree, list):
        return [filled(value, values) for value in tree]
    if isinstance(tree, str) and (whole := re.fullmatch(r"\{\{ (\w+) \}\}", tree)):
        return values[whole[1]]
    return re.sub(r"\{\{ (\w+) \}\}", lambda m: str(values[m[1]]), tree) if isinstance(tree, str) else tree
