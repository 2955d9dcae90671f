"""Cleaning, scrubbing and verification."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from tasks.config.base import Config, Fraction


class Scope(StrEnum):
    """Which demographic words are replaced: those that describe a person, or all."""

    person = "person"
    all = "all"


class CleaningConfig(Config, title="Cleaning"):
    """Which texts are accepted."""

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
    name_languages: tuple[str, ...] = Field((), title="Languages of the name model")
    """ISO 639-1 codes of the languages besides English whose names the name model finds. Names and contact
    data go out of texts in these languages; texts in others come back as they are, with a flag."""

    @model_validator(mode="after")
    def _model_for_engine(self) -> Self:
        if (self.name_engine is NameEngineKind.embedded) != (self.name_model is None):
            raise ValueError(
                f"scrubbing.name_engine is {self.name_engine.value} and name_model {self.name_model!r}; "
                "expected a model for spacy, transformers and gliner, and none for embedded. Give both."
            )
        if self.name_languages and self.name_model is None:
            raise ValueError(
                f"scrubbing.name_languages is {', '.join(self.name_languages)} without a name model; "
                "expected a model that finds names in them. Give scrubbing.name_engine and name_model."
            )
        return self


class JudgeKind(StrEnum):
    """The model that reads every text and says whether it expresses the requested labels."""

    none = "none"
    nli = "nli"
    llm = "llm"


class VerifyingConfig(Config, title="Verifying"):
    """Label verification: which sources vote, and what follows from their votes."""

    enabled: bool = Field(True, title="Verify labels")
    """Let votes decide which labels a text keeps."""
    folds: int = Field(5, ge=2, le=20, title="Folds")
    """Folds of the out-of-fold classifier on sentence embeddings."""
    likelihood: bool = Field(True, title="Generator likelihood")
    """Let the generator vote: its likelihood ratio of the text with and without the label in the prompt."""
    teacher: bool = Field(False, title="Teacher")
    """Let a classifier vote that was trained on the real training rows."""
    teacher_rows: int = Field(50_000, ge=100, le=1_000_000, title="Rows read for the teacher")
    """Real training rows that the teacher reads by an encoder, some 300 a second on two cores; by words it
    reads all of them."""
    judge: JudgeKind | None = Field(None, title="Judge")
    """Model that reads every text: `nli`, `llm` (a language model), or `none`; empty means the profile's."""
    judge_endpoint: str | None = Field(None, min_length=1, title="Endpoint of the judge")
    """Base URL of an OpenAI-compatible server for `judge=llm`; empty means where the generator is."""
    judge_model: str | None = Field(None, min_length=1, title="Model of the judge")
    """Instruct model for `judge=llm`: a name at the endpoint, or without one a folder or hub name; empty
    means the generator itself, or the first model of the judge's own endpoint."""
    judge_key_variable: str = Field("JUDGE_API_KEY", min_length=1, title="Key variable of the judge")
    """Environment variable with the key of the judge's own endpoint; the generator's is not sent there."""
    nli_model: str = Field("MoritzLaurer/deberta-v3-base-zeroshot-v2.0", title="NLI model")
    """Folder or hub name of the entailment model for `judge=nli`; the default is MIT-licensed."""
    label_prior: float = Field(0.65, gt=0.0, lt=1.0, title="Label prior")
    """Probability that a generated text expresses the label it was prompted with, before verification."""
    folds_weight: float = Field(0.8, ge=0.0, le=2.0, title="Weight of the folds")
    """Weight of the out-of-fold classifier's log-odds in the combined score (0 = ignore, 1 = full weight)."""
    likelihood_weight: float = Field(0.8, ge=0.0, le=2.0, title="Weight of the generator")
    """Weight of the generator's likelihood ratio; with a teacher, this weight and the next are fitted."""
    teacher_weight: float = Field(0.8, ge=0.0, le=2.0, title="Weight of the teacher")
    """Weight of the teacher's log-odds."""
    judge_weight: float = Field(0.5, ge=0.0, le=2.0, title="Weight of the judge")
    """Weight of the judge's log-odds."""
    keep_threshold: Fraction = Field(0.75, title="Keep threshold")
    """A requested label whose probability is below this is masked in the loss, or the text is dropped. The
    default is strict because texts are cheap; the largest disputed fraction bounds it."""
    mask_threshold: Fraction = Field(0.5, title="Mask threshold")
    """A label that was not requested but has this probability is masked in the loss."""
    relabel_threshold: Fraction = Field(0.9, title="Relabel threshold")
    """A text that lost its labels takes on another label that has this probability."""
    max_drop_fraction: Fraction = Field(0.25, title="Largest disputed fraction")
    """Upper bound on the fraction of a label's texts that lose it, least probable first."""
    soft_targets: bool = Field(False, title="Soft targets")
    """Train on the probability of each label instead of on 0 and 1."""

    @property
    def has_own_judge(self) -> bool:
        """Whether a language model judges that is not the generator."""
        return bool(self.judge is JudgeKind.llm and (self.judge_endpoint or self.judge_model))

    @property
    def weights(self) -> dict[str, float]:
        """Weight per voter."""
        sources = ("folds", "likelihood", "teacher", "judge")
        return {source: getattr(self, f"{source}_weight") for source in sources}
