"""How far people and votes agree, label by label."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import cohen_kappa_score

from tasks.data.human_review import ReviewItem
from tasks.taxonomy import Taxonomy


class LabelAgreement(NamedTuple):
    """One label, on the texts that people answered."""

    label: str
    n_people: int
    """Texts to which people gave it."""
    n_votes: int
    """Texts to which the votes gave it."""
    n_both: int
    agreement: float
    """Share of the texts on which both say the same, 0..1."""
    kappa: float | None
    """Cohen 1960, "A coefficient of agreement for nominal scales"; None where both always say the same one
    thing, so that nothing is left to chance."""


def agreement(
    items: Sequence[ReviewItem], answers: Mapping[str, Sequence[str]], taxonomy: Taxonomy
) -> list[LabelAgreement]:
    """Agreement per label, in label order; a label that the votes left open is not counted for that text.

    Args:
        items: What was asked and answered.
        answers: Labels by people, per id.
        taxonomy: Names the labels.
    """
    return [_of_label(name, items, answers) for name in taxonomy.names]


def _of_label(name: str, items: Sequence[ReviewItem], answers: Mapping[str, Sequence[str]]) -> LabelAgreement:
    pairs = [(name in answers[item.id], name in item.labels) for item in items if name not in item.unknown]
    people, votes = np.array(pairs, dtype=bool).reshape(-1, 2).T
    constant = len({*people.tolist(), *votes.tolist()}) < 2
    return LabelAgreement(
        label=name,
        n_people=int(people.sum()),
        n_votes=int(votes.sum()),
        n_both=int((people & votes).sum()),
        agreement=float((people == votes).mean()) if len(pairs) else 0.0,
        kappa=None if constant else float(cohen_kappa_score(people, votes)),
    )


def level_kappa(
    items: Sequence[ReviewItem], answers: Mapping[str, Sequence[str]], taxonomy: Taxonomy
) -> float | None:
    """Quadratically weighted kappa of the levels on a scale (Cohen 1968); None without two levels."""
    pairs = [
        (taxonomy.level_of(list(answers[item.id])), taxonomy.level_of(list(item.labels))) for item in items
    ]
    known = [(person, vote) for person, vote in pairs if person and vote]
    if not taxonomy.ordinal or len({level for pair in known for level in pair}) < 2:
        return None
    people, votes = zip(*known, strict=True)
    levels = list(range(1, taxonomy.n_labels + 1))
    return float(cohen_kappa_score(people, votes, weights="quadratic", labels=levels))
