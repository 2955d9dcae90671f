"""Every knob of a run: one frozen tree, which is also the Prefect run form and the command line.

A knob whose default is empty (`None`) takes its value from the profile, see `PROFILES`.
This module imports neither torch nor Prefect, so that a wrong value is refused in milliseconds.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Profile(StrEnum):
    """A named set of models and sizes."""

    embedded = "embedded"
    hub = "hub"
    server = "server"


class PromptForm(StrEnum):
    """How the wish for a text is put to the language model."""

    control = "control"
    plain = "plain"
    chat = "chat"


class Scope(StrEnum):
    """Which demographic words are replaced: those that describe a person, or all."""

    person = "person"
    all = "all"


class Precision(StrEnum):
    """Arithmetic of training; `auto` takes bf16 where the hardware multiplies it natively."""

    auto = "auto"
    fp32 = "no"
    bf16 = "bf16"
    fp16 = "fp16"


class Loss(StrEnum):
    """What training minimises; all leave unknown targets out."""

    bce = "bce"
    balanced = "balanced"
    focal = "focal"
    asymmetric = "asymmetric"


class Config(BaseModel):
    """Base of every section: values cannot change, unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PlanConfig(Config):
    """What is wanted: how many texts, about what, in which manner."""

    per_label: int = Field(200, ge=1, le=1_000_000, title="Texts per label")
    """Accepted texts wanted for each label."""
    topics: list[str] | None = Field(None, min_length=1, title="Topics")
    """Names of topics to write about; empty means every topic of the topics file."""
    topics_file: Path | None = Field(None, title="Topics file")
    """YAML file with your own topics and scenarios; empty means the topics that ship with Sentimill."""
    styles: list[str] | None = Field(None, min_length=1, title="Styles")
    """Styles to write in (review, chat message ...); empty means every style of the topics file."""
    topics_per_label: int = Field(10, ge=1, le=1_000, title="Topics per label")
    """Topics drawn for each label set; every (label set, topic) pair is one cell, sampled by one task."""
    pair_share: Share = Field(0.2, title="Share of two-label texts")
    """Share of the texts that carry two labels, taken from the pairs that the taxonomy allows."""
    rounds: int = Field(4, ge=1, le=50, title="Rounds")
    """Rounds of sampling at most; each refills the cells that the filters left short."""
    oversampling: float = Field(1.5, ge=1.0, le=20.0, title="Oversampling")
    """Texts drawn per text wanted in the first round; later rounds use each cell's own acceptance rate."""


class GeneratorConfig(Config):
    """The language model that writes the texts."""

    model: str | None = Field(None, title="Generator")
    """Folder or Hugging Face Hub name of a causal language model; empty means the profile's."""
    revision: str | None = Field(None, title="Revision")
    """Hub revision (commit, tag or branch)."""
    endpoint: str | None = Field(None, title="Endpoint")
    """Base URL of an OpenAI-compatible server, such as http://localhost:8000/v1; used by profile `server`."""
    prompt_form: PromptForm | None = Field(None, title="Prompt form")
    """Control prefix (embedded generator), plain completion (base models) or chat (instruct models)."""
    max_new_tokens: int = Field(56, ge=1, le=4_096, title="New tokens")
    """Longest text, in tokens of the generator."""
    batch_size: int | None = Field(None, ge=1, le=4_096, title="Decode batch")
    """Texts decoded side by side; empty means the profile's."""
    temperature: float = Field(1.0, gt=0.0, le=5.0, title="Temperature")
    """Softmax temperature; 1 samples from the model as it is."""
    top_p: float = Field(0.95, gt=0.0, le=1.0, title="Top-p")
    """Smallest set of tokens with this total probability is sampled from (nucleus sampling)."""
    top_k: int = Field(0, ge=0, le=100_000, title="Top-k")
    """Number of most probable tokens sampled from; 0 means all."""
    min_p: float = Field(0.0, ge=0.0, le=1.0, title="Min-p")
    """Tokens below this share of the most probable one are left out."""
    repetition_penalty: float = Field(1.0, ge=1.0, le=3.0, title="Repetition penalty")
    """Divides the scores of tokens already written; 1 means none."""
    guidance: float = Field(1.0, ge=1.0, le=5.0, title="Guidance")
    """Classifier-free guidance towards the labels; 1 means none, more costs a second forward pass."""


