"""Word lists of `contact_data.yaml` as regular expressions."""

import re
from functools import cache
from pathlib import Path

import yaml


@cache
def _lists() -> dict[str, str]:
    text = (Path(__file__).parent / "contact_data.yaml").read_text(encoding="utf-8")
    loaded: dict[str, str] = yaml.safe_load(text)
    return loaded


def words_of(name: str) -> list[str]:
    """Return the entries of a list, longest first."""
    return sorted(" ".join(_lists()[name].split()).split(", "), key=len, reverse=True)


def any_of(name: str) -> str:
    """Return a group that matches any entry of a list, longest first."""
    words = words_of(name)
    return f"(?:{'|'.join(map(re.escape, words))})"
