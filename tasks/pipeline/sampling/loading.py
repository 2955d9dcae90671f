"""Loading a generator, with everything that can be wrong about it found before the first text."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tasks.config import GeneratorConfig, GeneratorPrecision
from tasks.models.bundled import EMBEDDED, embedded_folder
from tasks.models.own_thread import in_own_thread
from tasks.models.precision import bf16_pays
from tasks.models.weights_cache import tuned_folder
from tasks.pipeline.sampling.engine.attention import ATTENTION
from tasks.pipeline.sampling.engine.engine import LocalEngine
from tasks.pipeline.sampling.engine.memory import keep_freed_memory
from tasks.pipeline.sampling.engine.quantization import choose_precision, int8_works, quantize_weights
from tasks.pipeline.sampling.engine.self_test import (
    batch_invariant_sizes,
    check_cached_decoding,
    prompts_agree,
)
from tasks.pipeline.sampling.engine.sequences import Limits
from tasks.pipeline.sampling.engine.token_sampling import Controls
from tasks.pipeline.sampling.engine.trials import shapes_of, tried_here
from tasks.pipeline.sampling.engine.weight_packing import linear_layers, pack_weights
from tasks.pipeline.sampling.tokenization import PromptCodec

log = logging.getLogger(__name__)

DEFAULT_BATCH = 64


@in_own_thread
def open_model(config: GeneratorConfig) -> LocalEngine:
    """Load the generator that a resolved configuration names.

    Args:
        config: With `model` and `prompt_form` filled in, see `RunConfig.resolved`.

    Raises:
        FileNotFoundError: The embedded generator's files are not there.
        ValueError: Files, tokenizer and model do not belong together, or the model cannot be sampled from.
    """
    if config.model is None or config.prompt_form is None:
        raise ValueError(
            "generator.model is empty; expected a resolved configuration. Call RunConfig.resolved()."
        )
    name, adapter = weights_of(config.model, config.adapter)
    tokenizer = AutoTokenizer.from_pretrained(name, revision=config.revision)
    model = load_causal_model(name, config.revision, adapter, config.precision)
    check_vocabulary(model, tokenizer, config.model)
    end_tokens = find_end_tokens(model.generation_config.eos_token_id, tokenizer, config.model)
    codec = PromptCodec(tokenizer, config.prompt_form, end_tokens, config.system_prompt)
    codec.encode("A missing or broken chat template shows here.")
    limits = _limits(config, model, tokenizer, end_tokens)
    check_cached_decoding(model, config.model)
    context = context_length(model)
    common = codec.common_tokens()
    shapes, n_rows = shapes_of(model), limits.batch_size * limits.n_branches
    together = tried_here(
        "prompts", lambda: prompts_agree(model, context, common), shapes, context, len(common)
    )
    widths = tried_here("widths", lambda: batch_invariant_sizes(model, n_rows), shapes, n_rows)
    limits = replace(limits, prompts_together=together, common_tokens=common)
    return LocalEngine(model, codec, limits, widths, context)


def weights_of(model: str, adapter: str | None) -> tuple[str, str | None]:
    """Folder or name that transformers loads, and the adapter that is still to be merged into it.

    Raises:
        FileNotFoundError: The embedded generator's files are not there.
        ValueError: They are others than expected, or the adapter belongs to another base.
    """
    if model != "embedded":
        return model, adapter
    own = Path(adapter).expanduser() if adapter else embedded_folder(EMBEDDED)
    return str(tuned_folder(own)), None


def load_causal_model(
    name: str,
    revision: str | None,
    adapter: str | None = None,
    precision: GeneratorPrecision = GeneratorPrecision.auto,
) -> Any:
    """A causal language model in an arithmetic of this machine.

    Args:
        name: Folder or hub name.
        revision: Of the hub.
        adapter: Folder of an adapter to merge into it.
        precision: `auto` for the fastest, see `choose_precision`.

    Raises:
        ValueError: int8 is wanted where there is none.
    """
    on_gpu = torch.cuda.is_available()
    if on_gpu and precision is GeneratorPrecision.int8:
        raise ValueError(
            "generator.precision is int8 and the model runs on a GPU; expected bf16 or fp32 there. "
            "Leave it out, or hide the GPU with CUDA_VISIBLE_DEVICES=."
        )
    as_loaded = arithmetic(on_gpu) if on_gpu and precision is not GeneratorPrecision.fp32 else torch.float32
    model: Any = AutoModelForCausalLM.from_pretrained(
        name, revision=revision, dtype=as_loaded, attn_implementation=ATTENTION
    )
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    model.eval()
    if on_gpu:
        return model.to("cuda")
    keep_freed_memory()
    use_precision(model, precision)
    return model


def use_precision(model: Any, precision: GeneratorPrecision) -> None:
    """Lay a model's weights out on a CPU for the arithmetic that is wanted.

    Raises:
        ValueError: int8 is wanted and does not work here.
    """
    if precision is GeneratorPrecision.auto:
        precision = choose_precision(model, arithmetic(on_gpu=False))
        log.info("The generator multiplies in %s on this machine.", precision)
    if precision is GeneratorPrecision.int8:
        if not int8_works(linear_layers(model)[0]):
            raise ValueError(
                f"generator.precision is int8, which PyTorch {torch.__version__} cannot multiply on this "
                "machine; expected auto, bf16 or fp32. Leave it out."
            )
        quantize_weights(model)
        return
    if precision is GeneratorPrecision.bf16:
        model.to(torch.bfloat16)
    pack_weights(model)


def arithmetic(on_gpu: bool) -> torch.dtype:
    """Type for a GPU and for small models on a CPU: bf16 where the hardware is made for it, else fp32."""
    return torch.bfloat16 if bf16_pays(on_gpu) else torch.float32


def check_vocabulary(model: Any, tokenizer: Any, name: str) -> None:
    """Refuse a tokenizer that has tokens which the model does not know."""
    n_known, n_tokens = model.get_output_embeddings().weight.shape[0], len(tokenizer)
    if n_tokens > n_known:
        raise ValueError(
            f"tokenizer of {name} has {n_tokens} tokens and the model {n_known}; "
            "expected no more than the model knows. Take the tokenizer that it was trained with."
        )


def find_end_tokens(declared: Any, tokenizer: Any, name: str) -> frozenset[int]:
    """Every token that ends a text: those of the generation config and tokenizer, else BERT's [SEP].

    Args:
        declared: `eos_token_id` of the generation config: a token, a list, or None.
        tokenizer: Of the model.
        name: What the model is called in an error.
    """
    ends = set(declared if isinstance(declared, list) else [declared])
    ends.add(tokenizer.eos_token_id)
    ends.discard(None)
    if not ends and tokenizer.sep_token_id is not None:
        ends.add(tokenizer.sep_token_id)
    if not ends:
        raise ValueError(
            f"generator {name} has no end-of-text token; expected eos_token_id in its generation config "
            "or an eos_token in its tokenizer. Without one its texts never end."
        )
    return frozenset(ends)


def context_length(model: Any) -> int:
    """Tokens of prompt and text together that the model can take; a sliding window counts as the end."""
    config = model.config.get_text_config()
    lengths = [getattr(config, name, None) for name in ("max_position_embeddings", "sliding_window")]
    return min((length for length in lengths if length), default=1 << 20)


def _limits(config: GeneratorConfig, model: Any, tokenizer: Any, end_tokens: frozenset[int]) -> Limits:
    return Limits(
        max_new_tokens=config.max_new_tokens,
        batch_size=config.batch_size or DEFAULT_BATCH,
        end_tokens=end_tokens,
        suppress_tokens=suppressed_tokens(model, tokenizer, end_tokens),
        begin_suppress_tokens=begin_suppressed_tokens(config.begin_suppress_words, model, tokenizer),
        controls=Controls(config.temperature or 1.0, config.top_p, config.top_k, config.min_p or 0.0),
        repetition_penalty=config.repetition_penalty,
        guidance_scale=config.guidance_scale or 1.0,
    )


def suppressed_tokens(model: Any, tokenizer: Any, end_tokens: frozenset[int]) -> torch.Tensor:
    """Padding, marks of structure and places that the tokenizer does not know, (tokens,), int64."""
    n_known = model.get_output_embeddings().weight.shape[0]
    ids = marks(tokenizer) - end_tokens | set(range(len(tokenizer), n_known))
    return torch.tensor(sorted(ids), device=model.device)


def marks(tokenizer: Any) -> set[int]:
    """Tokens of padding and structure."""
    kinds = ("pad", "bos", "cls", "sep", "mask", "unk")
    return {getattr(tokenizer, f"{kind}_token_id") for kind in kinds} - {None}


def begin_suppressed_tokens(openings: Sequence[str], model: Any, tokenizer: Any) -> torch.Tensor:
    """First tokens of words as they may stand at the beginning of a text, (tokens,), int64.

    With and without a space before, as written, in lower case and with a capital.
    """
    spellings = {
        f"{space}{word}" for w in openings for word in (w, w.lower(), w.capitalize()) for space in ("", " ")
    }
    firsts = {tuple(tokenizer(word, add_special_tokens=False)["input_ids"][:1]) for word in spellings}
    return torch.tensor(sorted(token for first in firsts for token in first), device=model.device).long()
