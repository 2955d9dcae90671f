"""Even label counts, splits that nothing crosses, and mixed texts."""

from tasks.pipeline.balancing.mixed_sentiment import compose_mixed_texts
from tasks.pipeline.balancing.mixing import choose_synthetic, weigh_few, weigh_rows
from tasks.pipeline.balancing.quotas import fill_quotas
from tasks.pipeline.balancing.splits import split_rows

__all__ = [
    "choose_synthetic",
    "compose_mixed_texts",
    "fill_quotas",
    "split_rows",
    "weigh_few",
    "weigh_rows",
]
