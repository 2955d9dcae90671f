"""Prefect tasks of `tune-generator`; see `tasks.stages` for how they are cached."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from tasks.config import GeneratorConfig, PromptForm, RunConfig, TuneConfig
from tasks.embedding import embed, minilm_folder
from tasks.fitting import FitOptions
from tasks.orders import TEMPLATES
from tasks.prompts import control_prompt
from tasks.realdata import read_real
from tasks.records import DatasetRef, ModelRef, RealRef, Record
from tasks.runpage import Progress
from tasks.sampling import Request, load_engine
from tasks.stages import digest, stage
from tasks.store import open_store, remove_scratch
from tasks.taxonomy import load_taxonomy, load_topics
from tasks.training import load_classifier, predict
from tasks.tuning import (
    TuningText,
    encode_examples,
    epoch_examples,
    fidelity,
    held_out_split,
    memorised_share,
    new_symbols,
    perplexity,
    save_decoder,
    small_decoder,
    token_loss,
    tune,
    tuning_texts,
    write_sums,
)
from tasks.tuning.corpus import Wish

SMALL_DECODER = "small-decoder"


class GeneratorScores(Record):
    """What a generator is worth."""

    n_texts: int
    n_tokens: int
    """Text and prompt tokens of one epoch."""
    epochs: int
    held_out_loss: tuple[float, ...]
    """Nats per text token after each epoch, on texts of the train files that were held out."""
    dev_perplexity: float
    """Per text token, on the dev file, which nothing was trained on or chosen by."""
    fidelity: float
    """Share of samples whose intended label is in the judge's top 3, mean over the labels."""
    fidelity_per_label: dict[str, float]
    memorised: float
    """Share of samples with an eight-word run of a training text."""
    n_samples: int
    samples: dict[str, tuple[str, ...]]


@stage("tune-generator")
def tune_generator_model(data: RealRef, config: TuneConfig) -> ModelRef:
    """Fine-tune the language model on the annotated texts."""
    store = open_store()
    scratch = store.scratch(f"tune-{digest(data, _decisive(config))}")
    texts = annotated(config.data)
    learn, held = held_out_split(len(texts), config.held_out, config.seed)
    model, tokenizer = _base(config, texts)
    wish = wish_of(config.prompt_form)
    own = [texts[i] for i in learn]
    options = FitOptions(
        config.epochs, patience=2, seed=config.seed, precision=config.precision, warmup_share=0.03
    )
    state = tune(
        model,
        tokenizer,
        lambda epoch: epoch_examples(own, config.seed, epoch, wish),
        epoch_examples([texts[i] for i in held], config.seed + 1, 0, wish),
        options,
        scratch,
        config.learning_rate,
        config.batch_tokens,
        config.max_tokens,
        config.prompt_form is PromptForm.chat,
        Progress("tune"),
    )
    _save(model, tokenizer, config, scratch / "model")
    (scratch / "model" / "training.json").write_text(str([h["score"] for h in state.history]).replace("'", '"'))
    write_sums(scratch / "model")
    ref = store.put_folder(scratch / "model")
    remove_scratch(scratch)
    return ref
