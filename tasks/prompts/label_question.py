"""The question which labels a text conveys, as it is put to a language model, and how its answer is read."""

import re
from collections.abc import Sequence

from tasks.prompts.rendering import TEMPLATES
from tasks.taxonomy import Label

NONE = "none"


def label_question(text: str, labels: Sequence[Label]) -> str:
    """Prompt that asks which of the labels a text conveys."""
    return TEMPLATES.get_template("label_question.j2").render(text=text, labels=labels)


def named_labels(answer: str, names: Sequence[str]) -> list[str]:
    """Labels that an answer names, in label order; "somewhat positive" is not "positive" as well."""
    left, found = answer.lower(), set()
    for name in sorted(names, key=len, reverse=True):
        left, n = re.subn(rf"(?<!\w){re.escape(name.lower())}(?!\w)", "|", left)
        if n:
            found.add(name)
    return [name for name in names if name in found]


def says_none(answer: str) -> bool:
    """Whether an answer says that no label fits."""
    return re.search(rf"\b{NONE}\b", answer.lower()) is not None
