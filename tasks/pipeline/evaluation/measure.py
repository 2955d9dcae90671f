"""One classifier on one test set, measured."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import Matrix
from tasks.pipeline.decision.ordinal_levels import IDENTITY, predict_level
from tasks.pipeline.decision.thresholds import decide
from tasks.taxonomy import Taxonomy

if TYPE_CHECKING:
    import evaluate

# Loaded by path: `evaluate.load` gives others the same figures from the same file, without Sentimill.
METRICS_FILE = Path(__file__).with_name("metrics.py")


def measure(
    probabilities: Matrix,
    thresholds: Matrix,
    targets: Matrix,
    taxonomy: Taxonomy,
    levels: NDArray[np.int_] | None = None,
    none_below: Matrix | float = 0.0,
) -> dict[str, Any]:
    """Measure probabilities against true label sets.

    Args:
        probabilities: (n, n_labels), 0..1.
        thresholds: (n_labels,), chosen on other texts than these.
        targets: (n, n_labels), 0 or 1; a label below 0 is unknown and counts as rightly left out, whatever
            was said about it.
        taxonomy: Names the labels; a scale is measured as one, too.
        levels: (n,) places on the scale, 1..n_labels; None takes the mean of the probabilities.
        none_below: See `decide`.

    Returns:
        See `INPUTS` in `tasks.pipeline.evaluation.metrics`; JSON-able.

    Raises:
        ValueError: There are no texts, shapes do not fit, or values are out of range.
    """
    if not len(targets):
        raise ValueError("test set is empty; expected at least one text. Ask for more texts per label.")
    decided = decide(probabilities, thresholds, none_below).astype(float)
    scale = {}
    if taxonomy.ordinal:
        predicted = predict_level(probabilities, IDENTITY) if levels is None else levels
        scale = {"predicted_levels": predicted, "reference_levels": true_levels(targets)}
    if (unknown := targets < 0).any():
        decided, targets, probabilities = (
            np.where(unknown, 0.0, x) for x in (decided, targets, probabilities)
        )
    return _module().compute(  # type: ignore[no-any-return]
        predictions=decided,
        references=targets,
        probabilities=probabilities,
        label_names=list(taxonomy.names),
        **scale,
    )


def true_levels(targets: Matrix) -> NDArray[np.int_]:
    """Level of each text, 1..n_labels, and 0 for a text that does not have exactly one label; (n,)."""
    return np.where((targets > 0).sum(axis=1) == 1, 1 + targets.argmax(axis=1), 0)


@cache
def _module() -> "evaluate.EvaluationModule":
    import evaluate  # takes two seconds, and a run needs it at its end

    return evaluate.load(str(METRICS_FILE), keep_in_memory=True)
