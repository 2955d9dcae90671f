"""Rows for people to look at: which ones, in the forms of annotation tools, and what came of the answers."""
