"""The classifier: an encoder, the mean of its token vectors, one linear layer.

The mean, because MiniLM and its kin were trained that way: their [CLS] pooler is untrained, and
`AutoModelForSequenceClassification` would use it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import nn
from tqdm import tqdm
from transformers import AutoConfig, AutoModel, AutoTokenizer

from tasks.embedding import MINILM, minilm_folder
from tasks.fitting import length_buckets

SETTINGS = "sentimill.json"


class Classifier(nn.Module):
    """Encoder and linear head.

    Attributes:
        encoder: Transformer with `last_hidden_state` (batch, tokens, hidden).
        head: Linear layer to one logit per label.
    """

    def __init__(self, encoder: nn.Module, n_labels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(int(encoder.config.hidden_size), n_labels)  # type: ignore[union-attr, arg-type]
        self.dropout = nn.Dropout(0.1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits, float (batch, labels), of token ids and mask, int64 (batch, tokens)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)  # (batch, hidden)
        logits: torch.Tensor = self.head(self.dropout(mean))
        return logits


def new_classifier(base: str, revision: str | None, n_labels: int) -> tuple[Classifier, Any]:
    """Encoder with pretrained weights under a fresh head, and its tokenizer.

    Args:
        base: all-MiniLM-L6-v2 (ships through pip), a folder, or a hub name.
        revision: Hub revision.
        n_labels: Labels of the taxonomy.
    """
    source = minilm_folder() if base == MINILM else base
    # A model's positions and types stay as they are; MiniLM's unused pooler is not loaded.
    encoder = AutoModel.from_pretrained(source, revision=revision, dtype=torch.float32)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return Classifier(encoder, n_labels), AutoTokenizer.from_pretrained(source, revision=revision)


def save_classifier(model: Classifier, tokenizer: Any, settings: dict[str, Any], folder: Path) -> None:
    """Write weights (safetensors), tokenizer and settings (labels, thresholds ...)."""
    folder.mkdir(parents=True, exist_ok=True)
    model.encoder.config.save_pretrained(folder)  # type: ignore[union-attr, operator]
    save_model(model, str(folder / "model.safetensors"))
    tokenizer.save_pretrained(folder)
    (folder / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n")


def load_settings(folder: Path) -> dict[str, Any]:
    """Labels, thresholds, taxonomy, scrubber version and the like of a saved classifier.

    Raises:
        FileNotFoundError: if the folder holds no Sentimill model.
    """
    if not (folder / SETTINGS).is_file():
        raise FileNotFoundError(
            f"{folder} has no {SETTINGS}; expected a model folder that a run wrote. Give runs/<run>/model."
        )
    settings: dict[str, Any] = json.loads((folder / SETTINGS).read_text())
    return settings


def load_classifier(folder: Path) -> tuple[Classifier, Any, dict[str, Any]]:
    """Read what `save_classifier` wrote: model in evaluation mode, tokenizer, settings.

    Raises:
        FileNotFoundError: if the folder holds no Sentimill model.
    """
    settings = load_settings(folder)
    encoder = AutoModel.from_config(AutoConfig.from_pretrained(folder))
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    model = Classifier(encoder, len(settings["labels"]))
    load_model(model, folder / "model.safetensors")
    return model.eval(), AutoTokenizer.from_pretrained(folder), settings


@torch.inference_mode()
def predict(
    model: Classifier, tokenizer: Any, texts: Sequence[str], max_tokens: int, title: str = ""
) -> np.ndarray:
    """Probability of every label for every text, length-sorted in batches.

    Returns:
        float32 array (n_texts, n_labels), 0..1.
    """
    device = next(model.parameters()).device
    model.eval()
    encoded = tokenizer(list(texts), truncation=True, max_length=max_tokens)["input_ids"]
    out = np.zeros((len(texts), model.head.out_features), dtype=np.float32)
    batches = length_buckets([len(ids) for ids in encoded], 0, max_rows=64)
    for batch in tqdm(batches, desc=title, unit="batch", leave=False, disable=not title):
        inputs = tokenizer.pad({"input_ids": [encoded[i] for i in batch]}, return_tensors="pt").to(device)
        logits = model(inputs["input_ids"], inputs["attention_mask"])
        out[batch] = torch.sigmoid(logits.float()).cpu().numpy()
    return out
