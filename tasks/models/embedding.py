"""Texts as vectors by all-MiniLM-L6-v2, which comes with pip and needs no network."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from tqdm import tqdm

from tasks.models.bundled import minilm_folder
from tasks.models.own_thread import in_own_thread

BATCH = 64
WIDTH = 384
MAX_LENGTH = 128
"""Tokens of a text that its layers are made of."""
UPPER_LAYERS = slice(2, None)
"""Hidden states 2 to 6 of 0 (the word embeddings) to 6."""
MAX_BYTES = 300_000_000
"""Vectors of one kind that are kept."""
_embedded: dict[str, np.ndarray] = {}
_layered: dict[str, np.ndarray] = {}


@cache
def _model() -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(minilm_folder()))


def embed(texts: Sequence[str], title: str = "") -> np.ndarray:
    """Embed texts, with a progress bar under a title.

    Returns:
        float32 array (n_texts, 384) of unit length.
    """
    return _looked_up(texts, title, _embedded, _encode, (WIDTH,), np.float32)


def encode(texts: Sequence[str]) -> np.ndarray:
    """Embed texts as `embed` does, each of them now, so that the time it takes can be measured."""
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    vectors = np.zeros((len(texts), WIDTH), np.float32)
    for start in range(0, len(texts), BATCH):
        batch = order[start : start + BATCH]
        vectors[batch] = _encode([texts[i] for i in batch])
    return vectors


def encoder_megabytes() -> float:
    """Size of the encoder's weights in memory, in 10^6 bytes."""
    return float(sum(p.numel() * p.element_size() for p in _model().parameters())) / 1e6


def embed_layers(texts: Sequence[str], title: str = "") -> np.ndarray:
    """Means of the token vectors after each upper layer, side by side: what the last one blurs, too.

    Returns:
        float32 array (n_texts, 5 * 384).
    """
    return _looked_up(texts, title, _layered, _encode_layers, (5 * WIDTH,), np.float16).astype(np.float32)


@in_own_thread
def _looked_up(
    texts: Sequence[str],
    title: str,
    known: dict[str, np.ndarray],
    encode: Callable[[list[str]], np.ndarray],
    shape: tuple[int, ...],
    dtype: type,
) -> np.ndarray:
    """Vectors of texts; they stay in memory, for every round judges the rows of all rounds before it."""
    if known and len(known) * next(iter(known.values())).nbytes > MAX_BYTES:
        known.clear()
    new = sorted({text for text in texts if text not in known}, key=lambda text: (-len(text), text))
    batches = range(0, len(new), BATCH)
    for start in tqdm(batches, desc=title, unit="batch", leave=False, disable=not (title and new)):
        batch = new[start : start + BATCH]
        known.update(zip(batch, encode(batch), strict=True))
    return np.stack([known[text] for text in texts]) if texts else np.zeros((0, *shape), dtype)


def _encode(batch: list[str]) -> np.ndarray:
    import torch

    with torch.inference_mode():
        vectors = _model().encode(batch, batch_size=len(batch), show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float32)


def _encode_layers(batch: list[str]) -> np.ndarray:
    import torch

    encoder, tokenizer = _model()[0].auto_model, _model().tokenizer
    inputs = tokenizer(batch, padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
    with torch.inference_mode():
        states = encoder(**inputs.to(encoder.device), output_hidden_states=True).hidden_states
    counts = inputs["attention_mask"][:, :, None]
    means = [(state * counts).sum(dim=1) / counts.sum(dim=1) for state in states[UPPER_LAYERS]]
    return np.asarray(torch.cat(means, dim=1).cpu(), dtype=np.float16)
