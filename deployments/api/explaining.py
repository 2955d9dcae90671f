"""Why a text got its labels: which replacements the scrubber made, and which words moved the decision."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

from deployments.api.predicting import Prediction
from deployments.api.schemas import MAX_WORDS, Influence, Replacement

PIECE = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
WORD = re.compile(r"\w+(?:['’-]\w+)*")


def word_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of the first words of a text."""
    return [match.span() for match, _ in zip(WORD.finditer(text), range(MAX_WORDS), strict=False)]


def without_each(text: str) -> list[str]:
    """The text once for each of its words, without it: occlusion (Zeiler and Fergus 2014, section 4.2)."""
    return [f"{text[:start]}{text[end:]}" for start, end in word_spans(text)]


def influences(whole: Prediction, parts: Sequence[Prediction]) -> list[Influence]:
    """How far the mean probability of the decided labels, or of all if none was, falls without each word."""
    counted = whole.decided if whole.decided.any() else np.ones_like(whole.decided)

    def mean(prediction: Prediction) -> float:
        return float(np.mean(prediction.probabilities[counted]))

    return [
        Influence(start=start, end=end, influence=round(mean(whole) - mean(part), 4))
        for (start, end), part in zip(word_spans(whole.text), parts, strict=True)
    ]


def replacements(before: str, after: str, spans: Sequence[tuple[int, int, str]]) -> list[Replacement]:
    """What differs between a text and the scrubbed one, word by word.

    Args:
        before: The normalised text.
        after: What the scrubber made of it.
        spans: (start, end, kind) of what was found in `before`.
    """
    old, new = ([match.span() for match in PIECE.finditer(text)] for text in (before, after))
    matcher = SequenceMatcher(
        None, [before[a:b] for a, b in old], [after[a:b] for a, b in new], autojunk=False
    )
    changed = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        first, last = (old[i1][0], old[i2 - 1][1]) if i2 > i1 else (0, 0)
        start = new[j1][0] if j1 < len(new) else len(after)
        end = new[j2 - 1][1] if j2 > j1 else start
        kinds = dict.fromkeys(kind for a, b, kind in spans if a < last and b > first)
        changed.append(Replacement(start=start, end=end, before=before[first:last], type="+".join(kinds)))
    return changed
