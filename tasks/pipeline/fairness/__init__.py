"""Whether a classifier treats people alike, and what teaches it to."""

from tasks.pipeline.fairness.audit import audit_classifier
from tasks.pipeline.fairness.counterfactuals import counterfactual_rows
from tasks.pipeline.fairness.generator_bias import group_topics, measure_generator_bias
from tasks.pipeline.fairness.group_recall import rate_gaps

__all__ = [
    "audit_classifier",
    "counterfactual_rows",
    "group_topics",
    "measure_generator_bias",
    "rate_gaps",
]
