"""Scrubbing: names, contact data and demographics out, grammar and sentiment kept."""

from tasks.pipeline.scrubbing.audit import scrub_report, veiled_texts
from tasks.pipeline.scrubbing.rows import scrub_rows
from tasks.pipeline.scrubbing.scrubber import SCRUBBER_VERSION, Scrubbed, Scrubber

__all__ = ["SCRUBBER_VERSION", "Scrubbed", "Scrubber", "scrub_report", "scrub_rows", "veiled_texts"]
