"""Every knob of a run: one frozen tree, which is also the Prefect run form and the command line.

A knob whose default is empty (`None`) takes its value from the profile, see `PROFILES`.
This module imports neither torch nor Prefect, so that a wrong value is refused in milliseconds.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

TAXONOMIES = Path(__file__).parent / "taxonomies"
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


def _for_forms(schema: dict[str, Any]) -> None:
    """Add its range to the help of every knob, for forms check it but do not show it, and its place.

    A server on Postgres keeps the knobs of a section in no order but this.
    """
    for position, knob in enumerate(schema.get("properties", {}).values()):
        knob["position"] = position
        rules = {name: value for part in (knob, *knob.get("anyOf", ())) for name, value in part.items()}
        low = rules.get("minimum", rules.get("exclusiveMinimum"))
        high = rules.get("maximum", rules.get("exclusiveMaximum"))
        if low is not None:
            above = "above " if "exclusiveMinimum" in rules else ""
            below = "below " if "exclusiveMaximum" in rules else ""
            top = "" if high is None else f" to {below}{high:,}"
            knob["description"] += f" Range: from {above}{low:,}{top}."


class Loss(StrEnum):
    """What training minimises; all leave unknown targets out."""

    bce = "bce"
    balanced = "balanced"
    focal = "focal"
    asymmetric = "asymmetric"


class Config(BaseModel):
    """Base of every section: values cannot change, unknown names are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, json_schema_extra=_for_forms
    )


def _shipped_or_file(schema: dict[str, Any]) -> None:
    """Let forms offer the taxonomies that ship, or take a path, and refuse anything else."""
    names = sorted(path.stem for path in TAXONOMIES.glob("*.yaml") if path.stem != "topics")
    del schema["type"]
    schema["anyOf"] = [
        {"title": "Shipped", "type": "string", "enum": names},
        {"title": "File", "type": "string", "pattern": r"[/\\]|\.ya?ml$"},
    ]


class PlanConfig(Config, title="Plan"):
    """What is wanted: how many texts, about what, in which manner."""

    per_label: int = Field(200, ge=1, le=1_000_000, title="Texts per label")
    """Accepted texts wanted for each label."""
    per_topic: int | None = Field(None, ge=1, le=1_000_000, title="Texts per label and topic")
    """Accepted texts wanted for each label about every topic, in place of the number per label."""
    topics: list[str] | None = Field(None, min_length=1, title="Topics")
    """Names of topics to write about; empty means every topic of the topics file."""
    topics_file: Path | None = Field(None, title="Topics file")
    """YAML file with your own topics and scenarios; empty means the topics that ship with Sentimill."""
    styles: list[str] | None = Field(None, min_length=1, title="Styles")
    """Styles to write in (review, chat message ...); empty means every style of the topics file."""
    topics_per_label: int = Field(10, ge=1, le=1_000, title="Topics per label")
    """Topics drawn for each label set, if not all are wanted of each; every (label set, topic) pair is one
    cell, sampled by one task."""
    pair_share: Share = Field(0.2, title="Share of multi-label texts")
    """Share of the texts that carry several labels: sets of two or three that real text shows, if `real` is
    given and shows any, else the pairs that the taxonomy allows."""
    tempering: Share = Field(0.6, title="Tempering")
    """Exponent on the counts of label sets in real text: 1 leaves them as frequent, 0 makes all alike."""
    mixed_share: float = Field(0.1, ge=0.0, le=0.5, title="Share of mixed texts")
    """On a scale: share of the texts that are two joined, one side for and one against."""
    rounds: int = Field(4, ge=1, le=50, title="Rounds")
    """Rounds of sampling at most; each refills the cells that the filters left short."""
    max_tokens: int | None = Field(None, ge=1, title="Token budget")
    """Tokens that may be sampled in all rounds; empty means no limit. Texts from the cache count, too."""
    max_minutes: float | None = Field(None, gt=0.0, title="Time budget")
    """Minutes after which no new round begins; empty means no limit."""
    oversampling: float = Field(1.5, ge=1.0, le=20.0, title="Oversampling")
    """Texts drawn per text wanted in the first round; later rounds use each cell's own acceptance rate."""


