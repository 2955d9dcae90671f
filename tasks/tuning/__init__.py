"""Fine-tune a causal language model so that it writes in wanted labels."""

from tasks.tuning.corpus import Example, TuningText, epoch_examples, new_symbols, tuning_texts
from tasks.tuning.measuring import fidelity, memorised_share
from tasks.tuning.train import encode_examples, held_out_split, perplexity, token_loss, tune
from tasks.tuning.warmstart import save_decoder, small_decoder, write_sums

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