class CleaningConfig(Config):
    """What counts as a text."""

    min_words: int = Field(3, ge=1, le=1_000, title="Fewest words")
    """Shorter texts are rejected."""
    max_words: int = Field(400, ge=1, le=100_000, title="Most words")
    """Longer texts are rejected."""
    language: str | None = Field("en", title="Language")
    """ISO 639-1 code that texts must be written in; empty accepts any."""
    near_duplicate_similarity: float = Field(0.7, gt=0.0, le=1.0, title="Near-duplicate similarity")
    """Jaccard similarity of character shingles from which two texts count as one."""
    profanity_filter: bool = Field(False, title="Profanity filter")
    """Reject texts with profanity; counted either way."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_words > self.max_words:
            raise ValueError(
                f"cleaning.min_words is {self.min_words} and max_words {self.max_words}; "
                "expected min_words <= max_words. Raise max_words."
            )
        return self


class DemographicCategory(StrEnum):
    """Kinds of demographic terms that the scrubber knows."""

    religion = "religion"
    nationality = "nationality"
    race = "race"
    gender = "gender"
    orientation = "orientation"
    disability = "disability"
    age = "age"
    minority = "minority"


class ScrubbingConfig(Config):
    """What is taken out of texts before anything learns from them."""

    enabled: bool = Field(True, title="Scrub")
    """Replace names, contact data and demographic words by neutral ones."""
    categories: tuple[DemographicCategory, ...] = Field(
        tuple(DemographicCategory), title="Demographic categories"
    )
    """Kinds of demographic terms that are replaced."""
    scope: Scope = Field(Scope.person, title="Scope")
    """`person` replaces terms that describe people ("a French engineer"), `all` things too ("French ham")."""
    neutralise_gender: bool = Field(True, title="Neutral gender")
    """Turn gendered nouns and pronouns into neutral ones, verbs agreeing."""
    person_bias: float = Field(-0.5, ge=-5.0, le=5.0, title="Name strictness")
    """Added to the score of a name's beginning; higher finds more names and more false ones."""


class VerifyingConfig(Config):
    """Whether a text carries the label that it was asked to carry."""

    enabled: bool = Field(True, title="Verify labels")
    """Drop texts whose label disagrees with its neighbours."""
    folds: int = Field(5, ge=2, le=20, title="Folds")
    """Folds of the out-of-fold classifier on sentence embeddings."""
    max_drop_share: Share = Field(0.25, title="Largest share dropped")
    """Upper bound on the share of a label's texts that are dropped, worst first."""


class MixingConfig(Config):
    """Which synthetic rows join real ones, and how much they count."""

    top_up: int | None = Field(None, ge=1, le=1_000_000, title="Rare-label top-up")
    """Synthetic rows join only labels with fewer real training rows than this, up to it; empty: all join."""
    synthetic_share: float = Field(1.0, gt=0.0, le=1.0, title="Largest synthetic share")
    """Share of synthetic rows among a label's training rows, at most."""
    weigh: bool = Field(False, title="Weigh synthetic rows")
    """Let synthetic rows that read like the real ones count more."""


class SplitConfig(Config):
    """How the accepted rows are divided."""

    validation: float = Field(0.1, gt=0.0, lt=0.5, title="Validation share")
    """Share of rows that choose thresholds and stop training."""
    test: float = Field(0.1, gt=0.0, lt=0.5, title="Test share")
    """Share of rows held out for the synthetic test."""


class TrainingConfig(Config):
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


class EvaluationConfig(Config):
    """How the classifier is measured."""

    min_positives: int = Field(20, ge=1, le=100_000, title="Positives for a threshold of its own")
    """Labels with fewer validation positives have their threshold shrunk towards the pooled one."""


class RunConfig(Config):
    """Everything that one run needs."""

    profile: Profile = Field(Profile.embedded, title="Profile")
    """`embedded` needs only pip and a CPU, `hub` fetches models, `server` asks an endpoint."""
    taxonomy: str = Field("sentiment7", title="Taxonomy")
    """sentiment7, goemotions, ekman, polarity3, or the path of a YAML file of your own."""
    seed: int = Field(0, ge=0, le=2**31 - 1, title="Seed")
    """Decides every random choice."""
    real: str | None = Field(None, title="Real data")
    """Text labelled by people, to measure on: folder with GoEmotions TSV or SST CSV, or `go_emotions`."""
    mix: Share = Field(0.0, title="Real share in training")
    """Share of the training rows that is real; 0 trains on synthetic text alone, 1 on real text alone."""
    mix_rows: int | None = Field(None, ge=1, title="Most real rows")
    """Upper bound on the real rows mixed in."""
    plan: PlanConfig = PlanConfig()
    generator: GeneratorConfig = GeneratorConfig()
    cleaning: CleaningConfig = CleaningConfig()
    scrubbing: ScrubbingConfig = ScrubbingConfig()
    verifying: VerifyingConfig = VerifyingConfig()
    split: SplitConfig = SplitConfig()
    mixing: MixingConfig = MixingConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    def resolved(self) -> "RunConfig":
        """Fill the knobs that the profile decides."""
        sections: dict[str, Any] = {}
        for section, values in PROFILES[self.profile].items():
            given = getattr(self, section)
            missing = {k: v for k, v in values.items() if getattr(given, k) is None}
            sections[section] = given.model_copy(update=missing)
        return self.model_copy(update=sections)


