"""`sentimill classify` on many short rows: memory, and whether a kill -9 loses or doubles any.

    python tests/benchmarks/classify_rows.py --model RUN [--rows 1000000] [--kills 1]

The command is killed with all its workers when a share of the portions is there, and given again. Prints one
JSON object; exit code 1 if a row is missing, doubled or out of order, or memory passed 1.5 GB.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
TEXTS = ("Order {} came early.", "We waited {} hours.", "Nobody answered {}.", "Sad room {}.")
"""Each with the number of its row, so that no text comes twice."""
MAX_GB = 1.5


def measure(model: str, n_rows: int, rows: int, workers: int, kills: int) -> dict[str, Any]:
    """Classify a file, killed on the way, and look at what came out."""
    with TemporaryDirectory() as scratch:
        source, out = Path(scratch) / "in.jsonl", Path(scratch) / "out.jsonl"
        with source.open("w") as file:
            file.writelines(
                json.dumps({"n": i, "text": TEXTS[i % 4].format(i)}) + "\n" for i in range(n_rows)
            )
        command = [sys.executable, "-m", "tasks.cli", "classify", str(source), "--out", str(out)]
        command += ["--model", model, "--rows", str(rows), "--workers", str(workers)]
        n_portions, start, peak = -(-n_rows // rows), time.monotonic(), 0
        for attempt in range(kills + 1):
            stop_at = n_portions * (attempt + 1) // (kills + 1) if attempt < kills else None
            peak = max(peak, run(command, Path(f"{out}.portions"), stop_at))
        spent = time.monotonic() - start
        with out.open() as file:
            found = [json.loads(line)["n"] for line in file]
    return {
        "rows": n_rows,
        "in_order_and_each_once": found == list(range(n_rows)),
        "kills": kills,
        "peak_gb": round(peak / 2**30, 3),
        "texts_per_s": round(n_rows / spent, 1),
    }


def run(command: list[str], portions: Path, stop_at: int | None) -> int:
    """Run a command, until so many portions are there; most bytes that it and its workers held together."""
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, unshared(process.pid))
        done = len([*portions.glob("[0-9]" * 8)]) if portions.is_dir() else 0
        if stop_at is not None and done >= stop_at:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return peak
        time.sleep(0.5)
    if process.returncode or stop_at is not None:
        raise RuntimeError(f"the command ended with {process.returncode} by itself")
    return peak


def unshared(pid: int) -> int:
    """Bytes of a process and its children, shared ones counted once (proportional set size)."""
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for each in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += each.memory_full_info().pss
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="champion")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--portion", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=1)
    given = parser.parse_args()
    result = measure(given.model, given.rows, given.portion, given.workers, given.kills)
    print(json.dumps(result))  # noqa: T201
    sys.exit(not (result["in_order_and_each_once"] and result["peak_gb"] <= MAX_GB))
