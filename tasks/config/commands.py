"""What the other commands add to a run."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from tasks.config.base import Config, Fraction, Precision
from tasks.config.generation import EMBEDDED_SYSTEM_PROMPT
from tasks.config.modelling import FairnessConfig
from tasks.config.real import RealConfig, or_path
from tasks.config.run import RunConfig


class AuditConfig(Config, title="Audit"):
    """Everything that an audit of the champion needs."""

    taxonomy: str = Field("sentiment7", title="Taxonomy")
    """Name of the taxonomy whose champion is measured again."""
    real: RealConfig | None = Field(None, title="Real data", json_schema_extra=or_path)
    """Human-written, human-labelled text to measure on; empty means the synthetic test texts of the
    champion."""
    max_drop: Fraction = Field(0.05, title="Largest drop")
    """How far macro-F1, micro-F1 or kappa may lie below what was recorded before the audit fails."""
    fairness: FairnessConfig = FairnessConfig(pairs=1_000_000)
    """Limits that the champion has to keep; all pairs there are, unless told otherwise."""


class AblationConfig(RunConfig, title="Ablation"):
    """Everything that a data-mix ablation needs: a run, and how many rows and steps every arm gets."""

    rows_per_arm: int | None = Field(3_000, ge=100, le=10_000_000, title="Rows per arm")
    """Most real rows, and most synthetic rows, that an arm is trained on; empty takes all."""
    row_passes: int = Field(9_000, ge=100, le=100_000_000, title="Row passes")
    """Training rows times epochs of every arm, so that small arms get as many steps as large ones."""
    seeds: int = Field(3, ge=1, le=20, title="Seeds")
    """Trainings per arm, each with another seed."""
    real_fractions: tuple[float, ...] = Field((0.01, 0.05, 0.1), title="Small real fractions")
    """Fractions of the real rows that are tried alone and with synthetic rows."""
    few_rows: tuple[int, ...] = Field((), title="Few real rows per label")
    """Real rows per label that are tried alone and with synthetic rows, such as 8 16 64; with
    `--evaluation.rivals setfit` SetFit learns from the same rows."""

    @model_validator(mode="after")
    def _has_real_data(self) -> Self:
        if not self.real:
            raise ValueError("real is empty; expected a human-labelled data set. Give --real.")
        if any(not 0 < share < 1 for share in self.real_fractions):
            raise ValueError(
                f"real_fractions is {list(self.real_fractions)}; expected numbers between 0 and 1."
            )
        if any(n < 1 for n in self.few_rows):
            raise ValueError(f"few_rows is {list(self.few_rows)}; expected whole numbers from 1.")
        return self


class TuningData(StrEnum):
    """A data set that a generator is tuned on."""

    goemotions = "goemotions"
    sst = "sst"


class TuneConfig(Config, title="Tuning"):
    """Everything that fine-tuning a generator needs."""

    data: str = Field("data", title="Labelled text")
    """Folder with `goemotions/` (train.tsv, dev.tsv, labels.txt) and `sst/` (train.csv, dev.csv)."""
    base: str = Field("embedded", title="Model to tune")
    """Folder or hub name of an instruct model; `embedded` is the one that Sentimill's adapter belongs to."""
    revision: str | None = Field(None, title="Revision")
    """Hub revision (commit, tag or branch)."""
    out: Path = Field(Path("build/generator"), title="Folder")
    """Where model, card and checksums are written; what it holds of the same names is replaced."""
    system_prompt: str = Field(EMBEDDED_SYSTEM_PROMPT, title="System prompt")
    """What the model is told before each request, in tuning and ever after; empty for nothing."""
    hold_out_labels: tuple[str, ...] = Field((), title="Labels held out")
    """Labels of GoEmotions of which no text is shown, to measure labels that the generator never saw."""
    hold_out_data: tuple[TuningData, ...] = Field((), title="Data held out")
    """Data sets of which no text is shown, to measure what texts are worth on data that was never seen."""
    texts_per_label: int = Field(600, ge=1, le=1_000_000, title="Texts per label")
    """Comments per emotion, and reviews per level, at most."""
    lora_rank: int = Field(16, ge=1, le=1_024, title="LoRA rank")
    """Rank of the low-rank adapters."""
    epochs: int = Field(1, ge=1, le=1_000, title="Epochs")
    """Passes over the data."""
    learning_rate: float = Field(4e-4, gt=0.0, le=1.0, title="Learning rate")
    """Peak of AdamW."""
    batch_tokens: int = Field(1536, ge=16, le=1_048_576, title="Tokens per step")
    """Rows times longest row of a batch, at most."""
    max_tokens: int = Field(256, ge=16, le=8_192, title="Longest row")
    """Tokens of a prompt with the texts that share it; a text that is longer with its prompt is left out."""
    held_out: float = Field(0.02, gt=0.0, lt=0.5, title="Held-out share")
    """Share of the texts that choose the best epoch."""
    precision: Precision = Field(Precision.auto, title="Precision")
    """Arithmetic of the forward pass."""
    samples_per_label: int = Field(50, ge=1, le=10_000, title="Samples per label")
    """Texts sampled per label to measure fidelity and memorisation."""
    seed: int = Field(0, ge=0, le=2**31 - 1, title="Seed")
    """Decides every random choice."""


class PruneConfig(Config):
    """What stays in the results block."""

    keep: int = Field(14, ge=1, le=100_000, title="Runs kept")
    """Newest complete runs that stay; champions stay besides, with all that they refer to."""
    grace_h: float = Field(24.0, ge=0.0, le=8_760.0, title="Grace (hours)")
    """Whatever was written so recently stays: a run that is under way may need it."""
