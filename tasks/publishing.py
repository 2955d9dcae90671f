"""From what the stages left to what people read: scores, cards, report, exports."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version

import numpy as np

from tasks.config import RunConfig
from tasks.orders import cell_key
from tasks.records import Cell, Row

PACKAGES = (
    "accelerate",
    "cleanlab",
    "datasets",
    "presidio-analyzer",
    "prefect",
    "torch",
    "transformers",
)
SAMPLES_PER_LABEL = 4


def versions() -> dict[str, str]:
    """Python and the packages that decide the outcome."""
    return {"python": python_version(), **{name: version(name) for name in PACKAGES}}


def now() -> str:
    """ISO 8601 time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def command_of(config: RunConfig) -> str:
    """Command line that remakes a run: the values that differ from the defaults."""
    given = config.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    flags = [f"--{name} {_quoted(value)}" for name, value in _flat(given).items()]
    return " ".join(["python -m flows.regenerate", *flags])


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _quoted(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}'" if " " in text else text


def cell_counts(rows: Sequence[Row]) -> Counter[str]:
    """Rows per `Cell.key`."""
    return Counter(cell_key(row) for row in rows if row["source"] == "synthetic")


def shown_samples(rows: Sequence[Row], labels: Sequence[str], seed: int) -> list[Row]:
    """Texts to read, `SAMPLES_PER_LABEL` per label, drawn at random."""
    rng = np.random.default_rng(seed)
    chosen: list[Row] = []
    for label in labels:
        own = [row for row in rows if label in row["labels"] and row["source"] == "synthetic"]
        picks = rng.permutation(len(own))[:SAMPLES_PER_LABEL]
        chosen += [own[i] for i in picks]
    return chosen


def scrub_counts(rows: Sequence[Row]) -> dict[str, int]:
    """Replacements per entity type over all rows."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row["scrubbed"])
    return dict(total.most_common())


def unfilled(cells: Sequence[Cell], accepted: Mapping[str, int]) -> list[str]:
    """Cells below their quota, worst first, in words."""
    short = [(cell.wanted - accepted.get(cell.key, 0), cell) for cell in cells]
    return [
        f"{cell.key}: {accepted.get(cell.key, 0)} of {cell.wanted}"
        for missing, cell in sorted(short, key=lambda pair: -pair[0])
        if missing > 0
    ]
