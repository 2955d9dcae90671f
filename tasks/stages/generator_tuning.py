"""Prefect tasks of `tune-generator`; see `tasks.stages` for how they are cached."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from pydantic import TypeAdapter
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from tasks.config import GeneratorConfig, PromptForm, TuneConfig
from tasks.data.generator_scores import GeneratorScores
from tasks.data.reading import read_real
from tasks.data.references import BlobRef, ModelRef, RealRef
from tasks.models.bundled import minilm_folder
from tasks.models.embedding import embed
from tasks.orchestration.artifacts import Progress
from tasks.orchestration.caching import digest, stage
from tasks.pipeline.sampling import Request, load_engine
from tasks.pipeline.training.classifier import load_classifier, predict
from tasks.pipeline.training.generator import (
    Example,
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
from tasks.pipeline.training.generator.prompt_format import wish_of
from tasks.pipeline.training.state import FitOptions
from tasks.storage.connection import open_store
from tasks.storage.store import remove_scratch
from tasks.taxonomy import load_taxonomy, load_topics

SMALL_DECODER = "small-decoder"
HISTORY = "held_out_loss.json"
TEXTS = TypeAdapter(list[TuningText])


@stage("annotate")
def annotate_task(*, data: RealRef) -> BlobRef:
    """People's texts with emotions, levels and topics; see `tasks.pipeline.training.generator.corpus`."""
    comments = read_real(f"{data.source.path}/goemotions", "train")
    reviews = read_real(f"{data.source.path}/sst", "train")
    topics = {t.name: f"{t.name}. {' '.join(t.scenarios)}" for t in load_topics().topics}
    vectors = (
        embed([text.text for text in comments], "embed comments"),
        embed([text.text for text in reviews], "embed reviews"),
        embed(list(topics.values())),
    )
    texts = tuning_texts(comments, reviews, topics, vectors)
    return open_store().put_blob(TEXTS.dump_json(texts), ".json")


@stage("tune-generator", retry_on_network_error=True)
def tune_generator_task(*, texts_ref: BlobRef, config: TuneConfig) -> ModelRef:
    """Fine-tune the language model on the annotated texts."""
    store = open_store()
    scratch = store.scratch(f"tune-{digest(texts_ref.sha256, _decisive(config))}")
    texts = read_texts(texts_ref)
    learn, held = held_out_split(len(texts), config.held_out, config.seed)
    model, tokenizer = _base(config, texts)
    wish = wish_of(config.prompt_form)
    own = [texts[i] for i in learn]
    options = FitOptions(
        config.epochs,
        early_stopping_patience=1,
        seed=config.seed,
        precision=config.precision,
        warmup_ratio=0.03,
        # What further epochs gain after this they gain by learning texts by heart.
        min_gain=0.05,
    )
    progress = Progress("tune")
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
        progress,
    )
    progress(1.0)
    _save(model, tokenizer, config, scratch / "model")
    losses = [-epoch["score"] for epoch in state.history]
    (scratch / "model" / HISTORY).write_text(json.dumps(losses) + "\n")
    write_sums(scratch / "model")
    ref = store.put_folder(scratch / "model")
    remove_scratch(scratch)
    return ref


@stage("measure-generator")
def measure_generator_task(
    *, generator: ModelRef, judge: ModelRef, texts_ref: BlobRef, config: TuneConfig
) -> GeneratorScores:
    """Perplexity on dev, and what a judge trained on people's text says of the samples."""
    store = open_store()
    folder = store.get_folder(generator)
    names = load_taxonomy("goemotions").names
    samples = _samples(folder, names, config)
    texts = [text for own in samples.values() for text in own]
    model, tokenizer, settings = load_classifier(store.get_folder(judge))
    said = predict(model, tokenizer, texts, settings["max_length"], "judge samples")
    hits = fidelity(said, [i for i, name in enumerate(names) for _ in samples[name]])
    per_label = hits.reshape(len(names), -1).mean(axis=1)
    corpus = read_texts(texts_ref)
    n_tokens = _epoch_tokens(folder, corpus, config)
    return GeneratorScores(
        n_texts=len(corpus),
        n_tokens=n_tokens,
        epochs=len(json.loads((folder / HISTORY).read_text())),
        held_out_loss=tuple(json.loads((folder / HISTORY).read_text())),
        dev_perplexity=_dev_perplexity(folder, config),
        fidelity=float(per_label.mean()),
        fidelity_per_label={n: float(v) for n, v in zip(names, per_label, strict=True)},
        memorised=memorised_share(texts, (text.text for text in corpus)),
        n_samples=len(texts),
        samples={name: tuple(own[:3]) for name, own in samples.items()},
    )


def read_texts(ref: BlobRef) -> list[TuningText]:
    """What `annotate` wrote."""
    return TEXTS.validate_json(open_store().get_blob(ref))


def _decisive(config: TuneConfig) -> dict[str, Any]:
    """The options that decide the weights."""
    return config.model_dump(exclude={"out", "samples_per_label", "data"})


def _base(config: TuneConfig, texts: Sequence[TuningText]) -> tuple[Any, Any]:
    if config.base == SMALL_DECODER:
        labels = sorted({name for text in texts for labels in text.label_sets for name in labels})
        topics = [topic.name for topic in load_topics().topics]
        words = ["any short medium long comment review | : ,", *topics, *labels]
        own = [text.text for text in texts]
        torch.manual_seed(config.seed)
        return small_decoder(minilm_folder(), own, words, new_symbols(own), config.max_tokens)
    model = AutoModelForCausalLM.from_pretrained(config.base, revision=config.revision, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(config.base, revision=config.revision)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if config.lora_rank:
        adapters = LoraConfig(r=config.lora_rank, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, adapters)
    return model, tokenizer


def _save(model: Any, tokenizer: Any, config: TuneConfig, folder: Path) -> None:
    save_decoder(model.merge_and_unload() if config.lora_rank else model, tokenizer, folder)


def _samples(folder: Path, names: Sequence[str], config: TuneConfig) -> dict[str, list[str]]:
    """Texts of every label with topic, style and length left open."""
    engine = load_engine(
        GeneratorConfig(model=str(folder), prompt_form=config.prompt_form, batch_size=64, max_new_tokens=56)
    )
    wish, k = wish_of(config.prompt_form), config.samples_per_label
    return {
        name: [s.text for s in engine.sample(Request(wish([name], "", "", ""), k, config.seed + i))]
        for i, name in enumerate(tqdm(names, desc="sample labels", unit="label", leave=False))
    }


def _dev_perplexity(folder: Path, config: TuneConfig) -> float:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    wish = wish_of(config.prompt_form)
    dev = [
        Example(wish(text.labels, "", "comment", ""), text.text)
        for text in read_real(f"{config.data}/goemotions", "test")
    ]
    chat = config.prompt_form is PromptForm.chat
    rows = encode_examples(tokenizer, dev, config.max_tokens, chat)
    return perplexity(token_loss(model, rows, tokenizer.pad_token_id))


def _epoch_tokens(folder: Path, corpus: Sequence[TuningText], config: TuneConfig) -> int:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    examples = epoch_examples(corpus, config.seed, 0, wish_of(config.prompt_form))
    chat = config.prompt_form is PromptForm.chat
    return sum(len(row.ids) for row in encode_examples(tokenizer, examples, config.max_tokens, chat))
