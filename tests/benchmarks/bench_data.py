"""Seconds and memory that describing a large file takes, per format.

    python tests/benchmarks/bench_data.py --rows 1000000

Every file is made here, with texts of 2 to 40 made-up words and one or two of 28 labels, and read in a
process of its own, so that the peak of its memory is that of the reading. Exit code 1 if one exceeds a limit.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST_SECONDS, MOST_BYTES = 60, 2 << 30
LABELS = [f"label {i}" for i in range(28)]
WORDS = ["".join(random.Random(i).choices("aeiounrstlmd", k=3 + i % 7)) for i in range(5_000)]


def make(n_rows: int, folder: Path) -> None:
    """The same rows as CSV, JSON lines and Parquet."""
    import pandas as pd

    rng = random.Random(0)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(2, 40))).capitalize() + "." for _ in range(n_rows)]
    labels = [rng.sample(LABELS, 1 + (rng.random() < 0.2)) for _ in range(n_rows)]
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(n_rows)], "text": texts, "labels": labels})
    frame.to_parquet(folder / "rows.parquet")
    frame.to_json(folder / "rows.jsonl", orient="records", lines=True)
    frame.assign(labels=frame["labels"].str.join("|")).to_csv(folder / "rows.csv", index=False)


def measure(path: Path) -> dict[str, float]:
    """Seconds and peak bytes of describing a file, in this process."""
    from tasks.config.real import RealConfig
    from tasks.data.reading import describe

    start, worked = time.perf_counter(), time.process_time()
    lines = describe(RealConfig(path=str(path))).lines()
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(worked, 1),  # what a machine that does nothing else would take, at most
        "peak_bytes": peak,
        "lines": len(lines),
    }


def main() -> None:
    """Make the files, describe each, and print one JSON line per format."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, help="measure this file alone, in this process")
    parser.add_argument("--make", type=Path, help="write the files to this folder and end")
    arguments = parser.parse_args()
    if arguments.file:
        sys.stdout.write(json.dumps(measure(arguments.file)) + "\n")
        return
    if arguments.make:
        make(arguments.rows, arguments.make)
        return
    # A process that is started reports at least the peak of the one that starts it: this one stays small.
    again = [sys.executable, __file__, "--rows", str(arguments.rows)]
    exceeded = False
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*again, "--make", folder], check=True)
        for kind in ("csv", "jsonl", "parquet"):
            path = Path(folder, f"rows.{kind}")
            command = [*again, "--file", str(path)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            exceeded |= found["seconds"] > MOST_SECONDS or found["peak_bytes"] > MOST_BYTES
            found |= {"format": kind, "rows": arguments.rows, "file_bytes": path.stat().st_size}
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
    sys.exit(int(exceeded))


if __name__ == "__main__":
    main()
