"""Scrubbing: names, contact data and demographics out, grammar and sentiment kept."""

from tasks.pipeline.scrubbing.audit import redacted_texts, scrub_report
from tasks.pipeline.scrubbing.rows import scrub_rows
from tasks.pipeline.scrubbing.scrubber import SCRUBBER_VERSION, Scrubbed, Scrubber

__all__ = ["SCRUBBER_VERSION", "Scrubbed", "Scrubber", "redacted_texts", "scrub_report", "scrub_rows"]
