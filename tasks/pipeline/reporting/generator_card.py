"""Write a tuned generator where the user wants it: adapter, checksums, card."""

import os
import platform
import shutil
from pathlib import Path

from huggingface_hub import parse_local_safetensors_file_metadata
from jinja2 import Environment, PackageLoader, StrictUndefined

from tasks.config import PromptForm, TuneConfig
from tasks.data.generator_scores import GeneratorScores
from tasks.models.weights_cache import ADAPTER_FILE
from tasks.prompts.rendering import Manner, render
from tasks.taxonomy import Style, load_taxonomy, load_topics


def write_generator(model: Path, config: TuneConfig, scores: GeneratorScores) -> Path:
    """Copy an adapter folder to `config.out` and write its card; return the folder."""
    unfinished = config.out.with_name(f"{config.out.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(model, unfinished, ignore=shutil.ignore_patterns("SHA256"))
    (unfinished / "README.md").write_text(generator_card(model, config, scores), encoding="utf-8")
    config.out.mkdir(parents=True, exist_ok=True)
    for file in unfinished.iterdir():
        os.replace(file, config.out / file.name)
    unfinished.rmdir()
    return config.out


def generator_card(adapter: Path, config: TuneConfig, scores: GeneratorScores) -> str:
    """The card of a tuned generator in the hub's form."""
    weights = adapter / ADAPTER_FILE
    labels = [label for label in load_taxonomy("goemotions").labels if label.name in ("sadness", "joy")]
    topic = load_topics().topics[0]
    manner = Manner(topic.name, topic.scenarios[0], Style(name="comment"), "short")
    templates = Environment(
        loader=PackageLoader("tasks.pipeline.reporting"), undefined=StrictUndefined, trim_blocks=True
    )
    return templates.get_template("generator_card.md.j2").render(
        s=scores,
        config=config,
        prompt=render(PromptForm.chat, labels[:1], manner),
        n_parameters=sum(parse_local_safetensors_file_metadata(weights).parameter_count.values()),
        n_bytes=weights.stat().st_size,
        n_topics=len(load_topics().topics),
        hardware=f"{os.cpu_count()} cores, {platform.machine()}",
    )
