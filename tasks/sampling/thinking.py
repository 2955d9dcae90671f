"""Leaving out what a reasoning model thinks before it writes."""

import re

# Between these marks; some templates open them in the prompt, so that only the closing mark is written.
_THINKING = re.compile(r"^.*</think>|<think>.*$", re.DOTALL)


def without_thinking(text: str) -> str:
    """The text after the model's thinking; empty where it was cut off while still at it."""
    return _THINKING.sub("", text)
