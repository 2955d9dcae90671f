"""Fine-tune a causal language model so that it writes in wanted labels."""

from tasks.pipeline.training.generator.corpus import (
    Example,
    TuningText,
    epoch_examples,
    new_symbols,
    tuning_texts,
)
from tasks.pipeline.training.generator.fidelity import fidelity, memorised_share
from tasks.pipeline.training.generator.fine_tuning import (
    encode_examples,
    held_out_split,
    perplexity,
    token_loss,
    tune,
)
from tasks.pipeline.training.generator.warm_start import save_decoder, small_decoder, write_sums

__all__ = [
    "Example",
    "TuningText",
    "encode_examples",
    "epoch_examples",
    "fidelity",
    "held_out_split",
    "memorised_share",
    "new_symbols",
    "perplexity",
    "save_decoder",
    "small_decoder",
    "token_loss",
    "tune",
    "tuning_texts",
    "write_sums",
]
