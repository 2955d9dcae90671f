"""What pydantic found, said as the rest of Sentimill says it: found, expected, what to do."""

import re
from datetime import date
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

_PREAMBLE = re.compile(r"^(Input|List|Tuple|Set|Value|String) should (be|have) ")
_KINDS = {
    "dict_type": "a mapping of keys to values",
    "list_type": "a list",
    "mapping_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "tuple_type": "a list",
}
"""What pydantic calls by the names of Python's types."""


def found_and_expected(where: str, error: ErrorDetails) -> str:
    """One error as one sentence or two.

    Args:
        where: The setting or key, as its user writes it.
        error: What pydantic reports.
    """
    if error["type"] == "value_error":  # a rule of ours, which says all that there is to say
        return str(error["ctx"]["error"])
    if error["type"] == "missing":
        return f"{where} is missing; expected a value. Add it."
    if error["type"] == "string_type" and isinstance(error["input"], bool | int | float | date):
        literal = _as_yaml(error["input"])
        return f'{where} is {literal}, which is not text; expected text. Put it in quotes: "{literal}".'
    if error["type"] == "string_type" and error["input"] is None:
        return f"{where} is empty; expected text. Fill it in."
    rule = _KINDS.get(error["type"]) or _PREAMBLE.sub("", error["msg"]).replace(" after validation", "")
    rule = rule.partition(", unable to parse")[0]
    return f"{where} is {error['input']!r}; expected {_lower(rule)}."


def suggestion(name: str, known: list[str]) -> str:
    """Sentence that names what may have been meant; empty where nothing is close."""
    endings = [full for full in known if full.rpartition(".")[2] == name.rpartition(".")[2].lstrip("-")]
    close = endings or get_close_matches(name, known, n=2, cutoff=0.75)
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _as_yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lower(text: str) -> str:
    """A rule as the second half of a sentence; pydantic begins some of its rules with a capital."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
