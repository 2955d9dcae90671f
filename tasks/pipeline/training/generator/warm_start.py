"""A small causal decoder started from MiniLM's weights, over the part of its vocabulary that is in use."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken
from transformers import AutoModel, AutoTokenizer, BertConfig, BertLMHeadModel, BertTokenizer
from transformers.modeling_utils import PreTrainedModel

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PLACEHOLDERS = ("[NAME]", "[RELIGION]")


def small_decoder(
    encoder: Path, texts: list[str], prompts: Iterable[str], emoji: list[str], max_tokens: int = 128
) -> tuple[PreTrainedModel, Any]:
    """Make a decoder and its tokenizer from an encoder, dropping tokens that no text uses twice.

    Dropping them halves the output layer, which costs as much as the six transformer layers do. Single
    characters stay, so every word can still be spelt.

    Args:
        encoder: Folder of a BERT encoder with a WordPiece vocabulary.
        texts: Texts that decide which tokens stay.
        prompts: Control words; all their tokens stay.
        emoji: Characters added to the vocabulary, which MiniLM does not know.
        max_tokens: Longest prompt and text together.
    """
    old = AutoTokenizer.from_pretrained(encoder)
    kept = _kept_tokens(old, texts, prompts)
    tokenizer = _tokenizer(kept, emoji, max_tokens)
    source = AutoModel.from_pretrained(encoder)
    config = BertConfig(
        **{
            **source.config.to_diff_dict(),
            "vocab_size": len(tokenizer),
            "max_position_embeddings": max_tokens,
            "is_decoder": True,
            "use_cache": True,
            "tie_word_embeddings": True,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.cls_token_id,
            "eos_token_id": tokenizer.sep_token_id,
            "sentimill_restore_case": True,
        }
    )
    model = BertLMHeadModel(config)
    _copy_weights(model, source, [old.convert_tokens_to_ids(token) for token in kept])
    return model, tokenizer


def _kept_tokens(old: Any, texts: list[str], prompts: Iterable[str]) -> list[str]:
    counts: Counter[int] = Counter()
    for ids in old(texts, add_special_tokens=False)["input_ids"]:
        counts.update(ids)
    wanted = {token for token, count in counts.items() if count > 1}
    wanted |= {i for ids in old(list(prompts), add_special_tokens=False)["input_ids"] for i in ids}
    tokens = old.convert_ids_to_tokens(range(len(old)))
    latin = {i for i, t in enumerate(tokens) if len(t.removeprefix("##")) == 1 and ord(t[-1]) < 0x250}
    keep = sorted((wanted | latin) - set(old.all_special_ids))
    return [*SPECIAL, *(tokens[i] for i in keep)]


def _tokenizer(kept: list[str], emoji: list[str], max_tokens: int) -> Any:
    tokenizer = BertTokenizer(vocab={token: i for i, token in enumerate(kept)}, do_lower_case=True)
    tokenizer.model_max_length = max_tokens
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in PLACEHOLDERS])
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in emoji])
    tokenizer.bos_token, tokenizer.eos_token = "[CLS]", "[SEP]"
    return tokenizer


@torch.no_grad()
def _copy_weights(model: Any, source: Any, rows: list[int]) -> None:
    state = {k: v for k, v in source.state_dict().items() if not k.startswith(("pooler.", "embeddings."))}
    _, unexpected = model.bert.load_state_dict(state, strict=False)
    if unexpected:
        raise ValueError(f"encoder has weights {unexpected[:5]}; expected those of a BERT encoder.")
    target, origin = model.bert.embeddings, source.embeddings
    words = origin.word_embeddings.weight
    # Tokens that MiniLM does not know start as its [UNK], which sits amid the cloud.
    target.word_embeddings.weight[:] = words[rows[1]]
    target.word_embeddings.weight[: len(rows)] = words[rows]
    length = target.position_embeddings.weight.shape[0]
    target.position_embeddings.weight[:] = origin.position_embeddings.weight[:length]
    target.token_type_embeddings.load_state_dict(origin.token_type_embeddings.state_dict())
    target.LayerNorm.load_state_dict(origin.LayerNorm.state_dict())
    # The head has no counterpart in an encoder without masked-word training: near the identity.
    dense = model.cls.predictions.transform.dense
    dense.weight.copy_(torch.eye(dense.weight.shape[0]) + 0.01 * torch.randn_like(dense.weight))
    dense.bias.zero_()


def save_decoder(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write model (fp16 safetensors, half the size; loaded as fp32 on a CPU), tokenizer and SHA256SUMS."""
    model.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_sums(folder)


def write_sums(folder: Path) -> None:
    """Write `SHA256SUMS` over the files that a model is loaded from, as `sha256sum -c` reads it."""
    files = sorted(p for p in folder.iterdir() if p.suffix in {".json", ".safetensors", ".txt"})
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(lines))
