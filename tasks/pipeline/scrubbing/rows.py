"""Scrubs the rows of a data set."""

from functools import lru_cache

from tasks.config import ScrubbingConfig
from tasks.data.records import FilterResult, Row, reject
from tasks.pipeline.scrubbing.scrubber import Scrubber

STAGE = "scrub"


@lru_cache(maxsize=4)
def scrubber_for(config: ScrubbingConfig) -> Scrubber:
    """Return the scrubber of a configuration, loaded once per process."""
    return Scrubber(config)


def scrub_rows(rows: list[Row], config: ScrubbingConfig) -> FilterResult:
    """Return the rows with `text` scrubbed and `scrubbed` counting the replacements per type.

    Rows that are no text, or of which nothing is left, are rejected with the reason.
    """
    if not config.enabled:
        return FilterResult(list(rows))
    scrubbed = scrubber_for(config).many([row["text"] for row in rows])
    kept: list[Row] = []
    dropped: list[Row] = []
    for row, result in zip(rows, scrubbed, strict=True):
        changed = Row(**{**row, "text": result.text, "scrubbed": dict(sorted(result.counts.items()))})
        (kept if result.text.strip() else dropped).append(changed)
    return FilterResult(kept, reject(dropped, STAGE, "nothing left"))
