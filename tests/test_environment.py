"""What is installed works together, and what is declared is what is locked and used."""

import ast
import asyncio
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line.strip()]
LOCKED = {canonicalize_name(name): Version(number) for name, number in (line.split("==", 1) for line in LOCK)}
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
# What measures the scrubber or rebuilds its tables, checks a whole site, joins a cluster, samples on a GPU,
# searches or feeds trackers is not installed by default.
SPECIAL = {"scrubber-bench", "scrubber-build", "operations", "ray", "search", "tracking", "vllm"}
EXTRAS = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name not in SPECIAL}
EXTRA = [Requirement(line) for lines in EXTRAS.values() for line in lines]


def test_the_local_server_builds_with_the_installed_fastapi():
    # FastAPI from 0.155 on is allowed by Prefect 3.8 and breaks it: no flow runs without a server then.
    from prefect.server.api.server import create_app

    assert "/api" in {getattr(route, "path", "") for route in create_app().routes}


def test_the_scheduler_makes_runs_with_the_installed_sqlalchemy(prefect_api):
    # SQLAlchemy from 2.1 on is allowed by Prefect 3.8 and silences every schedule.
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.server.services.scheduler import schedule_deployments

    schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron="30 2 * * *", timezone="UTC"), active=True)

    async def scheduled_runs():
        async with get_client() as client:
            flow_id = await client.create_flow_from_name("scheduled")
            deployment_id = await client.create_deployment(flow_id, "nightly", schedules=[schedule])
            await schedule_deployments()
            own = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
            return await client.read_flow_runs(deployment_filter=own)

    starts = [run.expected_start_time for run in asyncio.run(scheduled_runs())]

    assert starts
    assert {(start.hour, start.minute) for start in starts} == {(2, 30)}


def test_every_locked_line_is_a_name_and_one_version_that_any_index_has():
    odd = [line for line in LOCK if not re.fullmatch(r"[A-Za-z0-9._-]+==\d[A-Za-z0-9.]*", line)]

    assert odd == []  # no address, no local build such as +cpu, no range
    assert len(LOCKED) == len(LOCK)


@pytest.mark.parametrize("requirement", [*CORE, *EXTRA], ids=lambda requirement: requirement.name)
def test_every_declared_range_admits_the_locked_version(requirement):
    assert LOCKED[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("requirement", CORE, ids=lambda requirement: requirement.name)
def test_every_declared_range_admits_the_installed_version(requirement):
    assert Version(version(requirement.name)) in requirement.specifier


# Imported only where they are asked for; they bring many packages of their own.
OF_EXTRAS = {"optuna", "prefect_ray", "ray", "vllm"}


def test_everything_that_is_imported_is_locked():
    files = [
        file
        for folder in ("flows", "tasks", "deployments")
        for file in (ROOT / folder).rglob("*.py")
        if "build" not in file.parts  # remakes shipped assets; run by maintainers, with packages of its own
    ]
    imported = {name.split(".")[0] for file in files for name in _imports(ast.parse(file.read_text()))}
    foreign = imported - set(sys.stdlib_module_names) - {"flows", "tasks", "deployments"}
    owners = packages_distributions()

    assert "torch" in foreign
    loose = {
        name
        for name in foreign
        if not any(canonicalize_name(owner) in LOCKED for owner in owners.get(name, ()))
    }
    assert loose == OF_EXTRAS


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
