"""Scrubbing: names, contact data and demographics out, grammar and sentiment kept."""

from tasks.scrubbing.account import scrub_report, veiled_texts
from tasks.scrubbing.rows import scrub_rows
from tasks.scrubbing.scrubber import SCRUBBER_VERSION, Scrubbed, Scrubber

__all__ = ["SCRUBBER_VERSION", "Scrubbed", "Scrubber", "scrub_report", "scrub_rows", "veiled_texts"]
