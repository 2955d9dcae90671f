"""Even label counts, splits that nothing crosses, and mixed texts."""

from tasks.pipeline.balancing.mixed_sentiment import join_stances
from tasks.pipeline.balancing.mixing import choose_synthetic, weigh_rows
from tasks.pipeline.balancing.quotas import fill_quotas
from tasks.pipeline.balancing.splits import split_rows

__all__ = ["choose_synthetic", "fill_quotas", "join_stances", "split_rows", "weigh_rows"]
