"""Whether a classifier treats people alike, and what teaches it to."""

from tasks.fairness.auditing import audit_classifier
from tasks.fairness.counterfactuals import counterfactual_rows
from tasks.fairness.rates import rate_gaps
from tasks.fairness.templates import templates_digest
from tasks.fairness.tone import group_topics, measure_tone

__all__ = [
    "audit_classifier",
    "counterfactual_rows",
    "group_topics",
    "measure_tone",
    "rate_gaps",
    "templates_digest",
]
