"""Cleaning: strips what can be stripped, rejects what cannot be saved, drops and groups duplicates."""

from tasks.pipeline.cleaning.clean import clean_rows
from tasks.pipeline.cleaning.duplicates import group_rows

__all__ = ["clean_rows", "group_rows"]
