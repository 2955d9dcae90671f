"""Numbers and foreign text as people read them, in the report and the cards."""

from collections.abc import Callable, Mapping
from typing import Any


def score(value: float | None) -> str:
    """Three decimals; a dash for what is undefined."""
    return "–" if value is None else f"{value:.3f}"


def percent(value: float | None) -> str:
    """Whole percent of a share 0..1; a dash for what is undefined."""
    return "–" if value is None else f"{value:.0%}"


def fine(value: float) -> str:
    """Four decimals, for what is near 0."""
    return f"{value:.4f}"


def percent_fine(value: float) -> str:
    """Per cent of a share 0..1 with two decimals."""
    return f"{value:.2%}"


def count(value: float) -> str:
    """Thousands apart."""
    return f"{value:,.0f}"


def rate(value: float | None) -> str:
    """A speed or a size to about two digits; a dash for what is not known."""
    if value is None:
        return "–"
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Seconds as people read them: `0.4 s`, `42 s`, `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def set_name(test_set: str) -> str:
    """Heading of a test set."""
    return "Human text" if test_set == "real" else f"{test_set.capitalize()} text"


def kind(entity_type: str) -> str:
    """An entity type as people read it: `EMAIL_ADDRESS` is "email address"; other words stay."""
    return entity_type.replace("_", " ").lower() if entity_type.isupper() else entity_type


def listed(counts: Mapping[str, int]) -> str:
    """Counts in a sentence: "person 3, age 1"."""
    return ", ".join(f"{kind(name)} {n:,}" for name, n in counts.items())


def line(value: object) -> str:
    """Fold any white space, so that foreign text cannot end a line of Markdown."""
    return " ".join(str(value).split())


def cell(value: object) -> str:
    """Like `line`, and safe in a cell of a Markdown table."""
    return line(value).replace("|", "\\|")


FILTERS: dict[str, Callable[[Any], str]] = {
    f.__name__: f
    for f in (score, percent, percent_fine, fine, count, rate, duration, set_name, kind, listed, line, cell)
}
