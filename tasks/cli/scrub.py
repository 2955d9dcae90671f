"""Scrub a file: `python -m tasks.cli.scrub FILE.jsonl > scrubbed.jsonl`.

FILE holds one JSON object with a `text` per line. Each comes out with `text` scrubbed and `scrubbed` counting
the replacements per type; totals and flags go to standard error.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from tasks.config import DemographicCategory, Scope, ScrubbingConfig
from tasks.pipeline.scrubbing.normalization import SURROGATE
from tasks.pipeline.scrubbing.scrubber import SCRUBBER_VERSION, Scrubber

CHUNK = 2048
"""Rows scrubbed together; memory does not grow with the file."""


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is no JSON object with a `text`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"input {path} is missing; expected a JSON Lines file. Check the path.")
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield read_row(line, path, number)


def read_row(line: str, path: Path, number: int) -> dict[str, Any]:
    """Parse one line."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}, line {number} is no JSON ({error}); expected one object per line. Fix the line."
        ) from None
    if not isinstance(row, dict) or "text" not in row:
        raise ValueError(
            f"{path}, line {number} has no text; expected an object with the key `text`. Add it."
        )
    return row


def scrub_file(path: Path, config: ScrubbingConfig, out: TextIO) -> tuple[int, Counter[str], Counter[str]]:
    """Write the scrubbed rows; return their number, the replacements per type and the flags."""
    scrubber, rows = Scrubber(config), read_rows(path)
    n_rows, counts, flags = 0, Counter[str](), Counter[str]()
    while chunk := list(islice(rows, CHUNK)):
        for row, done in zip(chunk, scrubber.many([row["text"] for row in chunk]), strict=True):
            out.write(written({**row, "text": done.text, "scrubbed": done.counts}))
            counts.update(done.counts)
            flags.update(done.flags)
        n_rows += len(chunk)
    return n_rows, counts, flags


def written(row: dict[str, Any]) -> str:
    """Return a row as one line; half surrogate pairs in its other values become U+FFFD."""
    return SURROGATE.sub("\ufffd", json.dumps(row, ensure_ascii=False)) + "\n"


def main() -> int:
    """Scrub the named file; return 0, or 2 after a message where the input is bad."""
    parser = argparse.ArgumentParser(prog="python -m tasks.cli.scrub", description=__doc__)
    parser.add_argument("file", type=Path, help="JSON Lines file with a `text` per row")
    parser.add_argument("--scope", type=Scope, choices=list(Scope), default=Scope.person)
    parser.add_argument(
        "--categories", nargs="*", type=DemographicCategory, default=list(DemographicCategory)
    )
    parser.add_argument("--keep-gender", action="store_true", help="leave gendered words and pronouns")
    chosen = parser.parse_args()
    config = ScrubbingConfig(
        scope=chosen.scope, categories=tuple(chosen.categories), neutralise_gender=not chosen.keep_gender
    )
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the locale says
    try:
        n_rows, counts, flags = scrub_file(chosen.file, config, sys.stdout)
    except (FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    account = {"rows": n_rows, "replaced": dict(counts.most_common()), "flags": dict(flags.most_common())}
    print(json.dumps({"scrubber": SCRUBBER_VERSION, **account}), file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
