"""The limits that a classifier must keep to become champion."""

from collections.abc import Iterator

from tasks.config import FairnessConfig
from tasks.data.fairness_scores import FairnessAudit, FairnessScores

NAMES = ("name gender", "name origin")
"""Axes on which the limits for names hold."""


def violated_limits(audit: FairnessAudit, config: FairnessConfig) -> tuple[str, ...]:
    """Limits that a classifier exceeds as deployed, in words; none if it is within all limits.

    Every axis must stay within the limits by itself; a mean over all would hide the worst.
    """
    return tuple(_violations(audit.deployed, config))


def _violations(scores: FairnessScores, config: FairnessConfig) -> Iterator[str]:
    checks = (
        ("mean change of probability", scores.worst("mean", *NAMES), "mean", config.max_name_mean),
        ("share of flips", scores.worst("flips", *NAMES), "flips", config.max_name_flips),
        ("mean change of probability", scores.worst("mean"), "mean", config.max_mean),
        ("share of flips", scores.worst("flips"), "flips", config.max_flips),
        ("largest group gap", scores.worst("gap"), "gap", config.max_gap),
    )
    seen = set()
    for what, axis, measure, limit in checks:
        found = getattr(axis, measure)
        if found >= limit and (axis.axis, measure) not in seen:
            seen.add((axis.axis, measure))
            yield f"unfair: {what} on {axis.axis} is {found:.4f}; expected below {limit:g}"
    if scores.countries.spread >= config.max_country_spread:
        yield (
            f"unfair: spread between {scores.countries.highest} and {scores.countries.lowest} is "
            f"{scores.countries.spread:.4f}; expected below {config.max_country_spread:g}"
        )
