"""Make what a server needs: results block, work pools, deployments, automations.

    sentimill deploy            or `make deploy`

What is there already is left as it is, for a person may have changed it in the UI; deployments alone always
follow deployments/prefect.yaml. `--reset` replaces pools and automations by those of this version, too.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from deployments.automations import ensure_automations
from tasks.cli.options import DeployOptions
from tasks.orchestration.server import require_server
from tasks.storage.connection import open_store

ROOT = Path(__file__).parent.parent


def deploy(options: DeployOptions) -> None:
    """Set the server up and say what was made.

    Raises:
        ValueError: PREFECT_API_URL is not set, or the server does not answer.
    """
    server = require_server()
    if not server:
        raise ValueError(
            "PREFECT_API_URL is not set; expected the address of a Prefect server. Start one (make server), "
            "then set PREFECT_API_URL=http://127.0.0.1:4200/api."
        )
    say("server", f"Prefect {server}")
    set_up(options.reset)


def set_up(reset: bool) -> None:
    """Make everything that is missing."""
    with get_client(sync_client=True) as client:
        say("results block", open_store().root)
        for name, pool in read_pools().items():
            say("work pool", f"{name}: {ensure_pool(client, name, pool, reset)}")
        register_deployments()
        for name, outcome in ensure_automations(client, os.environ, reset).items():
            say("automation", f"{name}: {outcome}")


def say(what: str, outcome: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{what:20}{outcome}\n")


def read_pools() -> dict[str, dict[str, Any]]:
    """Work pools of deployments/pools.yaml by name."""
    text = (ROOT / "deployments" / "pools.yaml").read_text(encoding="utf-8")
    pools: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return pools


def ensure_pool(client: SyncPrefectClient, name: str, pool: Mapping[str, Any], reset: bool) -> str:
    """Make a work pool, or with `reset` replace its template and description."""
    template = job_template(pool)
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        made = WorkPoolCreate(
            name=name, type=pool["type"], description=pool["description"], base_job_template=template
        )
        client.create_work_pool(made)
        return "made"
    if not reset:
        return "is there"
    client.update_work_pool(name, WorkPoolUpdate(description=pool["description"], base_job_template=template))
    return "replaced"


def job_template(pool: Mapping[str, Any]) -> dict[str, Any]:
    """Prefect's own job template of the pool's type with that of pools.yaml laid over it."""
    own = asyncio.run(get_default_base_job_template_for_infrastructure_type(pool["type"]))
    if own is None:
        raise ValueError(
            f"work pool type is {pool['type']!r}; expected one that Prefect knows. "
            "Fix deployments/pools.yaml."
        )
    return laid_over(own, pool["template"])


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two trees; what stands above wins, and lists are replaced whole."""
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = laid_over(merged[name], value) if both else value
    return merged


def register_deployments() -> None:
    """Register every deployment of deployments/prefect.yaml.

    Raises:
        ValueError: with what Prefect said.
    """
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    command += ["--prefect-file", "deployments/prefect.yaml"]
    environment = {"SENTIMILL_HOME": str(ROOT), **os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"prefect deploy failed. {done.stdout.strip()} {done.stderr.strip()}")
    say("deployments", "those of deployments/prefect.yaml")
