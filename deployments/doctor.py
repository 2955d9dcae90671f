"""Check a set-up from end to end and say what to do about what is wrong.

    sentimill doctor                        or `make doctor`
    sentimill doctor --pool sentimill       wants a worker on this pool, too; CI asks first

Exit code 1 if anything is wrong.
"""

import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version

import torch
from packaging.version import Version
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import WorkerStatus
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from tasks.cli.errors import FAILED
from tasks.cli.options import DoctorOptions
from tasks.models.bundled import EMBEDDED, embedded_folder, minilm_folder
from tasks.orchestration.server import require_server
from tasks.pipeline.reporting.provenance import versions
from tasks.storage.connection import open_results

Check = Callable[[], str]


class CheckFailedError(ValueError):
    """What is wrong, what was expected, what to do."""


def doctor(options: DoctorOptions) -> None:
    """Run all checks and print one line each.

    Raises:
        SystemExit: 1 if anything is wrong.
    """
    well = True
    for name, check in checks(options.pool):
        well &= (healthy := examine(name, check))
        if name == "server" and not healthy:
            break  # all that follows asks it
    if not well:
        sys.exit(FAILED)


def checks(pool: str | None) -> Iterator[tuple[str, Check]]:
    """What is examined, in the order in which things depend on each other."""
    yield "versions", check_versions
    yield "models", check_models
    yield "hardware", check_hardware
    yield "server", check_server
    yield "results block", check_store
    if get_current_settings().api.url:
        yield "deployments", check_deployments
    if pool:
        yield "worker", lambda: check_worker(pool)


def examine(name: str, check: Check) -> bool:
    """Print the outcome of one check; whatever it raises is what is wrong."""
    try:
        outcome, well = check(), True
    except Exception as error:
        outcome, well = str(error) or type(error).__name__, False
    sys.stdout.write(f"{'ok  ' if well else 'FAIL'}  {name:14}{outcome}\n")
    return well


def check_versions() -> str:
    """Prefect 3.8 admits two companions that it does not work with."""
    if Version(version("fastapi")) >= Version("0.151") or Version(version("sqlalchemy")) >= Version("2.1"):
        raise CheckFailedError(
            f"fastapi is {version('fastapi')} and sqlalchemy {version('sqlalchemy')}; expected below 0.151 "
            "and 2.1, else servers do not start and schedules are silent. pip install -r requirements.lock."
        )
    return ", ".join(f"{name} {number}" for name, number in versions().items())


def check_server() -> str:
    """The server answers and speaks our version; without one, runs start their own."""
    url = get_current_settings().api.url
    if not url:
        return "none (PREFECT_API_URL is empty); every run starts one of its own"
    return f"{url}, Prefect {require_server()}"


def check_store() -> str:
    """The results block can be written, and gives back what was written."""
    store = open_results()
    store.require_writable()
    return store.root


def check_models() -> str:
    """The models that ship with the default profile are there and whole."""
    return f"{embedded_folder(EMBEDDED).name}, {minilm_folder().name}"


def check_hardware() -> str:
    """What torch sees; a machine with a GPU whose torch sees none has the wrong build."""
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return f"{os.cpu_count()} cores, {', '.join(names)}"
    if os.path.exists("/proc/driver/nvidia/version"):
        raise CheckFailedError(
            f"torch {torch.__version__} sees no GPU, but there is a driver for one; expected a CUDA build. "
            "Install the one that fits the driver (docs/operations.md, GPU)."
        )
    return f"{os.cpu_count()} cores, no GPU"


def check_deployments() -> str:
    """The server knows our deployments."""
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name("regenerate/nightly")
        except ObjectNotFound as error:
            raise CheckFailedError(
                "deployment regenerate/nightly is missing; expected it on the server. Make it: make deploy."
            ) from error
    active = [schedule.schedule for schedule in deployment.schedules if schedule.active]
    times = ", ".join(f"{getattr(s, 'cron', s)} {getattr(s, 'timezone', '')}" for s in active)
    return f"regenerate/nightly at {times or 'no time: make schedule'}"


def check_worker(pool: str) -> str:
    """A worker polls the pool; without one, runs wait."""
    with get_client(sync_client=True) as client:
        try:
            workers = client.read_workers_for_work_pool(pool)
        except ObjectNotFound as error:
            raise CheckFailedError(
                f"work pool {pool} does not exist; expected one of deployments/pools.yaml. "
                "Make it: make deploy."
            ) from error
    online = [worker.name for worker in workers if worker.status == WorkerStatus.ONLINE]
    if not online:
        raise CheckFailedError(f"work pool {pool} has no worker; expected one online. Start it: make worker.")
    return ", ".join(online)
