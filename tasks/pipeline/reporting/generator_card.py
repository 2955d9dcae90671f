"""Write a tuned generator where the user wants it: model, checksums, card."""

import os
import platform
import shutil
from pathlib import Path

from huggingface_hub import parse_local_safetensors_file_metadata

from tasks.config import PromptForm, TuneConfig
from tasks.data.generator_scores import GeneratorScores
from tasks.prompts.control_prompts import control_prompt
from tasks.prompts.rendering import TEMPLATES
from tasks.taxonomy import load_topics


def write_generator(model: Path, config: TuneConfig, scores: GeneratorScores) -> Path:
    """Copy a model folder to `config.out` and write its card; return the folder."""
    unfinished = config.out.with_name(f"{config.out.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(model, unfinished, ignore=shutil.ignore_patterns("SHA256"))
    (unfinished / "README.md").write_text(generator_card(model, config, scores), encoding="utf-8")
    config.out.mkdir(parents=True, exist_ok=True)
    for file in unfinished.iterdir():
        os.replace(file, config.out / file.name)
    unfinished.rmdir()
    return config.out


def generator_card(model: Path, config: TuneConfig, scores: GeneratorScores) -> str:
    """The card of a generator in the hub's form."""
    weights = model / "model.safetensors"
    prompt = control_prompt(("sadness", "disappointment"), "flights", "comment", "long")
    return TEMPLATES.get_template("generator_card.md.j2").render(
        s=scores,
        config=config,
        base=config.base,
        prompt=prompt if config.prompt_form is PromptForm.control else "(chat)",
        n_parameters=sum(parse_local_safetensors_file_metadata(weights).parameter_count.values()),
        n_bytes=weights.stat().st_size,
        n_topics=len(load_topics().topics),
        hardware=f"{os.cpu_count()} cores, {platform.machine()}, no accelerator",
    )
