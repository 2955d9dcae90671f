"""A Sentimill classifier for transformers: an encoder, the mean of its token vectors, linear heads.

This file lies beside the weights of every classifier, where transformers finds it by `auto_map`. So it
imports nothing but torch and transformers. Calibration is part of the weights of the head: the sigmoid of
a logit is the calibrated probability.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import softplus
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.configuration_utils import PretrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput


class OrdinalHead(nn.Module):
    """Head of an ordinal taxonomy.

    Attributes:
        direction: Linear layer to the one number that orders texts.
        first: The lowest cut.
        gaps: Distances between neighbouring cuts, before softplus.
    """

    def __init__(self, hidden: int, n_levels: int) -> None:
        super().__init__()
        self.direction = nn.Linear(hidden, 1, bias=False)
        self.first = nn.Parameter(torch.tensor(-(n_levels - 2) / 2.0))
        self.gaps = nn.Parameter(torch.full((n_levels - 2,), 0.5413))  # softplus of this is 1

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Logits of P(level > k), float (batch, n_levels - 1) for k = 1 .., of vectors (batch, hidden)."""
        cuts = torch.cat([self.first[None], self.first + softplus(self.gaps).cumsum(0)])
        logits: torch.Tensor = self.direction(pooled) - cuts
        return logits


def mean_vector(hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Mean over the tokens that are no padding, (batch, hidden), of (batch, tokens, hidden)."""
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
    return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)


def without_pooler(encoder: Any) -> Any:
    """The same encoder; its untrained layer over the first token is removed, if it has one."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    return encoder


class SentimillConfig(PretrainedConfig):  # type: ignore[misc]
    """Configuration of the encoder, and whether there is a head for a scale.

    A type of its own: as a plain BERT, transformers would load it without this file and start the head from
    random weights.
    """

    model_type = "sentimill"
    has_no_defaults_at_init = True

    def __init__(
        self, encoder_config: dict[str, Any] | None = None, ordinal: bool = False, **kwargs: Any
    ) -> None:
        self.encoder_config = encoder_config or {}
        self.ordinal = ordinal
        super().__init__(**kwargs)


@dataclass
class SentimillOutput(SequenceClassifierOutput):  # type: ignore[misc]
    """Logits (batch, labels), and of a scale head the logits of P(level > k), (batch, labels - 1)."""

    level_logits: torch.FloatTensor | None = None


class SentimillForSequenceClassification(PreTrainedModel):  # type: ignore[misc]
    """The classifier as `AutoModelForSequenceClassification` loads it."""

    config_class = SentimillConfig
    base_model_prefix = "encoder"

    def __init__(self, config: SentimillConfig) -> None:
        super().__init__(config)
        encoder_config = AutoConfig.for_model(**config.encoder_config)
        self.encoder = without_pooler(AutoModel.from_config(encoder_config))
        self.head = nn.Linear(encoder_config.hidden_size, config.num_labels)
        self.scale = OrdinalHead(encoder_config.hidden_size, config.num_labels) if config.ordinal else None
        self.post_init()

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **kwargs: Any
    ) -> SentimillOutput:
        """Logits of token ids and mask, int64 (batch, tokens).

        Args:
            input_ids: Token ids.
            attention_mask: 1 where there is a token, 0 where there is padding; None where there is none.
            **kwargs: Ignored: a text is one segment, so `token_type_ids` say nothing.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = mean_vector(hidden, attention_mask)
        levels = self.scale(pooled) if self.scale is not None else None
        return SentimillOutput(logits=self.head(pooled), level_logits=levels)
