"""Brown clusters of words: words that stand in the same places."""

from typing import NamedTuple


class Clusters(NamedTuple):
    """Brown clusters (Brown et al. 1992) of words; cluster 0 stands for none."""

    of: dict[str, tuple[int, int]]
    """Clusters of a word's lower-case and of its capitalised form, by lower-case word."""
    paths: list[int]
    """The way to each cluster through the tree of clusters, as bits, the root's choice lowest."""
