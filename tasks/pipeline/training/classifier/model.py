"""The classifier: an encoder, the mean of its token vectors, one linear layer; for scales a second head.

The mean, because MiniLM and its kin were trained that way: their [CLS] pooler is untrained, and
`AutoModelForSequenceClassification` would use it.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import nn
from tqdm import tqdm
from transformers import AutoConfig, AutoModel, AutoTokenizer

from tasks.models.batching import length_buckets
from tasks.models.bundled import MINILM, minilm_folder
from tasks.pipeline.training.classifier import modeling_sentimill
from tasks.pipeline.training.classifier.modeling_sentimill import (
    OrdinalHead,
    SentimillConfig,
    SentimillForSequenceClassification,
    mean_vector,
    without_pooler,
)

SETTINGS = "sentimill.json"
CODE = "modeling_sentimill"
"""Module beside the weights."""
PUBLISHED = ("thresholds", "unsure_below", "none_below", "calibration", "recalibration")
"""Settings that `config.json` repeats for users of transformers."""


class Classifier(nn.Module):
    """Encoder and heads.

    Attributes:
        encoder: Transformer with `last_hidden_state` (batch, tokens, hidden).
        head: Linear layer to one logit per label.
        scale: Head that indices a text on an ordinal taxonomy, or None.
    """

    def __init__(self, encoder: nn.Module, n_labels: int, ordinal: bool = False) -> None:
        super().__init__()
        self.encoder = encoder
        hidden = int(encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]
        self.head = nn.Linear(hidden, n_labels)
        self.scale = OrdinalHead(hidden, n_labels) if ordinal else None
        self.dropout = nn.Dropout(0.1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Logits of token ids and mask, int64 (batch, tokens).

        Returns:
            float (batch, labels); with a scale head (batch, labels + levels - 1), see `OrdinalHead`.
        """
        kept = self.dropout(self.vectors(input_ids, attention_mask))
        logits: torch.Tensor = self.head(kept)
        return torch.cat([logits, self.scale(kept)], 1) if self.scale else logits

    def vectors(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """What the heads are given of each text: float (batch, hidden)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return mean_vector(hidden, attention_mask)

    def merge_adapters(self) -> None:
        """Fold LoRA's adapters, if there are any, into the encoder's own weights."""
        merge = getattr(self.encoder, "merge_and_unload", None)  # of a PEFT model alone
        if merge is not None:
            self.encoder = merge()

    @torch.no_grad()
    def calibrate(self, slope: np.ndarray, intercept: np.ndarray) -> None:
        """Make every logit z into slope * z + intercept, one pair per label, for good: (labels,) each.

        Folded into the head, calibration goes wherever the weights go, to every runtime alike.
        """
        slopes, intercepts = (torch.from_numpy(a).to(self.head.bias) for a in (slope, intercept))
        self.head.weight.mul_(slopes.unsqueeze(1))
        self.head.bias.mul_(slopes).add_(intercepts)


def room_of(model: Classifier, tokenizer: Any) -> int:
    """Tokens of the longest text that the encoder takes."""
    positions = getattr(model.encoder.config, "max_position_embeddings", None)
    return min(int(n) for n in (positions, tokenizer.model_max_length) if n)


def count_cut(tokenizer: Any, texts: Sequence[str], max_length: int) -> int:
    """Texts that are longer than `max_length` and so are read in part."""
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"] if texts else []
    full = [text for text, ids in zip(texts, encoded, strict=True) if len(ids) == max_length]
    return sum(len(ids) > max_length for ids in (tokenizer(full)["input_ids"] if full else []))


class Prediction(NamedTuple):
    """What the classifier says about n texts."""

    probabilities: np.ndarray
    """float32 (n, n_labels), 0..1."""
    levels: np.ndarray | None
    """int (n,), 1..n_labels, from the scale head; None without one."""


def new_classifier(
    base: str, revision: str | None, n_labels: int, ordinal: bool = False, lora_rank: int = 0
) -> tuple[Classifier, Any]:
    """Encoder with pretrained weights under fresh heads, and its tokenizer.

    Args:
        base: all-MiniLM-L6-v2 (ships through pip), a folder, or a hub name.
        revision: Hub revision.
        n_labels: Labels of the taxonomy.
        ordinal: Whether the labels are a scale and get a head for it.
        lora_rank: Rank of adapters that are trained in index of the encoder's weights; 0 for none.

    Raises:
        ValueError: if the folder holds a finished classifier, whose weights have other names.
    """
    source = minilm_folder() if base == MINILM else base
    _require_encoder(Path(source))
    # A model's positions and types stay as they are; MiniLM's unused pooler is not loaded.
    encoder = without_pooler(AutoModel.from_pretrained(source, revision=revision, dtype=torch.float32))
    if lora_rank:
        # Imported here: a service, which only loads models, would wait for it for seconds.
        from peft import LoraConfig, get_peft_model

        # Hu et al. 2021, "LoRA"; alpha twice the rank, as is common.
        adapters = LoraConfig(r=lora_rank, lora_alpha=2 * lora_rank, target_modules="all-linear")
        encoder = get_peft_model(encoder, adapters)
    return Classifier(encoder, n_labels, ordinal), AutoTokenizer.from_pretrained(source, revision=revision)


def _require_encoder(folder: Path) -> None:
    """Refuse a classifier of ours: loaded as an encoder it would start from random weights without a word."""
    if (folder / SETTINGS).is_file():
        settings = load_settings(folder)
        name = settings.get("taxonomy", {}).get("name", "?")
        raise ValueError(
            f"training.base is {folder}, a finished classifier of taxonomy {name} with "
            f"{len(settings['labels'])} labels; expected an encoder without a head. Give the encoder that it "
            f"was trained from ({settings.get('base', '?')}) or another."
        )


def save_classifier(model: Classifier, tokenizer: Any, settings: dict[str, Any], folder: Path) -> None:
    """Write weights (safetensors), tokenizer and settings (labels, thresholds ...).

    transformers alone loads the folder too: `modeling_sentimill.py` and what it needs are beside the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _published_config(model, settings).save_pretrained(folder)
    shutil.copy(modeling_sentimill.__file__, folder)
    save_model(model, str(folder / "model.safetensors"), {"format": "pt"})
    # What cuts a text in transformers is the tokenizer's own limit.
    longest = room_of(model, tokenizer)
    tokenizer.model_max_length = min(settings.get("max_length", longest), longest)
    tokenizer.save_pretrained(folder)
    (folder / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n")


def _published_config(model: Classifier, settings: dict[str, Any]) -> SentimillConfig:
    """What transformers must know; labels, thresholds and calibration as in the settings."""
    names = dict(enumerate(settings["labels"]))
    return SentimillConfig(
        encoder_config=model.encoder.config.to_dict(),  # type: ignore[union-attr, operator]
        ordinal=model.scale is not None,
        architectures=[SentimillForSequenceClassification.__name__],
        auto_map={
            "AutoConfig": f"{CODE}.{SentimillConfig.__name__}",
            "AutoModelForSequenceClassification": f"{CODE}.{SentimillForSequenceClassification.__name__}",
        },
        id2label=names,
        label2id={name: index for index, name in names.items()},
        problem_type="multi_label_classification",
        dtype="float32",
        **{name: settings[name] for name in PUBLISHED if name in settings},
    )


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
    config = _encoder_config(folder)
    encoder = without_pooler(AutoModel.from_config(config))
    model = Classifier(encoder, len(settings["labels"]), settings.get("ordinal", False))
    load_model(model, folder / "model.safetensors")
    # With the configuration at hand, transformers need not ask whether it may run the code in the folder.
    return model.eval(), AutoTokenizer.from_pretrained(folder, config=config), settings


def _encoder_config(folder: Path) -> Any:
    config = json.loads((folder / "config.json").read_text())
    # Folders of the first versions hold the encoder's configuration alone.
    return AutoConfig.for_model(**config.get("encoder_config", config))


def batches_of(
    model: Classifier, tokenizer: Any, texts: Sequence[str], max_length: int, title: str = ""
) -> Iterator[tuple[list[int], Any]]:
    """Texts of like length, by their places, as inputs of the model, which is set to evaluate them."""
    device = next(model.parameters()).device
    model.eval()
    longest = min(max_length, room_of(model, tokenizer))
    encoded = tokenizer(list(texts), truncation=True, max_length=longest)["input_ids"]
    batches = length_buckets([len(ids) for ids in encoded], 0, max_rows=64)
    for batch in tqdm(batches, desc=title, unit="batch", leave=False, disable=not title):
        yield batch, tokenizer.pad({"input_ids": [encoded[i] for i in batch]}, return_tensors="pt").to(device)


def predict(
    model: Classifier, tokenizer: Any, texts: Sequence[str], max_length: int, title: str = ""
) -> np.ndarray:
    """Probability of every label for every text: float32 array (n_texts, n_labels), 0..1."""
    return predict_levels(model, tokenizer, texts, max_length, title).probabilities


@torch.inference_mode()
def predict_levels(
    model: Classifier, tokenizer: Any, texts: Sequence[str], max_length: int, title: str = ""
) -> Prediction:
    """Probability of every label, and the index on the scale, of every text, length-sorted in batches."""
    n_labels = model.head.out_features
    out = np.zeros((len(texts), n_labels + (n_labels - 1 if model.scale else 0)), dtype=np.float32)
    for batch, inputs in batches_of(model, tokenizer, texts, max_length, title):
        logits = model(inputs["input_ids"], inputs["attention_mask"])
        out[batch] = torch.sigmoid(logits.float()).cpu().numpy()
    # The median of the levels: the one that P(level > k) falls below a half at.
    levels = 1 + (out[:, n_labels:] > 0.5).sum(axis=1) if model.scale else None
    return Prediction(out[:, :n_labels], levels)
