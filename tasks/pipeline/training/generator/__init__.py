"""Fine-tune an instruct model so that it writes in wanted labels."""

from tasks.pipeline.training.generator.corpus import (
    Example,
    TopicVectors,
    TuningText,
    comment_texts,
    demonstrations,
    epoch_examples,
    known_meanings,
    nouns_of,
    review_texts,
    topics_of,
)
from tasks.pipeline.training.generator.fidelity import fidelity, memorised_share
from tasks.pipeline.training.generator.fine_tuning import (
    Adapted,
    TuningSizes,
    encode_examples,
    held_out_split,
    perplexity,
    token_loss,
    tune,
    with_adapters,
)

__all__ = [
    "Adapted",
    "Example",
    "TopicVectors",
    "TuningSizes",
    "TuningText",
    "comment_texts",
    "demonstrations",
    "encode_examples",
    "epoch_examples",
    "fidelity",
    "held_out_split",
    "known_meanings",
    "memorised_share",
    "nouns_of",
    "perplexity",
    "review_texts",
    "token_loss",
    "topics_of",
    "tune",
    "with_adapters",
]
