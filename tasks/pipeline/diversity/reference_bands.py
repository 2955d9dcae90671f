"""The band in which real text lies: numbers that `tasks.cli.reference_bands` measured, no sentences."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "reference_bands.json"
TIERS = (200, 500, 1_000, 2_000)
"""Numbers of texts that bands were measured at."""
MOST_ALIKE = 0.85
"""Area under the curve up to which synthetic and real text count as hard to tell apart."""


def tier(n_texts: int) -> int | None:
    """Largest number of texts with a band that a set can fill; None if it is smaller than all."""
    return max((size for size in TIERS if size <= n_texts), default=None)


def band(name: str, n_texts: int) -> tuple[float, float] | None:
    """Lowest and highest value of a figure that real text shows at a number of texts; None if unknown."""
    if name == "real_auc":
        return 0.5, MOST_ALIKE
    found = _bands()["bands"].get(str(n_texts), {}).get(name)
    return (found[0], found[1]) if found else None


@cache
def _bands() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
