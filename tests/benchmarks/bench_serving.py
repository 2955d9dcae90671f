"""The service beside what one would run instead: requests per second, latency, overload, swap, a kill.

    python tests/benchmarks/bench_serving.py [--seconds 15] [--steady-s 60] [--litserve PYTHON] [--only NAMES]

Every server has the same encoder, the default run's size, and gets the same texts of 20 words from another
process over loopback. The plain way is FastAPI with one `transformers.pipeline` call per request; it does
not scrub, the service does. `--litserve` names the Python of an environment that has LitServe.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
RESULTS = Path("results/bench/serving.json")
RIVALS = Path(__file__).parent / "serving"
CONNECTIONS = 32
MAX_REQUESTS = 500_000
STEP_S = 0.02
"""The open loop sends what is due at this pace."""


def texts(n_texts: int) -> list[str]:
    """Texts of 20 words that are drawn from the topics' scenarios, with a name here and there."""
    from tasks.taxonomy import load_topics

    draw = random.Random(0)
    words = " ".join(s for topic in load_topics().topics for s in topic.scenarios).split()
    made = [" ".join(draw.choices(words, k=20)) for _ in range(n_texts)]
    return [f"Anna Smith {text.split(' ', 2)[2]}" if i % 10 == 0 else text for i, text in enumerate(made)]


def load_process(arguments: argparse.Namespace) -> None:
    """Send requests as `--load` says, and print what came of them as JSON."""
    print(json.dumps(asyncio.run(_send(arguments))))  # noqa: T201


