"""Prometheus metrics, and how far live texts have drifted from those of training. Numbers only, no texts."""

import os
import time
from collections import deque
from pathlib import Path

import numpy as np
from prometheus_client import REGISTRY as OWN
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from deployments.api.loading import Reference, Served
from deployments.api.predicting import Prediction

SHARED = "PROMETHEUS_MULTIPROC_DIR"
WINDOW = 1_000
"""Texts that drift is measured on."""
MIN_TEXTS = 100
"""Texts from which it is."""
PAUSE_S = 1.0
"""Seconds between two measurements of drift: over the whole window, one costs as much as scrubbing a text."""
FLOOR = 1e-3
"""Share that stands for none at all, so that the logarithm stays finite."""
BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)

latency = Histogram("sentimill_request_seconds", "Time to answer", ["path", "status"], buckets=BUCKETS)
batch_size = Histogram("sentimill_batch_texts", "Texts per batch", buckets=(1, 2, 4, 8, 16, 32, 64, 128))
batch_time = Histogram("sentimill_batch_seconds", "Time per batch", buckets=BUCKETS)
queue = Gauge("sentimill_queue_texts", "Texts waiting or at work", multiprocess_mode="livesum")
texts = Counter("sentimill_texts", "Texts judged")
decided = Counter("sentimill_labels_decided", "Texts given a label", ["label"])
replaced = Counter("sentimill_scrubbed", "Replacements by the scrubber", ["type"])
truncated = Counter("sentimill_truncated", "Texts longer than the model reads")
refused = Counter("sentimill_refused", "Requests sent away", ["reason"])
swaps = Counter("sentimill_model_swaps", "Models that took over", ["run"])
drift = Gauge(
    "sentimill_drift_psi", "Population stability index against training", ["of"], multiprocess_mode="livemax"
)


class Drift:
    """Compares the last texts with those of training by the population stability index.

    PSI = sum over bins of (live - training) * ln(live / training); by custom 0.1 is worth a look and 0.25
    a change (Siddiqi 2006, "Credit Risk Scorecards"). Lengths fall into the tenths of training; every label
    is two bins, with it and without.
    """

    def __init__(self, reference: Reference) -> None:
        self.edges = np.unique(np.quantile(reference.words, np.arange(0.1, 1.0, 0.1)))
        self.expected = self._binned(reference.words)
        self.label_shares = reference.label_shares
        self._lengths: deque[int] = deque(maxlen=WINDOW)
        self._labels: deque[np.ndarray] = deque(maxlen=WINDOW)
        self._next_s = 0.0

    def _binned(self, words: np.ndarray) -> np.ndarray:
        counts = np.bincount(np.searchsorted(self.edges, words), minlength=len(self.edges) + 1)
        return np.asarray(counts / counts.sum())

    def note(self, predictions: list[Prediction]) -> dict[str, float]:
        """Add texts; return the indices of lengths and labels; nothing while there are few, or just after."""
        self._lengths.extend(len(each.text.split()) for each in predictions)
        self._labels.extend(each.decided for each in predictions)
        now_s = time.monotonic()
        if len(self._lengths) < MIN_TEXTS or now_s < self._next_s:
            return {}
        self._next_s = now_s + PAUSE_S
        shares = np.mean(self._labels, axis=0)
        per_label = [_yes_no(a, b) for a, b in zip(self.label_shares, shares, strict=True)]
        return {"length": psi(self.expected, self._binned(np.array(self._lengths))), "labels": max(per_label)}


def _yes_no(expected: float, found: float) -> float:
    return psi(np.array([expected, 1 - expected]), np.array([found, 1 - found]))


def psi(expected: np.ndarray, found: np.ndarray) -> float:
    """Population stability index of two sets of shares, 0 where they are the same."""
    a, b = np.maximum(expected, FLOOR), np.maximum(found, FLOOR)
    return float(np.sum((b - a) * np.log(b / a)))


class Account:
    """Counts what was predicted, for the model that is served."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._drift = Drift(served.reference) if served.reference else None
        self._names = served.settings["labels"]
        for name in self._names:
            decided.labels(name)

    def note(self, predictions: list[Prediction]) -> None:
        """Count judged texts; no text is kept."""
        texts.inc(len(predictions))
        truncated.inc(sum(each.truncated for each in predictions))
        for name, n in zip(self._names, np.sum([each.decided for each in predictions], axis=0), strict=True):
            decided.labels(name).inc(int(n))
        for each in predictions:
            for kind, n in each.scrubbed.items():
                replaced.labels(kind).inc(n)
        for of, value in (self._drift.note(predictions) if self._drift else {}).items():
            drift.labels(of).set(value)


def exposition() -> bytes:
    """All metrics in Prometheus' text format, summed over the workers."""
    if SHARED not in os.environ:
        return generate_latest(OWN)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def forget_dead_workers() -> None:
    """Take the gauges of workers that are gone out of the sums."""
    if folder := os.environ.get(SHARED):
        for pid in {file.stem.rsplit("_", 1)[1] for file in Path(folder).glob("gauge_live*.db")}:
            if not Path(f"/proc/{pid}").exists():
                multiprocess.mark_process_dead(int(pid))  # type: ignore[no-untyped-call]
