"""Even label counts, and splits that nothing crosses."""

from tasks.balancing.quotas import fill_quotas
from tasks.balancing.splits import split_rows

__all__ = ["fill_quotas", "split_rows"]