class GeneratorConfig(Config, title="Generator"):
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
    stop: tuple[str, ...] = Field((), title="Stop strings")
    """A text ends before the first of these strings."""
    banned_openings: tuple[str, ...] = Field((), title="Banned openings")
    """Words that no text may begin with, such as `As` or `Sure`; not with an endpoint."""
    exemplars: int = Field(0, ge=0, le=8, title="Exemplars")
    """Texts shown in each prompt: real training rows with one of its labels, drawn at random, or without
    `--real` rows accepted before; not for the control form."""
    template: str | None = Field(None, min_length=1, title="Prompt template")
    """Text of a Jinja template that prompts are made with, in place of the one that ships; it may use labels
    (each with name and meaning), topic, scenario, style (name and description), length and exemplars; not
    for the control form."""
    system_prompt: str | None = Field(None, min_length=1, title="System prompt")
    """What the model is told before each prompt; only for the chat form."""


class CleaningConfig(Config, title="Cleaning"):
    """What counts as a text."""

    min_words: int = Field(3, ge=1, le=1_000, title="Fewest words")
    """Shorter texts are rejected."""
    max_words: int = Field(400, ge=1, le=100_000, title="Most words")
    """Longer texts are rejected."""
    language: str | None = Field("en", title="Language")
    """ISO 639-1 code that texts must be written in; empty accepts any."""
    near_duplicate_similarity: float = Field(0.7, gt=0.0, le=1.0, title="Near-duplicate similarity")
    """Jaccard similarity of character shingles from which two texts count as one."""
    semantic_similarity: float | None = Field(None, gt=0.0, le=1.0, title="Semantic similarity")
    """Cosine of sentence embeddings from which two texts say the same; empty compares no meanings. Needs
    `sentimill[semantic]`."""
    earlier_runs: int = Field(0, ge=0, le=1_000, title="Earlier runs")
    """Latest runs of the same taxonomy whose texts may not come again; change the seed with it."""
    profanity_filter: bool = Field(False, title="Profanity filter")
    """Reject texts with profanity; counted either way."""
    toxicity_filter: bool = Field(False, title="Toxicity filter")
    """Reject texts that are likely to offend; counted either way, if `sentimill[toxicity]` is installed."""

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


class NameEngineKind(StrEnum):
    """What finds people's names."""

    embedded = "embedded"
    spacy = "spacy"
    transformers = "transformers"
    gliner = "gliner"


class ScrubbingConfig(Config, title="Scrubbing"):
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
    person_bias: float = Field(0.0, ge=-5.0, le=5.0, title="Name strictness")
    """Added to the score of a name's beginning; higher finds more names and more false ones."""
    name_engine: NameEngineKind = Field(NameEngineKind.embedded, title="Name engine")
    """`embedded` needs nothing; `spacy`, `transformers` and `gliner` run the name model."""
    name_model: str | None = Field(None, title="Name model")
    """Folder, package or hub name of a model that finds names; for the engines that run one."""
    name_revision: str | None = Field(None, title="Name model revision")
    """Hub revision (commit, tag or branch) of the name model."""
    name_union: bool = Field(True, title="Both name engines")
    """What the name model or the embedded tagger finds counts as a name; off, the model decides alone."""

    @model_validator(mode="after")
    def _model_for_engine(self) -> Self:
        if (self.name_engine is NameEngineKind.embedded) != (self.name_model is None):
            raise ValueError(
                f"scrubbing.name_engine is {self.name_engine.value} and name_model {self.name_model!r}; "
                "expected a model for spacy, transformers and gliner, and none for embedded. Give both."
            )
        return self


class Judge(StrEnum):
    """Who reads every text and says whether it carries the labels that it was asked to carry."""

    none = "none"
    nli = "nli"
    llm = "llm"


