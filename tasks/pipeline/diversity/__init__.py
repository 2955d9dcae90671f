"""How diverse a set of texts is and how far from real text, beside the ranges of real text."""

from tasks.pipeline.diversity.lexical import Figures, wording
from tasks.pipeline.diversity.reference_bands import reference_range, sample_size_bucket
from tasks.pipeline.diversity.semantic import dispersion, real_auc, topic_leak

__all__ = [
    "Figures",
    "dispersion",
    "real_auc",
    "reference_range",
    "sample_size_bucket",
    "topic_leak",
    "wording",
]
