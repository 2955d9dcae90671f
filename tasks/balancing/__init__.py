"""Even label counts, splits that nothing crosses, and mixed texts."""

from tasks.balancing.mixing import choose_synthetic, weigh_rows
from tasks.balancing.quotas import fill_quotas
from tasks.balancing.splits import split_rows
from tasks.balancing.stances import join_stances

__all__ = ["choose_synthetic", "fill_quotas", "join_stances", "split_rows", "weigh_rows"]
