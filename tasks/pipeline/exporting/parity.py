"""Whether an export decides as the evaluated model does, and the decision rule of other arithmetic."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.metrics import f1_score

from tasks.data.arrays import Matrix
from tasks.pipeline.decision.ordinal_levels import fit_recalibration, predict_level
from tasks.pipeline.decision.thresholds import confidence, decide
from tasks.pipeline.exporting.manifest import Parity
from tasks.pipeline.exporting.running import Judge, Judged

MIN_ALIKE = 0.99
"""Share of held-out rows that int8 and bf16 must decide as the evaluated model does."""
MAX_F1_CHANGE = 0.005
Rule = dict[str, Any]
"""`thresholds`, `unsure_below`, `none_below` and, of a scale, `recalibration`."""


def rule_of(settings: Mapping[str, Any]) -> Rule:
    """The decision rule of the evaluated model."""
    line = settings.get("recalibration") if settings["taxonomy"].get("ordinal") else None
    return {
        "thresholds": tuple(settings["thresholds"]),
        "unsure_below": settings.get("unsure_below", 0.0),
        "none_below": settings.get("none_below", 0.0),
        "recalibration": None if line is None else tuple(line),
    }


def fit_rule(found: Judged, evaluated: Judged, rule: Rule) -> Rule:
    """Decision rule with which other probabilities lead to the decisions of the evaluated model.

    Fitted to the evaluated model, not to labels: labels would move thresholds by luck, also where both say
    the same.

    Args:
        found: What the export says about some texts.
        evaluated: What the evaluated model says about them.
        rule: Decision rule of the evaluated model.
    """
    before = np.asarray(rule["thresholds"])
    thresholds = moved_thresholds(found.probabilities, evaluated.probabilities, before)
    none_below = rule["none_below"]
    sure = confidence(evaluated.probabilities, decide(evaluated.probabilities, before, none_below))
    n_unsure = int((sure < rule["unsure_below"]).sum())
    ours = np.sort(confidence(found.probabilities, decide(found.probabilities, thresholds, none_below)))
    line = rule["recalibration"]
    if line is not None and evaluated.levels is None:
        places = predict_level(evaluated.probabilities, line)
        one_hot = np.arange(1, len(before) + 1) == places[:, None]
        line = fit_recalibration(found.probabilities, one_hot.astype(float))
    return {
        "thresholds": tuple(map(float, thresholds)),
        "unsure_below": float(ours[n_unsure]) if 0 < n_unsure < len(ours) else rule["unsure_below"],
        "none_below": none_below,
        "recalibration": line,
    }


def moved_thresholds(found: Matrix, evaluated: Matrix, thresholds: Matrix) -> Matrix:
    """Where thresholds of one model lie on the scale of another, (n_labels,).

    Least squares of the other's logits on the first's, a line per label; every text counts, so that rare
    labels are no luck.

    Args:
        found: (n, n_labels) probabilities of the other model.
        evaluated: (n, n_labels) probabilities of the model that the thresholds belong to.
        thresholds: (n_labels,).
    """
    x, y, cut = (_logit(each) for each in (evaluated, found, thresholds))
    lines = [np.polyfit(x[:, i], y[:, i], 1) if np.ptp(x[:, i]) else (1.0, 0.0) for i in range(len(cut))]
    moved: Matrix = expit([slope * t + shift for (slope, shift), t in zip(lines, cut, strict=True)])
    return moved


def _logit(p: Matrix) -> Matrix:
    clipped: Matrix = logit(np.clip(p, 1e-7, 1 - 1e-7))
    return clipped


def decisions(found: Judged, rule: Rule) -> np.ndarray:
    """Label sets and, of a scale, the level: int (n, n_labels + 1); what must be alike."""
    labels = decide(found.probabilities, np.asarray(rule["thresholds"]), rule["none_below"]).astype(int)
    levels = found.levels
    if levels is None and rule["recalibration"] is not None:
        levels = predict_level(found.probabilities, rule["recalibration"])
    return np.column_stack([labels, np.zeros(len(labels), dtype=int) if levels is None else levels])


def compare(found: Judged, rule: Rule, evaluated: Judged, own_rule: Rule, targets: Matrix) -> Parity:
    """How an export compares with the evaluated model on held-out rows.

    Args:
        found: What the export says.
        rule: Its decision rule.
        evaluated: What the evaluated model says.
        own_rule: The evaluated model's decision rule.
        targets: (n, n_labels), positive from 0.5.
    """
    ours, theirs = decisions(evaluated, own_rule), decisions(found, rule)
    truth = np.asarray(targets) >= 0.5
    before, after = (
        float(f1_score(truth, each[:, :-1], average="macro", zero_division=0)) for each in (ours, theirs)
    )
    return Parity(
        rows=len(truth),
        alike=float((ours == theirs).all(axis=1).mean()),
        f1_evaluated=before,
        f1_exported=after,
        max_difference=float(np.abs(found.probabilities - evaluated.probabilities).max()),
    )


def refusal(parity: Parity) -> str | None:
    """Why a variant in other arithmetic is not offered; None if it is."""
    change = abs(parity.f1_exported - parity.f1_evaluated)
    if parity.alike >= MIN_ALIKE and change <= MAX_F1_CHANGE:
        return None
    return (
        f"decides {parity.alike:.2%} of {parity.rows:,} held-out rows alike and changes macro-F1 by "
        f"{change:.4f}; expected {MIN_ALIKE:.0%} and {MAX_F1_CHANGE} at most"
    )


def ms_per_text(judge: Judge, texts: Sequence[str]) -> float:
    """Milliseconds of processor time per text; the better of two rounds."""
    spent = []
    for _ in range(2):
        start = time.process_time()
        judge(texts)
        spent.append(time.process_time() - start)
    return 1000 * min(spent) / len(texts)
