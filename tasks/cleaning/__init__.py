"""Cleaning: strips what can be stripped, rejects what cannot be saved, drops and groups duplicates."""

from tasks.cleaning.cleaning import clean_rows
from tasks.cleaning.copying import drop_copies
from tasks.cleaning.duplicates import group_rows

__all__ = ["clean_rows", "drop_copies", "group_rows"]
