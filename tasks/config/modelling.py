"""Mixing, splits, training, evaluation and fairness."""

from enum import StrEnum

from pydantic import Field

from tasks.config.base import Config, Fraction, Precision
from tasks.config.rivals import RivalKind


class Loss(StrEnum):
    """What training minimises; all leave unknown targets out."""

    bce = "bce"
    balanced = "balanced"
    focal = "focal"
    asymmetric = "asymmetric"


class MixingConfig(Config, title="Mixing"):
    """How real and synthetic rows are mixed for training."""

    real_fraction: Fraction = Field(0.0, title="Real fraction")
    """Fraction of the training rows that is real: 0 trains on synthetic text alone, 1 on real text alone."""
    max_real_rows: int | None = Field(None, ge=1, title="Most real rows")
    """Upper bound on the number of real rows; empty means no bound."""
    top_up: int | None = Field(None, ge=1, le=1_000_000, title="Rare-label top-up")
    """Synthetic rows join only labels with fewer real training rows than this, up to it; empty: all join."""
    max_synthetic_fraction: float = Field(1.0, gt=0.0, le=1.0, title="Largest synthetic fraction")
    """Largest fraction of synthetic rows among a label's training rows."""
    importance_weighting: bool = Field(False, title="Importance weighting")
    """Give synthetic rows that resemble the real ones a larger weight in the loss."""
    max_real_weight: float = Field(10.0, ge=1.0, le=1_000.0, title="Largest weight of a real row")
    """Few real rows weigh as much in the loss as the synthetic ones together, but each at most this; 1 weighs
    all rows alike."""


class SplitConfig(Config, title="Split"):
    """How the accepted rows are divided."""

    validation: float = Field(0.1, gt=0.0, lt=0.5, title="Validation fraction")
    """Fraction of the rows that choose thresholds and stop training."""
    test: float = Field(0.1, gt=0.0, lt=0.5, title="Test fraction")
    """Fraction of the rows held out for the synthetic test."""


class TrainingConfig(Config, title="Training"):
    """The classifier."""

    base: str | None = Field(None, title="Encoder")
    """Folder or hub name of an encoder; empty means the profile's."""
    revision: str | None = Field(None, title="Revision")
    """Hub revision (commit, tag or branch)."""
    epochs: int | None = Field(None, ge=1, le=1_000, title="Epochs")
    """Passes over the training rows at most; empty: 3 where all of them are synthetic, 6 where human-written
    ones are among them."""
    early_stopping_patience: int = Field(2, ge=1, le=1_000, title="Early-stopping patience")
    """Epochs without a better validation average precision after which training stops."""
    batch_size: int = Field(32, ge=1, le=4_096, title="Batch size")
    """Rows per step."""
    learning_rate: float = Field(1e-4, gt=0.0, le=1.0, title="Learning rate")
    """Peak learning rate of the encoder."""
    head_learning_rate: float = Field(1e-3, gt=0.0, le=1.0, title="Head learning rate")
    """Peak learning rate of the linear head."""
    warmup_ratio: Fraction = Field(0.1, title="Warm-up ratio")
    """Fraction of the steps over which the learning rate rises."""
    weight_decay: float = Field(0.01, ge=0.0, le=1.0, title="Weight decay")
    """AdamW weight decay."""
    max_grad_norm: float = Field(1.0, gt=0.0, title="Gradient clip")
    """Largest gradient norm."""
    max_length: int = Field(128, ge=8, le=8_192, title="Maximum length")
    """Tokens per text; longer texts are truncated, and counted."""
    precision: Precision = Field(Precision.auto, title="Precision")
    """Arithmetic of the forward pass."""
    loss: Loss = Field(Loss.bce, title="Loss")
    """Binary cross-entropy; the same with rare labels weighted up (balanced); focal; asymmetric."""
    layerwise_lr_decay: float = Field(1.0, gt=0.0, le=1.0, title="Layerwise learning-rate decay")
    """Learning rate of each encoder layer as a fraction of the layer above it; 1 gives all the same rate."""
    ema_decay: float = Field(0.0, ge=0.0, lt=1.0, title="EMA decay")
    """Decay of the exponential moving average of the weights, which is saved; 0 saves the last weights."""
    pretrained_share: Fraction | None = Field(None, title="Pretrained share")
    """Share of the weights before training that is mixed back into those after it; empty: a quarter where all
    training rows are synthetic, none where human-written ones are among them."""
    gradient_accumulation_steps: int = Field(1, ge=1, le=1_024, title="Gradient accumulation steps")
    """Batches whose gradients are added up before an optimizer step."""
    ordinal: bool = Field(False, title="Ordinal head")
    """For ordinal taxonomies: train a second head that predicts the level."""
    lora_rank: int = Field(0, ge=0, le=1_024, title="LoRA rank")
    """Rank of low-rank adapters on the encoder, merged after training; 0 tunes all weights."""
    allow_missing_labels: bool = Field(False, title="Allow missing labels")
    """Allow labels without training examples (they are never predicted). By default this is an error."""


