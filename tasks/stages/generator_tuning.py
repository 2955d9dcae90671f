"""Prefect tasks of `tune-generator`; see `tasks.stages` for how they are cached."""

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import get_peft_model_state_dict
from pydantic import TypeAdapter
from safetensors.torch import save_file
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from tasks.config import GeneratorBackend, GeneratorConfig, PromptForm, TuneConfig, TuningData
from tasks.data.generator_scores import GeneratorScores
from tasks.data.reading import read_real
from tasks.data.references import BlobRef, ModelRef, RealRef
from tasks.models.bundled import write_sums
from tasks.models.embedding import embed
from tasks.models.gguf_base import BASE
from tasks.models.weights_cache import ADAPTER_FILE, BASE_KEY, base_folder, base_sha256
from tasks.orchestration.artifacts import Progress
from tasks.orchestration.caching import digest, stage
from tasks.pipeline.sampling import Request, load_engine
from tasks.pipeline.sampling.loading import load_causal_model, weights_of
from tasks.pipeline.training.classifier import load_classifier, predict
from tasks.pipeline.training.generator import (
    Adapted,
    Example,
    TopicVectors,
    TuningSizes,
    TuningText,
    comment_texts,
    demonstrations,
    encode_examples,
    epoch_examples,
    fidelity,
    held_out_split,
    known_meanings,
    memorised_share,
    nouns_of,
    perplexity,
    review_texts,
    token_loss,
    topics_of,
    tune,
    with_adapters,
)
from tasks.pipeline.training.state import FitOptions
from tasks.prompts.rendering import Manner, render
from tasks.storage.connection import open_store
from tasks.storage.store import remove_scratch
from tasks.taxonomy import Style, load_taxonomy, load_topics

HISTORY = "held_out_loss.json"
TEXTS = TypeAdapter(list[TuningText])
LABELLED_IN = {TuningData.goemotions: "goemotions", TuningData.sst: "sentiment7"}
"""Taxonomy of the first labels of each data set's texts."""


@stage("annotate")
def annotate_task(*, data: RealRef, texts_per_label: int, seed: int) -> BlobRef:
    """Readable texts with labels, kinds and topics; see `tasks.pipeline.training.generator.corpus`."""
    rng = np.random.default_rng(seed)
    comments = comment_texts(read_real(f"{data.source.path}/goemotions", "train"), rng, texts_per_label)
    reviews = review_texts(read_real(f"{data.source.path}/sst", "train"), rng, texts_per_label)
    texts = [text for text, _ in comments]
    vectors = embed([text.text for text in texts], "embed comments")
    near, nouns = _topic_vectors(), nouns_of([text.text for text in texts])
    found = [topics_of(t.text, v, near, nouns) for t, v in zip(texts, vectors, strict=True)]
    about = [replace(t, topics=(topic,)) if topic[0] else t for t, topic in zip(texts, found, strict=True)]
    return open_store().put_blob(TEXTS.dump_json([*about, *reviews, *demonstrations()[0]]), ".json")


def _topic_vectors() -> TopicVectors:
    topics = load_topics().topics
    scenarios = tuple((topic.name, scenario) for topic in topics for scenario in topic.scenarios)
    return TopicVectors(
        names=tuple(topic.name for topic in topics),
        topics=embed([f"{topic.name}. {' '.join(topic.scenarios)}" for topic in topics]),
        scenarios=scenarios,
        scenario_vectors=embed([scenario for _, scenario in scenarios]),
    )


@stage("tune-generator", retry_on_network_error=True)
def tune_generator_task(*, texts_ref: BlobRef, config: TuneConfig) -> ModelRef:
    """Fine-tune adapters on the annotated texts; the folder holds the adapter alone."""
    store = open_store()
    scratch = store.scratch(f"tune-{digest(texts_ref.sha256, _decisive(config))}")
    texts = without_held_out(read_texts(texts_ref), config)
    learn, held = held_out_split(len(texts), config.held_out, config.seed)
    model, tokenizer = _base(config)
    meanings = known_meanings() | demonstrations()[1]
    own = [texts[i] for i in learn]
    options = FitOptions(
        config.epochs,
        early_stopping_patience=1,
        seed=config.seed,
        precision=config.precision,
        warmup_ratio=0.03,
    )
    progress = Progress("tune")
    state = tune(
        model,
        tokenizer,
        lambda epoch: epoch_examples(own, meanings, config.seed, epoch),
        epoch_examples([replace(texts[i], copies=1) for i in held], meanings, config.seed + 1, 0),
        options,
        scratch,
        TuningSizes(config.learning_rate, config.batch_tokens, config.max_tokens),
        config.system_prompt,
        progress,
    )
    progress(1.0)
    folder = save_adapter(model, config, scratch / "adapter")
    losses = [-epoch["score"] for epoch in state.history]
    (folder / HISTORY).write_text(json.dumps(losses) + "\n")
    write_sums(folder)
    ref = store.put_folder(folder)
    remove_scratch(scratch)
    return ref


