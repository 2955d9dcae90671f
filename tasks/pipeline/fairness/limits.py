"""The limits that a classifier must keep to become champion."""

from collections.abc import Iterator

from tasks.config import FairnessConfig
from tasks.data.fairness_scores import Audit, Door

NAMES = ("name gender", "name origin")
"""Axes on which the limits for names hold."""


def complaints(audit: Audit, config: FairnessConfig) -> tuple[str, ...]:
    """Limits that a classifier passes as deployed, in words; none when it is fair enough.

    Every axis has to keep the limits by itself; a mean over all would hide the worst.
    """
    return tuple(_complaints(audit.deployed, config))


def _complaints(door: Door, config: FairnessConfig) -> Iterator[str]:
    checks = (
        ("mean change of probability", door.worst("mean", *NAMES), "mean", config.max_name_mean),
        ("share of flips", door.worst("flips", *NAMES), "flips", config.max_name_flips),
        ("mean change of probability", door.worst("mean"), "mean", config.max_mean),
        ("share of flips", door.worst("flips"), "flips", config.max_flips),
        ("largest group gap", door.worst("gap"), "gap", config.max_gap),
    )
    said = set()
    for what, axis, measure, limit in checks:
        found = getattr(axis, measure)
        if found >= limit and (axis.axis, measure) not in said:
            said.add((axis.axis, measure))
            yield f"unfair: {what} on {axis.axis} is {found:.4f}; expected below {limit:g}"
    if door.countries.spread >= config.max_country_spread:
        yield (
            f"unfair: spread between {door.countries.highest} and {door.countries.lowest} is "
            f"{door.countries.spread:.4f}; expected below {config.max_country_spread:g}"
        )
