"""Even label counts, and splits that nothing crosses."""

from tasks.balancing.mixing import choose_synthetic, weigh_rows
from tasks.balancing.quotas import fill_quotas
from tasks.balancing.splits import split_rows

__all__ = ["choose_synthetic", "fill_quotas", "split_rows", "weigh_rows"]
