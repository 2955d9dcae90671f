"""Even label counts, splits that nothing crosses, and mixed texts."""

from tasks.balancing.quotas import fill_quotas
from tasks.balancing.splits import split_rows
from tasks.balancing.stances import join_stances

__all__ = ["fill_quotas", "join_stances", "split_rows"]
