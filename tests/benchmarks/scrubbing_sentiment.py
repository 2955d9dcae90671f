"""Whether scrubbing changes what a classifier makes of people's texts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from tasks.embedding import embed
from tasks.evaluation.thresholds import decide, tune_thresholds
from tasks.realdata import read_real
from tasks.scrubbing import Scrubber

TRAINING = 12_000
"""Rows that the classifier learns from; 2,000 more choose its thresholds."""
VALIDATION = 2_000
FEWEST_POSITIVES = 20
GENDER = frozenset({"GENDER", "AGREEMENT"})
CONTACT = frozenset(
    {"EMAIL_ADDRESS", "URL", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "US_SSN"}
)
CONTACT |= {"ID", "HANDLE"}


def decisions(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Share of GoEmotions dev texts whose decided labels change, by what was scrubbed.

    The classifier is a logistic regression on MiniLM's sentence vectors, learnt on scrubbed training texts as
    in a run, with thresholds chosen on texts of the training file.
    """
    train = read_real(str(folder), "train")[: TRAINING + VALIDATION]
    dev = read_real(str(folder), "test")
    classify = _classifier(
        [t.labels for t in train], [d.text for d in scrubber.many([t.text for t in train])]
    )
    done = scrubber.many([t.text for t in dev])
    changed = [i for i, d in enumerate(done) if d.text != dev[i].text]
    moved = np.zeros(len(dev), bool)
    before, after = (
        classify(texts) for texts in ([dev[i].text for i in changed], [done[i].text for i in changed])
    )
    moved[changed] = (before != after).any(1)
    kinds = [set(d.counts) for d in done]
    groups = {
        "with persons or demographics": [bool(k - CONTACT) for k in kinds],
        "without": [not k - CONTACT for k in kinds],
        "of these with gendered words alone": [bool(k) and k <= GENDER for k in kinds],
        "without persons and terms": [not k - CONTACT - GENDER for k in kinds],
    }
    found: dict[str, float] = {}
    for name, group in groups.items():
        found[f"rows {name}"] = sum(group)
        found[f"changed {name}"] = float(moved[np.array(group)].mean())
    return found


def _classifier(labels: Sequence[Sequence[str]], texts: list[str]) -> Callable[[list[str]], np.ndarray]:
    names = sorted({label for row in labels for label in row})
    targets = np.array([[name in row for name in names] for row in labels], float)
    vectors = embed(texts)
    model = MultiOutputClassifier(LogisticRegression(C=4.0, max_iter=200))
    model.fit(vectors[:-VALIDATION], targets[:-VALIDATION])

    def probabilities(texts: list[str]) -> np.ndarray:
        return np.stack([column[:, 1] for column in model.predict_proba(embed(texts))], axis=1)

    thresholds = tune_thresholds(probabilities(texts[-VALIDATION:]), targets[-VALIDATION:], FEWEST_POSITIVES)
    return lambda texts: decide(probabilities(texts), thresholds)
