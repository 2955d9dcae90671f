"""Rows and tiny models that several test files build."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from tasks.data.records import Row

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARKS = (".", ",", ":", "|", "!", "?", "'")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (
    "any anger joy neutral positive negative very somewhat short medium long comment review "
    "the a we it was were is today again with about my this and but not so really quite "
    "happy glad lovely great fine sad awful bad gloomy dull train bridge garden kitchen soup phone "
    "doctor teacher river window morning evening meeting market lesson story flight hotel battery "
    "opened closed waited worked walked cooked read found lost gave took liked missed "
    "slowly quickly early late together alone outside inside somehow finally nearly"
).split()
VOCABULARY = list(dict.fromkeys([*SPECIAL, *MARKS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS]))
"""Tokens of the tiny models: marks, letters at the start of a word and inside it, and a hundred words."""
MEAN_WORDS = 9
LAYER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def make_row(
    text: str = "We liked the soup.",
    labels: Sequence[str] = ("joy",),
    targets: Sequence[float] = (1.0, 0.0),
    **columns: Any,
) -> Row:
    """Build a row; every column can be given.

    Raises:
        TypeError: A column is given that rows do not have.
    """
    row: Row = {
        "id": "r1",
        "text": text,
        "labels": list(labels),
        "level": None,
        "targets": list(targets),
        "weight": 1.0,
        "topic": "food",
        "scenario": "A dinner.",
        "style": "review",
        "prompt_id": "",
        "prompt": "joy | food :",
        "generator": "g",
        "revision": "",
        "seed": 3,
        "round": 1,
        "source": "synthetic",
        "votes": {},
        "scrubbed": {},
        "group": "",
        "split": "train",
        "segments": [],
    }
    if unknown := set(columns) - set(row):
        raise TypeError(f"rows have no column {', '.join(sorted(unknown))}")
    return cast(Row, {**row, **columns})


def save_tiny_encoder(folder: Path) -> None:
    """Save a BERT encoder with one layer of width 16 and random weights, and its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(VOCABULARY), max_position_embeddings=64, initializer_range=0.3, **LAYER
    )
    BertModel(config).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)


def save_tiny_generator(folder: Path) -> None:
    """Save a decoder that writes random words: all equally likely, an end after every nine or so."""
    import torch
    from transformers import BertConfig, BertLMHeadModel

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        max_position_embeddings=256,
        is_decoder=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.sep_token_id,
        **LAYER,
    )
    model = BertLMHeadModel(config)
    words = [i for i, token in enumerate(VOCABULARY) if len(token) > 1 and token.isalpha()]
    bias = torch.full((len(VOCABULARY),), -30.0)
    bias[words] = 0.0
    bias[tokenizer.sep_token_id] = math.log(len(words) / MEAN_WORDS)
    with torch.no_grad():
        model.cls.predictions.bias.copy_(bias)
        model.get_output_embeddings().bias.copy_(bias)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def generator_settings(folder: Path) -> dict[str, Any]:
    """Section `generator` of a run that samples from the tiny generator."""
    return {
        "model": str(folder),
        "prompt_form": "plain",
        "max_new_tokens": 24,
        "batch_size": 16,
        "temperature": 1.0,
        "min_p": 0.0,
        "guidance_scale": 1.0,
    }


def _tokenizer() -> Any:
    from transformers import BertTokenizer

    return BertTokenizer(vocab={token: i for i, token in enumerate(VOCABULARY)}, do_lower_case=True)
