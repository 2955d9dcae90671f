"""Mixing, splits, training, evaluation and fairness."""

from enum import StrEnum

from pydantic import Field

from tasks.config.base import Config, Precision, Share


class Loss(StrEnum):
    """What training minimises; all leave unknown targets out."""

    bce = "bce"
    balanced = "balanced"
    focal = "focal"
    asymmetric = "asymmetric"


class MixingConfig(Config, title="Mixing"):
    """Which synthetic rows join real ones, and how much they count."""

    top_up: int | None = Field(None, ge=1, le=1_000_000, title="Rare-label top-up")
    """Synthetic rows join only labels with fewer real training rows than this, up to it; empty: all join."""
    synthetic_share: float = Field(1.0, gt=0.0, le=1.0, title="Largest synthetic share")
    """Share of synthetic rows among a label's training rows, at most."""
    weigh: bool = Field(False, title="Weigh synthetic rows")
    """Let synthetic rows that read like the real ones count more."""


class SplitConfig(Config, title="Split"):
    """How the accepted rows are divided."""

    validation: float = Field(0.1, gt=0.0, lt=0.5, title="Validation share")
    """Share of rows that choose thresholds and stop training."""
    test: float = Field(0.1, gt=0.0, lt=0.5, title="Test share")
    """Share of rows held out for the synthetic test."""


class TrainingConfig(Config, title="Training"):
    """The classifier."""

    base: str | None = Field(None, title="Encoder")
    """Folder or hub name of an encoder; empty means the profile's."""
    revision: str | None = Field(None, title="Revision")
    """Hub revision (commit, tag or branch)."""
    epochs: int = Field(6, ge=1, le=1_000, title="Epochs")
    """Passes over the training rows at most."""
    patience: int = Field(2, ge=1, le=1_000, title="Patience")
    """Epochs without a better validation average precision before training stops."""
    batch_size: int = Field(32, ge=1, le=4_096, title="Batch size")
    """Rows per step."""
    learning_rate: float = Field(1e-4, gt=0.0, le=1.0, title="Learning rate")
    """Peak learning rate of the encoder."""
    head_learning_rate: float = Field(1e-3, gt=0.0, le=1.0, title="Head learning rate")
    """Peak learning rate of the linear head."""
    warmup_share: Share = Field(0.1, title="Warm-up share")
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(0.01, ge=0.0, le=1.0, title="Weight decay")
    """AdamW weight decay."""
    max_grad_norm: float = Field(1.0, gt=0.0, title="Gradient clip")
    """Largest gradient norm."""
    max_tokens: int = Field(128, ge=8, le=8_192, title="Longest text")
    """Tokens per text; longer texts are cut and counted."""
    precision: Precision = Field(Precision.auto, title="Precision")
    """Arithmetic of the forward pass."""
    loss: Loss = Field(Loss.bce, title="Loss")
    """Binary cross-entropy; the same with rare labels weighted up (balanced); focal; asymmetric."""
    layer_decay: float = Field(1.0, gt=0.0, le=1.0, title="Layer decay")
    """Each encoder layer learns at this share of the rate of the layer above; 1 treats all alike."""
    average: float = Field(0.0, ge=0.0, lt=1.0, title="Weight averaging")
    """Decay of the moving average of the weights, which is what is kept; 0 keeps the last weights."""
    accumulate: int = Field(1, ge=1, le=1_024, title="Gradient accumulation")
    """Batches whose gradients are added up before a step."""
    ordinal: bool = Field(False, title="Scale head")
    """For taxonomies with an order: a second head that places each text on the scale."""
    lora_rank: int = Field(0, ge=0, le=1_024, title="LoRA rank")
    """Rank of low-rank adapters on the encoder, merged after training; 0 tunes all weights."""
    unseen_labels: bool = Field(False, title="Labels without rows")
    """Go on where no training row carries a label, which is then never given; else that is an error."""


class EvaluationConfig(Config, title="Evaluation"):
    """How the classifier is measured."""

    min_positives: int = Field(20, ge=1, le=100_000, title="Positives for a threshold of its own")
    """Labels with fewer validation positives have their threshold shrunk towards the pooled one."""
    abstain: Share = Field(0.0, title="Abstain")
    """Share of texts, those with the least confidence on validation, on which the classifier calls itself
    unsure, for a person to look at; 0 never does."""


class FairnessConfig(Config, title="Fairness"):
    """Whether the classifier treats people alike as deployed; every axis keeps the limits by itself."""

    enabled: bool = Field(False, title="Audit fairness")
    """Ask the classifier about pairs of sentences that differ in nothing but whom they are about, correct it
    where it passes a limit, and let none that still does become champion."""
    pairs: int = Field(8_000, ge=1, le=1_000_000, title="Pairs")
    """Pairs at least, in whole sentences; more than there are (about 21,000) means all."""
    max_name_mean: float = Field(0.005, gt=0.0, le=1.0, title="Limit: change with a name")
    """Mean absolute change of a label's probability when only a name changes."""
    max_name_flips: float = Field(0.005, gt=0.0, le=1.0, title="Limit: flips with a name")
    """Share of pairs of names that are given different label sets."""
    max_mean: float = Field(0.01, gt=0.0, le=1.0, title="Limit: change with a group")
    """The same change on every other axis."""
    max_flips: float = Field(0.01, gt=0.0, le=1.0, title="Limit: flips with a group")
    """The same flips on every other axis."""
    max_gap: float = Field(0.03, gt=0.0, le=1.0, title="Limit: gap of a group")
    """Mean difference of a label's probability between one group and the others of its axis."""
    max_country_spread: float = Field(0.05, gt=0.0, le=1.0, title="Limit: spread over countries")
    """Highest less lowest mean probability of a label when only the country changes."""
    corrections: int = Field(2, ge=0, le=2, title="Corrections")
    """Retrainings with counterfactual rows and logit pairing while a limit is passed."""
    augmentation: Share = Field(0.5, title="Counterfactual share")
    """Counterfactual rows of a first correction, as a share of the training rows; a second doubles them."""
    pairing: float = Field(0.25, gt=0.0, le=1_000.0, title="Pairing weight")
    """Weight of the logit pairing loss in a first correction; a second takes four times that."""
    generator_texts: int = Field(4, ge=0, le=10_000, title="Texts per group")
    """Texts that the generator is asked for about every group, with its labels left open; 0 asks for none."""
