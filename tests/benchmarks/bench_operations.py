"""What failure and orchestration cost: kills, two runs at once, plans of 10,000 cells, cached runs.

Run as:

    make bench-operations
    python tests/benchmarks/bench_operations.py kills --number 5 --first 10

Every part runs real flows in processes and folders of its own, and adds its figures to
results/bench/operations.json. `kills` can be done in portions: each moment is drawn by its number.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import psutil
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "results" / "bench" / "operations.json"
BENCH = Path(tempfile.gettempdir()) / f"sentimill-bench-{os.getuid()}"
SMALL = """--taxonomy polarity3 --plan.texts-per-label 8 --plan.topics restaurants,films --plan.rounds 2
    --generator.batch-size 4 --training.epochs 1""".split()
TRIALS_AT_ONCE = 2
CELLS_280 = (
    "--taxonomy goemotions --plan.texts-per-label 10 --plan.multi-label-fraction 0 --plan.rounds 1".split()
)


def start(arguments: list[str], results: Path) -> subprocess.Popen:
    """The command that a user types, with a results folder of its own and one Prefect home for all."""
    command = [sys.executable, "-m", "tasks.cli", "run", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment(results), stdout=subprocess.DEVNULL)


def environment(results: Path) -> dict[str, str]:
    own = {"SENTIMILL_RESULTS": str(results), "PREFECT_HOME": str(BENCH / "home"), "PYTHONPATH": str(ROOT)}
    return {**os.environ, **own}


def finish(process: subprocess.Popen) -> None:
    if process.wait(timeout=3000):
        sys.exit(f"run ended with exit code {process.returncode}; expected 0.")


def fresh(name: str) -> Path:
    shutil.rmtree(BENCH / name, ignore_errors=True)
    (BENCH / name).mkdir(parents=True)
    return BENCH / name


def outcome(results: Path) -> dict[str, str]:
    """sha256 of the newest run's data set, rejects and weights."""
    run = max((results / "runs").iterdir(), key=lambda folder: folder.stat().st_mtime)
    files = [*(run / "dataset").glob("*.parquet"), run / "model" / "model.safetensors"]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def sampled(results: Path) -> dict[str, int]:
    """When each batch of texts was saved; a batch that is sampled again is saved again."""
    found = {}
    for file in (results / "cache").glob("sample-cell-*[0-9a-f]"):
        if file.suffix != ".tmp":
            found[file.name] = file.stat().st_mtime_ns
    return found


def cpu_s(process: subprocess.Popen) -> float:
    """Processor time that a run has had: how far it is, however busy the machine."""
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system


def undisturbed(results: Path) -> tuple[float, float, dict[str, str]]:
    """Processor seconds until a run saved its first batch and until it ended, and what it left."""
    process, first, last = start(SMALL, results), None, 0.0
    while process.poll() is None:
        last = max(last, cpu_s(process))
        if first is None and sampled(results):
            first = last
        time.sleep(0.02)
    finish(process)
    return first or 0.0, last, outcome(results)


def kills(number: int, first: int) -> None:
    """Kill a run at a moment drawn at random from its life, give the same command again, compare."""
    reference = BENCH / "undisturbed.json"
    if not reference.exists():
        finish(start(SMALL, fresh("warm-up")))  # makes Prefect's database, once
        reference.write_text(json.dumps(undisturbed(fresh("undisturbed"))))
    begins, ends, expected = json.loads(reference.read_text())
    life = (begins - 1.0, ends)
    with ThreadPoolExecutor(TRIALS_AT_ONCE) as threads:
        trials = [threads.submit(kill, n, life, expected) for n in range(first, first + number)]
        for trial in as_completed(trials):
            record({"kills": trial.result()})


def kill(n: int, life: tuple[float, float], expected: dict[str, str]) -> dict[str, object]:
    """One trial: what the killed run had, and whether the same command made of it what it should be."""
    draw, was_running = random.Random(n), False
    while not was_running:  # no two runs take quite the same time; one that had ended was not killed
        moment, results = draw.uniform(*life), fresh(f"killed-{n}")
        process = start(SMALL, results)
        while process.poll() is None and cpu_s(process) < moment:
            time.sleep(0.005)
        was_running = process.poll() is None
        process.kill()
        process.wait()
    saved, last = sampled(results), last_stage(results)
    finish(start(SMALL, results))
    after = sampled(results)
    trial = {
        "cpu_s": round(moment, 1),
        "had_finished": last,
        "equal": outcome(results) == expected,
        "saved_batches": len(saved),
        "saved_batches_sampled_again": sum(after.get(name) != when for name, when in saved.items()),
        "largest_batch": max(rows_of_batches(results)),
    }
    shutil.rmtree(results)
    return {str(n): trial}


