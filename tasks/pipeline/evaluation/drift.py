"""How a run compares with the runs of the same configuration before it, figure by figure."""

from collections.abc import Sequence
from statistics import median

from tasks.data.records import Record

WINDOW = 14
"""Earlier runs that make up a band."""
MIN_RUNS = 5
"""Fewer make none: with four, one outlier is a quarter of the data."""
WIDTH = 3.0
"""Half width of a range in standard deviations: the conservative choice of Leys et al. 2013, "Detecting
outliers: do not use standard deviation around the mean", section 4."""
MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation to standard deviation under normality, ibid."""
MIN_HALF_WIDTHS = {
    "f1_macro": 0.02,
    "f1_micro": 0.02,
    "acceptance": 0.03,
    "distinct_2": 0.02,
    "self_bleu": 0.02,
    "length_p50": 1.0,
}
"""Figures that are watched, and the smallest half width of each, so that very similar runs raise no alarm."""


class RunRecord(Record):
    """What is kept of one run."""

    run: str
    created: str
    """ISO 8601 date and time, UTC."""
    figures: dict[str, float]
    """Those of `MIN_HALF_WIDTHS` that were measured."""


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


def bands(earlier: Sequence[RunRecord]) -> dict[str, Band]:
    """Range per figure from the last `WINDOW` runs, oldest first; none from fewer than `MIN_RUNS`."""
    found = {}
    for name, least in MIN_HALF_WIDTHS.items():
        values = [record.figures[name] for record in earlier[-WINDOW:] if name in record.figures]
        if len(values) >= MIN_RUNS:
            found[name] = band(values, least)
    return found


def departures(record: RunRecord, expected: dict[str, Band]) -> dict[str, str]:
    """Figures that lie outside their ranges, each in words."""
    return {
        name: f"{name} is {value:.3f}; expected {within.low:.3f} to {within.high:.3f}"
        for name, value in record.figures.items()
        if (within := expected.get(name)) and not within.low <= value <= within.high
    }
