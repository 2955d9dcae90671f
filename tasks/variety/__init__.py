"""How varied a set of texts is, and how far from what people write, beside the band of real text."""

from tasks.variety.bands import band, tier
from tasks.variety.meaning import dispersion, real_auc, topic_leak
from tasks.variety.wording import Figures, wording

__all__ = ["Figures", "band", "dispersion", "real_auc", "tier", "topic_leak", "wording"]
