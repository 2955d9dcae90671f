"""How soon `sentimill` answers, and how soon a run has its first text.

    make bench-startup

`--help` and a mistyped option stand beside what any pydantic program imports. The first text is that of
`sentimill run` with an empty results folder and the generator converted before: from the command to the first
text that is complete.

Medians of five processes, in seconds; the exit code is 1 where either takes more than five times as long as
`python -c "import pydantic, yaml"`.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

REPEATS = 5
MAX_RATIO = 5.0
PLAIN = ("-c", "import pydantic, yaml")
COMMANDS = {
    "sentimill run --help": ("-m", "tasks.cli", "run", "--help"),
    "sentimill run --plan.texts-per-lable 3": ("-m", "tasks.cli", "run", "--plan.texts-per-lable", "3"),
}
FIRST_TEXTS = 3
WATCHED_RUN = """
import sys, threading, time

def watch():
    name = "tasks.pipeline.sampling.engine.sequences"
    while not hasattr(sys.modules.get(name), "sample_of"):  # what the module defines last but two helpers
        time.sleep(0.02)
    job, finish = sys.modules[name].Job, sys.modules[name].Job.finish
    def told(self, number, sample):
        print("first text", flush=True)
        finish(self, number, sample)
    job.finish = told

threading.Thread(target=watch, daemon=True).start()
from tasks.cli.main import dispatch
dispatch(["run"])
"""


def seconds(arguments: tuple[str, ...]) -> float:
    """Wall-clock seconds of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return time.perf_counter() - start


def first_text() -> float:
    """Wall-clock seconds from the command to the first complete text of a run, which is then killed."""
    with TemporaryDirectory() as results:
        env = {**os.environ, "SENTIMILL_RESULTS": results}
        start = time.perf_counter()
        run = subprocess.Popen(
            [sys.executable, "-c", WATCHED_RUN],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # with its server
        )
        said = run.stdout.readline() if run.stdout else b""
        taken = time.perf_counter() - start
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    if said != b"first text\n":
        raise RuntimeError("the run ended without a text; give `sentimill run` to see why")
    return taken


def main() -> int:
    """Measure the commands in turn, so that a busy moment hits each alike, then the first text."""
    everything = {'python -c "import pydantic, yaml"': PLAIN, **COMMANDS}
    for arguments in everything.values():  # byte code and the disk cache
        seconds(arguments)
    taken: dict[str, list[float]] = {name: [] for name in everything}
    for _ in range(REPEATS):
        for name, arguments in everything.items():
            taken[name].append(seconds(arguments))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    plain, *ours = medians.values()
    for name, median in medians.items():
        sys.stdout.write(f"{median:7.3f} s  {median / plain:5.2f} times  {name}\n")
    first = ", ".join(f"{first_text():.1f}" for _ in range(FIRST_TEXTS))
    sys.stdout.write(f"{first} s until the first text of `sentimill run`\n")
    return int(max(ours) > MAX_RATIO * plain)


if __name__ == "__main__":
    sys.exit(main())
