"""How a run compares with the runs of the same configuration before it, figure by figure."""

from collections.abc import Sequence
from statistics import median

from tasks.data.records import Record

NIGHTS = 14
"""Earlier runs that make up a band."""
FEWEST = 5
"""Fewer make none: with four, one odd night is a quarter of what is known."""
WIDTH = 3.0
"""Half width of a band in standard deviations: the conservative choice of Leys et al. 2013, "Detecting
outliers: do not use standard deviation around the mean", section 4."""
MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation to standard deviation under normality, ibid."""
LEAST = {
    "f1_macro": 0.02,
    "f1_micro": 0.02,
    "acceptance": 0.03,
    "distinct_2": 0.02,
    "self_bleu": 0.02,
    "length_p50": 1.0,
}
"""Figures that are watched, and the least half width of each, lest nights that are alike make an alarm."""


class Night(Record):
    """What one run is remembered by."""

    run: str
    created: str
    """ISO 8601 date and time, UTC."""
    figures: dict[str, float]
    """Those of `LEAST` that were measured."""


class Band(Record):
    """Where a figure is expected."""

    low: float
    high: float


def band(values: Sequence[float], least: float) -> Band:
    """Median of earlier values, plus and minus `WIDTH` robust standard deviations, `least` at the least."""
    middle = median(values)
    deviation = MAD_TO_DEVIATION * median(abs(value - middle) for value in values)
    half = max(least, WIDTH * deviation)
    return Band(low=middle - half, high=middle + half)


def bands(earlier: Sequence[Night]) -> dict[str, Band]:
    """Band per figure from the last `NIGHTS` runs, oldest first; none from fewer than `FEWEST`."""
    found = {}
    for name, least in LEAST.items():
        values = [night.figures[name] for night in earlier[-NIGHTS:] if name in night.figures]
        if len(values) >= FEWEST:
            found[name] = band(values, least)
    return found


def departures(night: Night, expected: dict[str, Band]) -> dict[str, str]:
    """Figures that lie outside their bands, each in words."""
    return {
        name: f"{name} is {value:.3f}; expected {within.low:.3f} to {within.high:.3f}"
        for name, value in night.figures.items()
        if (within := expected.get(name)) and not within.low <= value <= within.high
    }
