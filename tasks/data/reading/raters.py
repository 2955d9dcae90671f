"""Labels that several annotators gave one text, made one."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import pandas as pd

from tasks.data.reading.labels import Labels

AGREED = 2
"""People who must have given a label, where a text has several (GoEmotions, Demszky et al. 2020)."""


def agreed(answers: Sequence[Labels]) -> Labels | None:
    """Labels that two people at least gave a text, or one if it has but one; None where they disagree.

    Where two people gave none, the text carries none.
    """
    if len(answers) == 1:
        return answers[0]
    counts = Counter(label for answer in answers for label in answer)
    shared = tuple(label for label, n in counts.items() if n >= AGREED)
    return shared if shared or sum(not answer for answer in answers) >= AGREED else None


def merge_raters(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """One row per text of a frame with columns `id`, `text` and `labels`, and the texts without agreement."""
    answers = defaultdict[tuple[str, str], list[Labels]](list)
    for id_, text, labels in zip(frame["id"], frame["text"], frame["labels"], strict=True):
        answers[id_, text].append(labels)
    merged = frame[~frame.duplicated(["id", "text"])].reset_index(drop=True)  # in the order of `answers`
    merged["labels"] = pd.Series([agreed(given) for given in answers.values()], dtype=object)
    kept = merged["labels"].notna()
    return merged[kept].reset_index(drop=True), int((~kept).sum())