class VerifyingConfig(Config, title="Verifying"):
    """Whether a text carries the labels that it was asked to carry: who votes, and what follows."""

    enabled: bool = Field(True, title="Verify labels")
    """Let votes decide which labels a text keeps."""
    folds: int = Field(5, ge=2, le=20, title="Folds")
    """Folds of the out-of-fold classifier on sentence embeddings."""
    likelihood: bool = Field(True, title="Ask the generator")
    """Let the generator vote: whether the text is likelier with the label in the wish than without."""
    teacher: bool = Field(False, title="Teacher")
    """Let a classifier vote that learnt from the real training rows; its labels then count, too."""
    teacher_rows: int = Field(50_000, ge=100, le=1_000_000, title="Rows read for the teacher")
    """Real training rows that the teacher reads by an encoder, some 300 a second on two cores; by words it
    reads all of them."""
    judge: Judge | None = Field(None, title="Judge")
    """Model that reads every text: `nli`, `llm` (the generator itself), or `none`; empty means the
    profile's."""
    nli_model: str = Field("MoritzLaurer/deberta-v3-base-zeroshot-v2.0", title="NLI model")
    """Folder or hub name of the entailment model for `judge=nli`; the default is MIT-licensed."""
    held: float = Field(0.65, gt=0.0, lt=1.0, title="Trust in the wish")
    """Probability, before any vote, that a text carries a label that it was asked to carry."""
    folds_weight: float = Field(0.8, ge=0.0, le=2.0, title="Weight of the folds")
    """How much the folds count, in log-odds per log-odds: 1 takes a vote at its word, 0 ignores it."""
    likelihood_weight: float = Field(0.8, ge=0.0, le=2.0, title="Weight of the generator")
    """How much the generator's vote counts; where there is a teacher, this and the next are fitted."""
    teacher_weight: float = Field(0.8, ge=0.0, le=2.0, title="Weight of the teacher")
    """How much the teacher's vote counts."""
    judge_weight: float = Field(0.5, ge=0.0, le=2.0, title="Weight of the judge")
    """How much the judge's vote counts."""
    keep: Share = Field(0.75, title="Belief that keeps a label")
    """A label that was asked for and is believed less is left out of the loss, or the text is dropped.
    Strict, for texts are cheap; the largest share disputed bounds it."""
    mask: Share = Field(0.5, title="Belief that masks a label")
    """A label that was not asked for but is believed this much is left out of the loss."""
    relabel: Share = Field(0.9, title="Belief that relabels")
    """A text that lost its labels takes on another that is believed this much."""
    max_drop_share: Share = Field(0.25, title="Largest share disputed")
    """Upper bound on the share of a label's texts that lose it, least believed first."""
    soft_targets: bool = Field(False, title="Soft targets")
    """Train on the belief in each label instead of on 0 and 1."""

    @property
    def weights(self) -> dict[str, float]:
        """Weight per voter."""
        voters = ("folds", "likelihood", "teacher", "judge")
        return {voter: getattr(self, f"{voter}_weight") for voter in voters}


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


class LimitsConfig(Config, title="Limits"):
    """How long a task may take before it counts as hung; neither decides what comes out."""

    batch_s: float = Field(3_600.0, gt=0.0, le=604_800.0, title="Time for a batch of texts (s)")
    """Seconds for one batch of one cell, waiting for its turn in the decode batch included."""
    stage_s: float = Field(86_400.0, gt=0.0, le=2_592_000.0, title="Time for a stage (s)")
    """Seconds for any other task, training included; what it had done is taken up again."""


class ApprovalConfig(Config, title="Approval"):
    """Whether a person has to agree before a run becomes champion."""

    wanted: bool = Field(False, title="Ask a person")
    """Pause before the champion changes, and show scores and rows on the run page; needs a server."""
    timeout_s: int = Field(86_400, ge=1, le=2_592_000, title="Wait")
    """Seconds to wait for an answer; then the run stays a candidate."""
    rows_per_label: int = Field(20, ge=1, le=200, title="Rows to read")
    """Rows shown per label."""


class PricesConfig(Config, title="Prices"):
    """What an endpoint charges, in any one currency; for `--estimate`."""

    per_million_prompt_tokens: float | None = Field(None, ge=0.0, title="Prompt tokens")
    """Price of a million tokens of prompts."""
    per_million_text_tokens: float | None = Field(None, ge=0.0, title="Text tokens")
    """Price of a million tokens of texts."""


