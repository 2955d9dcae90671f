"""Sections of the report that answer one question each."""
