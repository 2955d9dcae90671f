"""Reference ranges of real text, as `tasks.cli.reference_bands` measured them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "reference_bands.json"
SAMPLE_SIZES = (200, 500, 1_000, 2_000)
"""Numbers of texts at which reference ranges were measured."""
MAX_REAL_AUC = 0.85
"""Area under the curve up to which synthetic and real text count as hard to tell apart."""


def sample_size_bucket(n_texts: int) -> int | None:
    """Largest number of texts with a reference range that a set can fill; None if it is smaller than all."""
    return max((size for size in SAMPLE_SIZES if size <= n_texts), default=None)


def reference_range(name: str, n_texts: int) -> tuple[float, float] | None:
    """Lowest and highest value of a figure that real text shows at a number of texts; None if unknown."""
    if name == "real_auc":
        return 0.5, MAX_REAL_AUC
    found = _reference_ranges()["bands"].get(str(n_texts), {}).get(name)
    return (found[0], found[1]) if found else None


@cache
def _reference_ranges() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