@stage("measure-generator")
def measure_generator_task(
    *, generator: ModelRef, judge: ModelRef, texts_ref: BlobRef, config: TuneConfig
) -> GeneratorScores:
    """Perplexity on dev, and what a judge trained on human text says of the samples."""
    store = open_store()
    adapter = store.get_folder(generator)
    names = load_taxonomy("goemotions").names
    samples = _samples(adapter, names, config)
    texts = [text for own in samples.values() for text in own]
    model, tokenizer, settings = load_classifier(store.get_folder(judge))
    said = predict(model, tokenizer, texts, settings["max_length"], "judge samples")
    hits = fidelity(said, [i for i, name in enumerate(names) for _ in samples[name]])
    per_label = hits.reshape(len(names), -1).mean(axis=1)
    corpus = read_texts(texts_ref)
    losses = json.loads((adapter / HISTORY).read_text())
    return GeneratorScores(
        n_texts=len(corpus),
        n_tokens=_epoch_tokens(corpus, config),
        epochs=len(losses),
        held_out_loss=tuple(losses),
        dev_perplexity=_dev_perplexity(adapter, config),
        fidelity=float(per_label.mean()),
        fidelity_per_label={n: float(v) for n, v in zip(names, per_label, strict=True)},
        memorised=memorised_share(texts, (text.text for text in corpus)),
        n_samples=len(texts),
        samples={name: tuple(own[:3]) for name, own in samples.items()},
    )


def read_texts(ref: BlobRef) -> list[TuningText]:
    """What `annotate` wrote."""
    return TEXTS.validate_json(open_store().get_blob(ref))


def without_held_out(texts: Sequence[TuningText], config: TuneConfig) -> list[TuningText]:
    """Texts that carry none of the emotions held out, and come from no data set that is."""
    hidden = {f"{LABELLED_IN[TuningData.goemotions]}/{name}" for name in config.hold_out_labels}
    data = {LABELLED_IN[name] for name in config.hold_out_data}
    return [
        text
        for text in texts
        if not any(name in hidden or name.partition("/")[0] in data for name in text.label_sets[0])
    ]


def save_adapter(model: Adapted, config: TuneConfig, folder: Path) -> Path:
    """Write the adapter in bf16, with the base that it belongs to in its metadata."""
    peft_model: Any = model.model
    folder.mkdir(parents=True, exist_ok=True)
    described = copy(peft_model.peft_config["default"])
    # The folder that weights were read from exists on this machine alone.
    described.base_model_name_or_path = BASE.upstream if config.base == "embedded" else config.base
    described.target_modules = sorted(described.target_modules)
    described.inference_mode = True
    described.save_pretrained(folder)
    weights = {
        name: weight.to(torch.bfloat16).contiguous()
        for name, weight in get_peft_model_state_dict(peft_model).items()
    }
    metadata = {"format": "pt", BASE_KEY: base_sha256(config.base)}
    save_file(weights, folder / ADAPTER_FILE, metadata=metadata)
    return folder


def _decisive(config: TuneConfig) -> dict[str, Any]:
    """The parameters that decide the weights."""
    return config.model_dump(exclude={"out", "samples_per_label", "data"})


def _base(config: TuneConfig) -> tuple[Adapted, Any]:
    name = str(base_folder()) if config.base == "embedded" else config.base
    tokenizer = AutoTokenizer.from_pretrained(name, revision=config.revision)
    if not tokenizer.chat_template:
        raise ValueError(
            f"{config.base} has no chat template; expected an instruct model, which has one. "
            "Name another base."
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    # Frozen weights need no more than the arithmetic has.
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    # On a CPU PyTorch's fused attention goes back more slowly through rows this short than plain products do.
    attention = None if torch.cuda.is_available() else "eager"
    model = AutoModelForCausalLM.from_pretrained(
        name, revision=config.revision, dtype=dtype, attn_implementation=attention
    )
    return with_adapters(model, config.lora_rank, config.seed), tokenizer


def _samples(adapter: Path, names: Sequence[str], config: TuneConfig) -> dict[str, list[str]]:
    """Texts of every label with topic and length left open."""
    generator = GeneratorConfig(
        model=config.base,
        adapter=str(adapter),
        prompt_form=PromptForm.chat,
        system_prompt=config.system_prompt,
        revision=config.revision,
        batch_size=64,
        backend=GeneratorBackend.torch,
    )
    engine, k = load_engine(generator), config.samples_per_label
    labels, manner = load_taxonomy("goemotions").labels, Manner("", "", Style(name="comment"), "")
    return {
        label.name: [
            s.text
            for s in engine.sample(Request(render(PromptForm.chat, [label], manner), k, config.seed + i))
        ]
        for i, label in enumerate(tqdm(labels, desc="sample labels", unit="label", leave=False))
        if label.name in names
    }


def _dev_perplexity(adapter: Path, config: TuneConfig) -> float:
    """Per text token of GoEmotions dev, labels given."""
    name, own = weights_of(config.base, str(adapter))
    model = load_causal_model(name, config.revision, own)
    tokenizer = AutoTokenizer.from_pretrained(name, revision=config.revision)
    labels = {label.name: label for label in load_taxonomy("goemotions").labels}
    manner = Manner("", "", Style(name="comment"), "")
    dev = [
        Example(render(PromptForm.chat, [labels[name] for name in text.labels], manner), text.text)
        for text in read_real(f"{config.data}/goemotions", "test")
    ]
    rows = encode_examples(tokenizer, dev, config.max_tokens, config.system_prompt)
    return perplexity(token_loss(model, rows, tokenizer.eos_token_id))


def _epoch_tokens(corpus: Sequence[TuningText], config: TuneConfig) -> int:
    name = str(base_folder()) if config.base == "embedded" else config.base
    tokenizer = AutoTokenizer.from_pretrained(name, revision=config.revision)
    meanings = known_meanings() | demonstrations()[1]
    examples = epoch_examples(corpus, meanings, config.seed, 0)
    rows = encode_examples(tokenizer, examples, config.max_tokens, config.system_prompt)
    return sum(row.n_tokens for row in rows)
