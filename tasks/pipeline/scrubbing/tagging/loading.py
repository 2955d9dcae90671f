"""The part-of-speech tagger, loaded once per process."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from tasks.pipeline.scrubbing.names.assets import load_clusters, load_lexicon, load_pos_tables
from tasks.pipeline.scrubbing.tagging.tagger import PosTagger
from tasks.pipeline.scrubbing.tokens import Tokens


@cache
def pos_tagger() -> PosTagger:
    """Return the embedded tagger."""
    return PosTagger(load_pos_tables(), load_lexicon(), load_clusters())


def tagged(documents: Sequence[Tokens]) -> list[Tokens]:
    """Return the tokens of several texts with their parts of speech."""
    matches = pos_tagger().tags(documents)
    return [replace(tokens, tags=tags) for tokens, tags in zip(documents, matches, strict=True)]