class RunConfig(Config, title="Run"):
    """Everything that one run needs."""

    profile: Profile = Field(Profile.embedded, title="Profile")
    """`embedded` needs only pip and a CPU, `hub` fetches models, `server` asks an endpoint."""
    taxonomy: str = Field("sentiment7", title="Taxonomy", json_schema_extra=_shipped_or_file)
    """sentiment7, goemotions, ekman, polarity3, or the path of a YAML file of your own."""
    seed: int = Field(0, ge=0, le=2**31 - 1, title="Seed")
    """Decides every random choice."""
    daily_seed: bool = Field(False, title="New seed every day")
    """Add the day of the run to the seed, so that every night writes texts of its own."""
    real: str | None = Field(None, title="Real data")
    """Text labelled by people, to measure on: folder with GoEmotions TSV or SST CSV, or `go_emotions`."""
    mix: Share = Field(0.0, title="Real share in training")
    """Share of the training rows that is real; 0 trains on synthetic text alone, 1 on real text alone."""
    mix_rows: int | None = Field(None, ge=1, title="Most real rows")
    """Upper bound on the real rows mixed in."""
    push_to_hub: str | None = Field(None, min_length=1, title="Push to the hub")
    """Where a new champion's model and data set go, too: a name on the Hugging Face Hub (private there), or a
    folder that begins with `.` or `/`; empty means nowhere."""
    plan: PlanConfig = PlanConfig()
    generator: GeneratorConfig = GeneratorConfig()
    cleaning: CleaningConfig = CleaningConfig()
    scrubbing: ScrubbingConfig = ScrubbingConfig()
    verifying: VerifyingConfig = VerifyingConfig()
    split: SplitConfig = SplitConfig()
    mixing: MixingConfig = MixingConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    limits: LimitsConfig = LimitsConfig()
    approval: ApprovalConfig = ApprovalConfig()
    prices: PricesConfig = PricesConfig()
    fairness: FairnessConfig = FairnessConfig()

    def resolved(self) -> "RunConfig":
        """Fill the knobs that the profile decides."""
        sections: dict[str, Any] = {}
        for section, values in PROFILES[self.profile].items():
            given = getattr(self, section)
            missing = {k: v for k, v in values.items() if getattr(given, k) is None}
            sections[section] = given.model_copy(update=missing)
        return self.model_copy(update=sections)


class AuditConfig(Config, title="Audit"):
    """Everything that an audit of the champion needs."""

    taxonomy: str = Field("sentiment7", title="Taxonomy")
    """Name of the taxonomy whose champion is measured again."""
    real: str | None = Field(None, title="Real data")
    """Text labelled by people, to measure on; empty means the synthetic test texts of the champion."""
    max_drop: Share = Field(0.05, title="Largest drop")
    """How far macro-F1, micro-F1 or kappa may lie below what was recorded before the audit fails."""
    fairness: FairnessConfig = FairnessConfig(pairs=1_000_000)
    """Limits that the champion has to keep; all pairs there are, unless told otherwise."""


class ProofConfig(RunConfig, title="Proof"):
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


class TuneConfig(Config, title="Tuning"):
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


class PruneConfig(Config):
    """What stays in the results block."""

    keep: int = Field(14, ge=1, le=100_000, title="Runs kept")
    """Newest complete runs that stay; champions stay besides, with all that they refer to."""
    grace_h: float = Field(24.0, ge=0.0, le=8_760.0, title="Grace (hours)")
    """Whatever was written so recently stays: a run that is under way may need it."""


# One source of truth for what a profile means.
PROFILES: dict[Profile, dict[str, dict[str, Any]]] = {
    Profile.embedded: {
        "generator": {"model": "embedded", "prompt_form": PromptForm.control, "batch_size": 128},
        "verifying": {"judge": Judge.none},
        "training": {"base": "all-MiniLM-L6-v2"},
    },
    Profile.hub: {
        # Both Apache-2.0.
        "generator": {
            "model": "Qwen/Qwen2.5-0.5B-Instruct",
            "prompt_form": PromptForm.chat,
            "batch_size": 256,
        },
        "verifying": {"judge": Judge.nli},
        "training": {"base": "answerdotai/ModernBERT-base"},
    },
    Profile.server: {
        "generator": {
            "model": "default",
            "endpoint": "http://localhost:8000/v1",
            "prompt_form": PromptForm.chat,
            "batch_size": 64,
        },
        "verifying": {"judge": Judge.llm},
        "training": {"base": "answerdotai/ModernBERT-base"},
    },
}