class ProofConfig(RunConfig):
    """Everything that the protocol needs: a run, and how much of it every mix of rows gets."""

    proof_rows: int | None = Field(3_000, ge=100, le=10_000_000, title="Rows per arm")
    """Real rows, and synthetic rows, that an arm learns from at most; empty takes all."""
    passes: int = Field(9_000, ge=100, le=100_000_000, title="Row passes")
    """Training rows times epochs of every arm, so that small mixes are not starved of steps."""
    seeds: int = Field(3, ge=1, le=20, title="Seeds")
    """Times that every arm is trained."""
    shares: tuple[float, ...] = Field((0.01, 0.05, 0.1), title="Small shares of real")
    """Shares of the real rows that are tried alone and with synthetic rows."""

    @model_validator(mode="after")
    def _has_people(self) -> Self:
        if not self.real:
            raise ValueError("real is empty; expected a data set that people labelled. Give --real.")
        if any(not 0 < share < 1 for share in self.shares):
            raise ValueError(f"shares is {list(self.shares)}; expected numbers between 0 and 1.")
        return self


class TuneConfig(Config):
    """Everything that fine-tuning a generator needs."""

    data: str = Field("data", title="Labelled text")
    """Folder with `goemotions/` (train.tsv, dev.tsv, labels.txt) and `sst/` (train.csv, dev.csv)."""
    base: str = Field("small-decoder", title="Model to tune")
    """`small-decoder` starts from MiniLM's weights; or folder or hub name of a causal language model."""
    revision: str | None = Field(None, title="Revision")
    """Hub revision (commit, tag or branch)."""
    out: Path = Field(Path("build/generator"), title="Folder")
    """Where model, card and checksums are written; what it holds of the same names is replaced."""
    prompt_form: PromptForm = Field(PromptForm.control, title="Prompt form")
    """Control prefix for small models, chat for instruct models, plain for base models."""
    lora_rank: int = Field(0, ge=0, le=1_024, title="LoRA rank")
    """Rank of the low-rank adapters; 0 tunes all weights."""
    epochs: int = Field(5, ge=1, le=1_000, title="Epochs")
    """Passes over the data."""
    learning_rate: float = Field(5e-4, gt=0.0, le=1.0, title="Learning rate")
    """Peak of AdamW."""
    batch_tokens: int = Field(1024, ge=16, le=1_048_576, title="Tokens per step")
    """Rows times longest row of a batch, at most."""
    max_tokens: int = Field(128, ge=16, le=8_192, title="Longest example")
    """Tokens of prompt and text together; longer examples are left out."""
    held_out: float = Field(0.02, gt=0.0, lt=0.5, title="Held-out share")
    """Share of the texts that choose the best epoch."""
    precision: Precision = Field(Precision.auto, title="Precision")
    """Arithmetic of the forward pass."""
    samples_per_label: int = Field(50, ge=1, le=10_000, title="Samples per label")
    """Texts sampled per label to measure fidelity and memorisation."""
    seed: int = Field(0, ge=0, le=2**31 - 1, title="Seed")
    """Decides every random choice."""


# One source of truth for what a profile means.
PROFILES: dict[Profile, dict[str, dict[str, Any]]] = {
    Profile.embedded: {
        "generator": {"model": "embedded", "prompt_form": PromptForm.control, "batch_size": 64},
        "training": {"base": "all-MiniLM-L6-v2"},
    },
    Profile.hub: {
        # Both Apache-2.0.
        "generator": {
            "model": "Qwen/Qwen2.5-0.5B-Instruct",
            "prompt_form": PromptForm.chat,
            "batch_size": 256,
        },
        "training": {"base": "answerdotai/ModernBERT-base"},
    },
    Profile.server: {
        "generator": {
            "model": "default",
            "endpoint": "http://localhost:8000/v1",
            "prompt_form": PromptForm.chat,
            "batch_size": 64,
        },
        "training": {"base": "answerdotai/ModernBERT-base"},
    },
}
