"""Scrub a file: `sentimill scrub FILE.jsonl > scrubbed.jsonl`.

The file holds one JSON object with a `text` per line. Each comes out with `text` scrubbed and `scrubbed`
counting the replacements per type; totals and flags go to standard error.
"""

import json
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from tasks.cli.files import name_of, open_bytes
from tasks.cli.options import ScrubOptions
from tasks.config import ScrubbingConfig
from tasks.pipeline.scrubbing.normalization import SURROGATE
from tasks.pipeline.scrubbing.scrubber import SCRUBBER_VERSION, Scrubber

CHUNK = 2048
"""Rows scrubbed together; memory does not grow with the file."""


def scrub(options: ScrubOptions) -> None:
    """Scrub a file to standard output.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no JSON object with a `text`.
    """
    config = ScrubbingConfig(
        scope=options.scope, categories=options.categories, neutralise_gender=not options.keep_gender
    )
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the locale says
    n_rows, counts, flags = scrub_file(options.file, config, sys.stdout)
    report = {"rows": n_rows, "replaced": dict(counts.most_common()), "flags": dict(flags.most_common())}
    print(json.dumps({"scrubber": SCRUBBER_VERSION, **report}), file=sys.stderr)


def scrub_file(path: Path, config: ScrubbingConfig, out: TextIO) -> tuple[int, Counter[str], Counter[str]]:
    """Write the scrubbed rows; return their number, the replacements per type and the flags."""
    n_rows, counts, flags = 0, Counter[str](), Counter[str]()
    with open_bytes(path, "a JSON Lines file") as lines:
        rows = read_rows(lines, name_of(path))
        scrubber = Scrubber(config)
        while chunk := list(islice(rows, CHUNK)):
            for row, done in zip(chunk, scrubber.many([row["text"] for row in chunk]), strict=True):
                out.write(written({**row, "text": done.text, "scrubbed": done.counts}))
                counts.update(done.counts)
                flags.update(done.flags)
            n_rows += len(chunk)
    return n_rows, counts, flags


def read_rows(lines: Iterable[bytes], name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON Lines.

    Args:
        lines: Lines in UTF-8, the first perhaps with a byte order mark.
        name: What messages call the file.

    Raises:
        ValueError: If a line is no UTF-8, or no JSON object with a `text`.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield read_row(line.removeprefix(BOM_UTF8), f"{name}, line {number}")


def read_row(line: bytes, where: str) -> dict[str, Any]:
    """Parse one line."""
    if line.lstrip().startswith(b"["):
        raise ValueError(
            f"{where} begins a JSON array; expected one object per line. Convert it: jq -c '.[]' FILE."
        )
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{where} is no UTF-8 text ({error.reason}); expected UTF-8. Convert the file: iconv -t UTF-8."
        ) from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{where} is no JSON ({error}); expected one object per line. Fix the line."
        ) from None
    if not isinstance(row, dict) or "text" not in row:
        raise ValueError(f"{where} has no text; expected an object with the key `text`. Add it.")
    if not isinstance(row["text"], str):
        raise ValueError(f"{where}: text is {json.dumps(row['text'])}; expected a string. Put it in quotes.")
    if "scrubbed" in row:
        raise ValueError(
            f"{where} has a key `scrubbed` already; expected none, since the counts go there. Rename it."
        )
    return row


def written(row: dict[str, Any]) -> str:
    """Return a row as one line; half surrogate pairs in its other values become U+FFFD."""
    return SURROGATE.sub("\ufffd", json.dumps(row, ensure_ascii=False)) + "\n"
