"""How soon `sentimill` answers: `--help` and a mistyped option beside what any pydantic program imports.

    make bench-startup

Medians of five processes, in seconds; the exit code is 1 where either takes more than five times as long as
`python -c "import pydantic, yaml"`.
"""

import statistics
import subprocess
import sys
import time

REPEATS = 5
MAX_RATIO = 5.0
PLAIN = ("-c", "import pydantic, yaml")
COMMANDS = {
    "sentimill run --help": ("-m", "tasks.cli", "run", "--help"),
    "sentimill run --plan.texts-per-lable 3": ("-m", "tasks.cli", "run", "--plan.texts-per-lable", "3"),
}


def seconds(arguments: tuple[str, ...]) -> float:
    """Wall-clock seconds of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return time.perf_counter() - start


def main() -> int:
    """Measure all in turn, so that a busy moment hits each alike; print one line per command."""
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
    return int(max(ours) > MAX_RATIO * plain)


if __name__ == "__main__":
    sys.exit(main())