class EvaluationConfig(Config, title="Evaluation"):
    """How the classifier is measured."""

    min_positives: int = Field(20, ge=1, le=100_000, title="Positives for a label threshold")
    """The threshold of a label with fewer validation positives is shrunk towards the pooled threshold."""
    abstain: Fraction = Field(0.0, title="Abstain")
    """Fraction of texts, those with the lowest confidence on validation, for which the classifier abstains so
    that a person can label them; 0 never abstains."""
    bound_confidence: float = Field(0.95, gt=0.5, lt=1.0, title="Confidence of the error bound")
    """With `abstain`: confidence of the upper bound on the error rate of the texts that are not unsure."""
    out_of_scope_texts: int = Field(0, ge=0, le=10_000, title="Out-of-scope texts")
    """Texts on other matters that the generator writes to see how many the classifier leaves without a label
    or marks as unsure; 0 skips this."""
    rivals: tuple[RivalKind, ...] = Field((), title="Rivals")
    """What one would take instead, measured beside the classifier: `generator` (zero-shot, by likelihood),
    `nli`, `reranker`, `gliner`, `llm`, `setfit` (few human-labelled rows). Majority, TF-IDF, zero-shot by
    embedding and logistic regression on embeddings are always measured."""


class FairnessConfig(Config, title="Fairness"):
    """Fairness audit of the classifier as deployed; every axis must stay within the limits by itself."""

    enabled: bool = Field(False, title="Audit fairness")
    """Compare predictions on pairs of sentences that differ only in whom they are about, correct a classifier
    that exceeds a limit, and let none that still exceeds one become champion."""
    pairs: int = Field(8_000, ge=1, le=1_000_000, title="Pairs")
    """Pairs at least, in whole sentences; more than there are (about 21,000) means all."""
    max_name_mean: float = Field(0.005, gt=0.0, le=1.0, title="Limit: change with a name")
    """Mean absolute change of a label's probability when only a name changes."""
    max_name_flips: float = Field(0.005, gt=0.0, le=1.0, title="Limit: flips with a name")
    """Fraction of name pairs that are given different label sets."""
    max_mean: float = Field(0.01, gt=0.0, le=1.0, title="Limit: change with a group")
    """The same change on every other axis."""
    max_flips: float = Field(0.01, gt=0.0, le=1.0, title="Limit: flips with a group")
    """The same flips on every other axis."""
    max_gap: float = Field(0.03, gt=0.0, le=1.0, title="Limit: gap of a group")
    """Mean difference of a label's probability between one group and the others of its axis."""
    max_country_spread: float = Field(0.05, gt=0.0, le=1.0, title="Limit: spread over countries")
    """Highest minus lowest mean probability of a label when only the country changes."""
    corrections: int = Field(2, ge=0, le=2, title="Corrections")
    """Retrainings with counterfactual rows and logit pairing, at most, while a limit is exceeded."""
    augmentation: Fraction = Field(0.5, title="Counterfactual fraction")
    """Counterfactual rows of a first correction, as a fraction of the training rows; a second doubles
    them."""
    pairing: float = Field(0.25, gt=0.0, le=1_000.0, title="Pairing weight")
    """Weight of the logit pairing loss in a first correction; a second takes four times that."""
    generator_texts: int = Field(4, ge=0, le=10_000, title="Texts per group")
    """Texts that the generator writes about every group without a requested label; 0 skips this."""
