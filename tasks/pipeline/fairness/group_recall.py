"""True positive rates of the groups that human-written texts mention, by Fairlearn."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from fairlearn.metrics import MetricFrame, true_positive_rate
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from tasks.data.fairness_scores import RateGap
from tasks.pipeline.fairness.measures import holm
from tasks.pipeline.fairness.templates import Words, load_templates

MIN_TEXTS = 10
"""Texts with a label that each of the two groups must have; below, a rate is mostly luck."""


def groups_mentioned(texts: Sequence[str], groups: Mapping[str, Words]) -> list[str]:
    """Group that each text names, empty where it names none or more than one."""
    patterns = {
        group: re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
        for group, words in groups.items()
    }
    found = [[group for group, pattern in patterns.items() if pattern.search(text)] for text in texts]
    return [names[0] if len(names) == 1 else "" for names in found]


def rate_gaps(
    texts: Sequence[str], truth: NDArray[np.bool_], decided: NDArray[np.bool_], labels: Sequence[str]
) -> list[RateGap]:
    """Compare recall between the two groups of every axis, label by label.

    Args:
        texts: n texts as people wrote them.
        truth: (n, n_labels) labels that people gave.
        decided: (n, n_labels) labels that the classifier gave, as deployed.
        labels: Their names.

    Returns:
        One gap per axis and label that has `MIN_TEXTS` texts in both groups, the largest first.
    """
    found = []
    for axis, groups in load_templates().mentions.items():
        mentioned = np.array(groups_mentioned(texts, groups))
        for i, label in enumerate(labels):
            own = (mentioned != "") & truth[:, i]
            n = {group: int((mentioned[own] == group).sum()) for group in groups}
            if min(n.values()) >= MIN_TEXTS:
                found.append(_gap(axis, label, n, decided[own, i], mentioned[own]))
    if not found:
        return []
    corrected = holm(np.array([gap.p for gap in found]))
    gaps = [gap.model_copy(update={"p": float(p)}) for gap, p in zip(found, corrected, strict=True)]
    return sorted(gaps, key=lambda gap: -gap.gap)


def _gap(
    axis: str, label: str, n: dict[str, int], decided: NDArray[np.bool_], mentioned: NDArray[np.str_]
) -> RateGap:
    frame = MetricFrame(
        metrics=true_positive_rate,
        y_true=np.ones(len(decided), dtype=int),
        y_pred=decided.astype(int),
        sensitive_features=mentioned,
    )
    rates = {group: float(frame.by_group[group]) for group in n}
    hits = [[round(rates[group] * n[group]), round((1 - rates[group]) * n[group])] for group in n]
    return RateGap(
        axis=axis,
        label=label,
        rates=rates,
        n=n,
        gap=float(frame.difference()),
        p=float(fisher_exact(hits).pvalue),
    )