def last_stage(results: Path) -> str:
    """The last stage whose result a killed run had saved."""
    files = [file for file in (results / "cache").glob("*-*") if file.suffix != ".tmp"]
    newest = max(files, key=lambda file: file.stat().st_mtime_ns, default=None)
    return newest.name.rsplit("-", 1)[0] if newest else "nothing"


def rows_of_batches(results: Path) -> list[int]:
    """Texts of every sampled batch."""
    known = {file.name[:-8]: file for file in (results / "data").glob("*.parquet")}
    texts = "".join((results / "cache" / name).read_text() for name in sampled(results))
    return [pq.read_metadata(file).num_rows for name, file in known.items() if f"data/{name}" in texts]


def twice() -> dict[str, object]:
    """Two runs of one configuration at once: both end, and no batch is saved twice."""
    results = fresh("twice")
    begun, writes = time.monotonic(), set()
    both = [start(SMALL, results) for _ in range(2)]
    while any(process.poll() is None for process in both):
        writes |= set(sampled(results).items())
        time.sleep(0.002)
    seconds = time.monotonic() - begun
    for process in both:
        finish(process)
    runs = sorted((results / "runs").iterdir())
    train = {hashlib.sha256((run / "dataset/train.parquet").read_bytes()).hexdigest() for run in runs}
    return {
        "two_at_once": {
            "runs": len(runs),
            "equal": len(train) == 1,
            "batches": len(sampled(results)),
            "batches_sampled_twice": len(writes) - len(sampled(results)),
            "seconds": round(seconds, 1),
        }
    }


def run_cached() -> dict[str, object]:
    """Seconds of a run of 280 cells whose every result is there, start-up included."""
    results = BENCH / "cached"
    if not list(results.glob("runs/*/scores.json")):
        finish(start(CELLS_280, fresh("cached")))
    begun = time.monotonic()
    finish(start(CELLS_280, results))
    return {"cells_280": {"batches": len(sampled(results)), "cached_s": round(time.monotonic() - begun, 1)}}


def overhead() -> dict[str, object]:
    """Seconds of the default run as a flow and as plain calls of the same stages, start-up included."""
    seconds = {}
    for name, command in (
        ("flow", [sys.executable, "-m", "tasks.cli", "run"]),
        ("plain", [sys.executable, str(ROOT / "tests" / "benchmarks" / "plain_regenerate.py")]),
    ):
        results = fresh(f"overhead-{name}")
        begun = time.monotonic()
        subprocess.run(command, cwd=ROOT, env=environment(results), check=True, stdout=subprocess.DEVNULL)
        seconds[name] = round(time.monotonic() - begun, 1)
    share = 1 - seconds["plain"] / seconds["flow"]
    return {"orchestration": {**{f"{k}_s": v for k, v in seconds.items()}, "share": round(share, 3)}}


def cells(sizes: tuple[int, ...] = (100, 1_000, 10_000)) -> dict[str, object]:
    """Milliseconds per cell and memory of the flow's process, with a model that writes one token."""
    found = {}
    for size in sizes:
        script = ROOT / "tests" / "benchmarks" / "many_cells.py"
        done = subprocess.run(
            [sys.executable, str(script), str(size)],
            cwd=ROOT,
            env=environment(fresh("cells")),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found[f"{size}"] = json.loads(done.stdout.splitlines()[-1])
        print(size, found[f"{size}"], flush=True)  # noqa: T201
    return {"cells": found}


def record(figures: dict[str, object]) -> None:
    """Merge figures into the results file and print them."""
    known = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    for name, value in figures.items():
        merge = isinstance(value, dict) and name in ("kills", "cells")
        known[name] = {**known.get(name, {}), **value} if merge else value
    if "kills" in figures:
        trials = known["kills"].values()
        known["kills_equal"] = f"{sum(trial['equal'] for trial in trials)} of {len(trials)}"
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))  # noqa: T201


def main() -> None:
    """Measure the parts that the arguments name, all of them by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = {"twice": twice, "cached": run_cached, "overhead": overhead, "cells": cells}
    parser.add_argument("parts", nargs="*", choices=["kills", *parts, []], help="default: all")
    parser.add_argument("--number", type=int, default=20, help="kills (default 20)")
    parser.add_argument("--first", type=int, default=0, help="number of the first kill (default 0)")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[100, 1_000, 10_000], help="plans of so many cells"
    )
    asked = parser.parse_args()
    BENCH.mkdir(parents=True, exist_ok=True)
    for part in asked.parts or ["kills", *parts]:
        if part == "kills":
            kills(asked.number, asked.first)
        else:
            record(cells(tuple(asked.sizes)) if part == "cells" else parts[part]())


if __name__ == "__main__":
    main()
