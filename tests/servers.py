"""The parts of docker/compose.yaml, started natively on loopback: Postgres, S3, Prefect server, worker."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

ROOT = Path(__file__).parent.parent
PREFECT = [sys.executable, "-m", "prefect"]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(what: str, found: Callable[[], object], timeout_s: float = 120, every_s: float = 0.5) -> object:
    """Ask again and again until the answer is true."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(every_s)
    raise TimeoutError(f"{what}: not within {timeout_s:.0f} s")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def running(
    command: list[str], log: Path, env: dict[str, str], cwd: Path = ROOT
) -> Iterator[subprocess.Popen]:
    """A process with all its children, stopped at the end."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def postgres_command(name: str) -> list[str]:
    """A program of Postgres, which refuses to run as root."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    program = next((str(p / name) for p in places if (p / name).exists()), shutil.which(name) or name)
    return ["runuser", "-u", "postgres", "--", program] if os.geteuid() == 0 else [program]


@contextmanager
def postgres(folder: Path, env: dict[str, str]) -> Iterator[str]:
    """A database cluster of its own; yields the URL that Prefect takes."""
    # Not below pytest's own folders, which only their owner may enter.
    with TemporaryDirectory() as data:
        Path(data).chmod(0o700)
        if os.geteuid() == 0:
            shutil.chown(data, "postgres")
        yield from _cluster(data, folder, env)


def _cluster(data: str, folder: Path, env: dict[str, str]) -> Iterator[str]:
    port = free_port()
    subprocess.run(
        [*postgres_command("initdb"), "-D", data, "-U", "prefect", "--auth=trust", "-E", "UTF8"],
        check=True, capture_output=True, cwd="/",
    )  # fmt: skip
    options = ["-D", data, "-p", str(port), "-k", data, "-c", "listen_addresses=127.0.0.1"]
    with running([*postgres_command("postgres"), *options], folder / "postgres.log", env, Path("/")):
        ready = [*postgres_command("pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        until("Postgres", lambda: subprocess.run(ready, capture_output=True, cwd="/").returncode == 0)
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"


@contextmanager
def s3(folder: Path, env: dict[str, str]) -> Iterator[str]:
    """An S3 endpoint with the bucket `sentimill`; yields its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-m", "moto.server", "-p", str(port)], folder / "s3.log", env):
        until("S3", lambda: answers(f"{url}/moto-api/"))
        httpx.put(f"{url}/sentimill").raise_for_status()
        yield url


@contextmanager
def prefect_server(folder: Path, env: dict[str, str], database: str) -> Iterator[str]:
    """A Prefect server with the settings of deployments/server.env; yields the URL of its API."""
    port = free_port()
    lines = (ROOT / "deployments/server.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database
    command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, folder / "server.log", {**env, **settings}):
        url = f"http://127.0.0.1:{port}/api"
        until("Prefect server", lambda: answers(f"{url}/health"), 180)
        yield url


@contextmanager
def worker(folder: Path, env: dict[str, str], pool: str = "sentimill") -> Iterator[None]:
    """A worker of the process pool."""
    command = [*PREFECT, "worker", "start", "--pool", pool, "--name", "tests"]
    with running(command, folder / "worker.log", env):
        yield