async def _send(arguments: argparse.Namespace) -> dict[str, Any]:
    import aiohttp

    made, n = texts(500), arguments.texts_each
    asked = made if n == 1 else [[made[(i + k) % len(made)] for k in range(n)] for i in range(50)]
    bodies = [json.dumps({arguments.field: one}).encode() for one in asked]
    times: list[float] = []
    statuses: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    failed_at: list[float] = []
    end = time.monotonic() + arguments.seconds
    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(limit=arguments.connections)
    headers = {"Content-Type": "application/json"}

    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:

        async def ask(number: int, due: float) -> None:
            try:
                async with session.post(arguments.load, data=bodies[number % len(bodies)]) as answer:
                    content = await answer.read()
                    statuses[str(answer.status)] += 1
                    if answer.status == 200:
                        times.append(time.monotonic() - due)
                        if number % 20 == 0 and b'"run"' in content:
                            answers[json.loads(content)["run"]] += 1
                    elif answer.status == 503 and "Retry-After" not in answer.headers:
                        statuses["503 without Retry-After"] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                statuses[type(error).__name__] += 1
                failed_at.append(time.time())

        start = time.monotonic()
        if arguments.rate:
            await _open_loop(ask, arguments.rate, end)
        else:
            await asyncio.gather(*(_closed_loop(ask, i, end) for i in range(arguments.connections)))
        spent = time.monotonic() - start
    times.sort()
    found = (
        {f"p{p}_ms": round(1000 * times[min(len(times) - 1, len(times) * p // 100)], 1) for p in (50, 99)}
        if times
        else {}
    )
    return {
        "requests_per_s": round(len(times) / min(spent, arguments.seconds + 1), 1),
        **found,
        "max_ms": round(1000 * times[-1], 1) if times else None,
        "statuses": dict(statuses),
        "runs": dict(answers),
        "failed_at": failed_at[:50],
    }


async def _closed_loop(ask: Any, first: int, end: float) -> None:
    """One connection: the next request when the last one is answered."""
    for number in range(first, MAX_REQUESTS, CONNECTIONS):
        if time.monotonic() >= end:
            return
        await ask(number, time.monotonic())


async def _open_loop(ask: Any, rate: float, end: float) -> None:
    """Requests at a fixed rate, whether answered or not; latency counts from when each was due."""
    begin, number, tasks = time.monotonic(), 0, set[asyncio.Task[None]]()
    while (now := time.monotonic()) < end and number < MAX_REQUESTS:
        while begin + number / rate <= now:
            task = asyncio.create_task(ask(number, begin + number / rate))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(STEP_S)
    await asyncio.gather(*tasks)


def drive(
    url: str,
    seconds: float,
    rate: float = 0,
    connections: int = CONNECTIONS,
    field: str = "texts",
    texts_each: int = 1,
) -> Any:
    """Start a load process; `finish` waits for it."""
    command = [sys.executable, __file__, "--load", url, "--seconds", str(seconds), "--rate", str(rate)]
    command += ["--connections", str(connections), "--field", field]
    command += ["--texts-each", str(texts_each)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def finish(process: Any) -> dict[str, Any]:
    """Result of a load process."""
    out, _ = process.communicate(timeout=1200)
    result: dict[str, Any] = json.loads(out)
    return result


@contextlib.contextmanager
def serving(command: list[str], ready: str, port: int, **environment: str) -> Iterator[tuple[int, float]]:
    """A server; yields its process id and the seconds until it was ready."""
    start = time.monotonic()
    log = open(f"{os.environ.get('TMPDIR', '/tmp')}/bench-serving-{port}.log", "w")  # noqa: SIM115
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
    )
    try:
        while True:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=5),
            ):
                break
            if process.poll() is not None or time.monotonic() - start > 180:
                raise RuntimeError(f"{command} did not start; see {log.name}")
            time.sleep(0.1)
        yield process.pid, time.monotonic() - start
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def ours(
    workers: int = 2, results: str | None = None, runtime: str = "auto"
) -> Iterator[tuple[str, int, float]]:
    """The service; yields its predict URL, its process id and the seconds until it was ready."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "tasks.cli",
        "serve",
        "--port",
        str(port),
        "--workers",
        str(workers),
        "--follow-s",
        "1",
        "--runtime",
        runtime,
    ]
    extra = {"SENTIMILL_RESULTS": results} if results else {}
    with serving(command, "/readyz", port, **extra) as (pid, ready_s):
        wait_for_workers(pid, port, workers)
        yield f"http://127.0.0.1:{port}/v1/predict", pid, ready_s


def workers_of(pid: int) -> list[int]:
    """Processes that answer: children of the first that hold a model."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ] or [pid]


def wait_for_workers(pid: int, port: int, n_workers: int) -> None:
    """Wait until every worker has judged something."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        listening = [p for p in workers_of(pid) if memory_mb([p]) > 300]
        if len(listening) >= n_workers:
            time.sleep(3)
            return
        time.sleep(0.2)


def memory_mb(pids: list[int]) -> float:
    """Resident memory."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return total / 1024


def compare(seconds: float, litserve: str | None) -> dict[str, Any]:
    """Closed loop at 32 connections against each server, in turn."""
    rows: dict[str, Any] = {}
    with TemporaryDirectory() as scratch:
        subprocess.run([sys.executable, RIVALS / "make_model.py", scratch], check=True, cwd=ROOT)
        rivals = {"plain": sys.executable, "plain, 2 workers": sys.executable}
        rivals |= {"LitServe": litserve} if litserve else {}
        for name, python in rivals.items():
            port = free_port()
            script = RIVALS / ("lit.py" if name == "LitServe" else "plain.py")
            workers = "2" if "2" in name else "1"
            with serving([python, str(script), scratch, str(port), workers], "/health", port):
                url = f"http://127.0.0.1:{port}/predict"
                finish(drive(url, 3, field="text"))
                rows[name] = finish(drive(url, seconds, field="text"))
                show(name, rows[name])
    for name, workers in {"Sentimill": 2, "Sentimill, 1 worker": 1}.items():
        with ours(workers) as (url, _, _):
            finish(drive(url, 3))
            rows[name] = finish(drive(url, seconds))
            show(name, rows[name])
    for name in rivals:
        rows[name]["ours_requests_ratio"] = round(
            rows["Sentimill"]["requests_per_s"] / rows[name]["requests_per_s"], 2
        )
        rows[name]["ours_p99_ratio"] = round(rows["Sentimill"]["p99_ms"] / rows[name]["p99_ms"], 2)
    return rows


def runtimes(seconds: float) -> dict[str, Any]:
    """PyTorch and the export that the service takes by itself, in turn, twice each; and a file's texts/s.

    The champion needs an export beside it (`sentimill export champion --format onnx`).
    """
    rows: dict[str, Any] = {name: [] for name in ("torch", "auto")}
    told = {}
    for runtime in ("torch", "auto", "auto", "torch"):
        with ours(runtime=runtime) as (url, _, ready_s):
            with urllib.request.urlopen(url.replace("/predict", "/model"), timeout=30) as answer:
                model = json.loads(answer.read())
            told[runtime] = {name: model[name] for name in ("runtime", "precision", "agreement")}
            finish(drive(url, 3))
            rows[runtime].append({**finish(drive(url, seconds)), "ready_s": round(ready_s, 1)})
            show(f"{runtime}: {model['runtime']}", rows[runtime][-1])
    mean = {name: sum(row["requests_per_s"] for row in rows[name]) / 2 for name in rows}
    p99 = {name: max(row["p99_ms"] for row in rows[name]) for name in rows}
    return {
        "told": told,
        "rows": rows,
        "requests_ratio": round(mean["auto"] / mean["torch"], 2),
        "p99_ratio": round(p99["auto"] / p99["torch"], 2),
    }


def classify(seconds: float) -> dict[str, Any]:
    """Texts/s of `sentimill classify` on a file beside the service's, both with two workers.

    The service gets requests of 256 texts, its most; loading the model counts on neither side.
    """
    with TemporaryDirectory() as scratch:
        source, out = Path(scratch) / "in.jsonl", Path(scratch) / "out.jsonl"
        made = texts(500)

        def run(n_rows: int) -> float:
            source.write_text("".join(json.dumps({"text": made[i % 500]}) + "\n" for i in range(n_rows)))
            command = [sys.executable, "-m", "tasks.cli", "classify", str(source), "--out", str(out)]
            start = time.monotonic()
            subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
            return time.monotonic() - start

        n_rows = round(300 * seconds)
        spent = run(n_rows) - run(2_000)
    with ours() as (url, _, _):
        finish(drive(url, 3, texts_each=256, connections=8))
        found = finish(drive(url, seconds, texts_each=256, connections=8))
    file, service = (n_rows - 2_000) / spent, 256 * found["requests_per_s"]
    return {
        "file_texts_per_s": round(file, 1),
        "service_texts_per_s": round(service, 1),
        "ratio": round(file / service, 2),
    }


def start_up() -> dict[str, Any]:
    """Seconds from the command to the first 200 of /readyz, three times."""
    seconds = []
    for _ in range(3):
        with ours() as (_, _, ready_s):
            seconds.append(round(ready_s, 2))
    return {"seconds": seconds}


def steady(capacity: float, seconds: float) -> dict[str, Any]:
    """80 % of capacity: errors, and memory after the first fifth and at the end."""
    with ours() as (url, pid, _):
        finish(drive(url, 5))
        process = drive(url, seconds, rate=0.8 * capacity, connections=256)
        time.sleep(seconds / 5)
        first = memory_mb(workers_of(pid))
        result = finish(process)
        last = memory_mb(workers_of(pid))
    return {
        **result,
        "seconds": seconds,
        "rate": 0.8 * capacity,
        "memory_mb": [round(first), round(last)],
        "memory_growth": round(last / first - 1, 4),
    }


def overload(capacity: float, seconds: float) -> dict[str, Any]:
    """Three times the capacity, then how soon a single request is answered fast again."""
    with ours() as (url, _, _):
        finish(drive(url, 5))
        result = finish(drive(url, seconds, rate=3 * capacity, connections=2000))
        start = time.monotonic()
        calm = finish(drive(url, 2, connections=1))
        result["recovery"] = {**calm, "seconds": round(time.monotonic() - start, 1)}
    return {**result, "rate": 3 * capacity}


def swap(capacity: float, seconds: float) -> dict[str, Any]:
    """The champion changes under load."""
    source = Path(os.environ.get("SENTIMILL_RESULTS", "results"))
    champions = json.loads((source / "champion.json").read_text())
    taxonomy, champion = next(iter(champions.items()))
    with TemporaryDirectory() as scratch:
        runs = Path(scratch) / "runs"
        for name in (champion["run"], "second"):
            shutil.copytree(source / "runs" / champion["run"], runs / name)
        place = Path(scratch) / "champion.json"
        place.write_text(json.dumps({taxonomy: champion}))
        with ours(results=scratch) as (url, _, _):
            finish(drive(url, 3))
            process = drive(url, seconds, rate=0.5 * capacity, connections=256)
            time.sleep(seconds / 3)
            next_file = place.with_suffix(".new")
            next_file.write_text(json.dumps({taxonomy: {**champion, "run": "second"}}))
            next_file.replace(place)
            return finish(process)


def kill(capacity: float, seconds: float) -> dict[str, Any]:
    """One of two workers is killed under load."""
    with ours() as (url, pid, _):
        finish(drive(url, 3))
        process = drive(url, seconds, rate=0.3 * capacity, connections=64)
        time.sleep(seconds / 3)
        victim, at = workers_of(pid)[0], time.time()
        os.kill(victim, signal.SIGKILL)
        result = finish(process)
        late = [t for t in result["failed_at"] if t > at + 1]
    return {**result, "failed": len(result["failed_at"]), "failed_later_than_1_s": len(late)}


def engines() -> dict[str, Any]:
    """Forward pass in other arithmetic: speed beside fp32, and whether the decisions stay."""
    command = [sys.executable, RIVALS / "engines.py"]
    found: dict[str, Any] = json.loads(
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT, text=True).stdout.splitlines()[-1]
    )
    for name, row in found.items():
        show(name, row)
    return found


def show(name: str, row: dict[str, Any]) -> None:
    """One line per measurement."""
    hidden = {"failed_at", "runs"}
    print(f"{name:18}", {k: v for k, v in row.items() if k not in hidden}, file=sys.stderr, flush=True)  # noqa: T201


def main(arguments: argparse.Namespace) -> None:
    """Measure what is asked for, keeping earlier figures of the rest."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}

    def capacity() -> float:
        return float(found["compare"]["Sentimill"]["requests_per_s"])

    measures = {
        "engines": engines,
        "compare": lambda: compare(arguments.seconds, arguments.litserve),
        "runtimes": lambda: runtimes(arguments.seconds),
        "classify": lambda: classify(arguments.seconds),
        "start": start_up,
        "overload": lambda: overload(capacity(), arguments.seconds),
        "swap": lambda: swap(capacity(), max(20, arguments.seconds)),
        "kill": lambda: kill(capacity(), max(20, arguments.seconds)),
        "steady": lambda: steady(capacity(), arguments.steady_s),
    }
    for name in arguments.only.split(","):
        found[name] = measures[name]()
        show(name, found[name])
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--steady-s", type=float, default=600)
    parser.add_argument("--litserve")
    parser.add_argument("--only", default="engines,compare,runtimes,classify,start,overload,swap,kill,steady")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help=argparse.SUPPRESS)
    parser.add_argument("--field", default="texts", help=argparse.SUPPRESS)
    parser.add_argument("--texts-each", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    load_process(given) if given.load else main(given)
