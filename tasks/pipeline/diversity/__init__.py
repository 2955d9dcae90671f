"""How varied a set of texts is, and how far from what people write, beside the band of real text."""

from tasks.pipeline.diversity.lexical import Figures, wording
from tasks.pipeline.diversity.reference_bands import band, tier
from tasks.pipeline.diversity.semantic import dispersion, real_auc, topic_leak

__all__ = ["Figures", "band", "dispersion", "real_auc", "tier", "topic_leak", "wording"]
