"""`scores.json`: everything that the report and the cards are made from."""

from typing import Any, Self

from pydantic import Field, model_validator

from tasks.data.data_profile import DataProfile
from tasks.data.fairness_scores import Fairness
from tasks.data.plan_scores import Plan
from tasks.data.records import Record
from tasks.data.scrub_scores import ScrubSummary
from tasks.data.summaries import Outcome
from tasks.data.system_scores import Cost, OutOfScope, SelectiveScores
from tasks.taxonomy import Taxonomy

CLASSIFIER = "classifier"
TFIDF = "TF-IDF + logistic regression"
MAJORITY = "majority"
EMBEDDING = "zero-shot by embedding"
EMBEDDING_LOGREG = "embeddings + logistic regression"
TITLES = {"f1_macro": "macro-F1", "kappa": "quadratic kappa"}
"""Metrics that can decide, in words."""
SYNTHETIC = "synthetic"
REAL = "real"


class LabelScore(Record):
    """One label on one test set."""

    label: str
    precision: float
    recall: float
    f1: float
    average_precision: float | None
    """None where no text has the label."""
    n_true: int
    n_decided: int


class Metrics(Record):
    """What `tasks.pipeline.evaluation.measure.measure` returns."""

    f1_micro: float
    f1_macro: float
    f1_weighted: float
    f1_samples: float
    jaccard: float
    hamming: float
    mean_average_precision: float | None
    ranking_average_precision: float
    calibration_error: float
    brier: float
    per_label: tuple[LabelScore, ...]
    n_rows: int
    mae: float | None = None
    """In levels. This and what follows is for scales alone."""
    kappa: float | None = None
    """Quadratically weighted."""
    level_accuracy: float | None = None
    within_one_level: float | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    """`confusion[i][j]`: texts of level i + 1 that were given level j + 1."""
    n_levelled: int = 0
    """Texts with exactly one level, which the metrics of scales count."""

    @property
    def headline(self) -> str:
        """The metric that decides: `kappa` on a scale, where a level beside the right one is worth much."""
        return "f1_macro" if self.kappa is None else "kappa"


class SystemResult(Record):
    """One system (`CLASSIFIER`, or a baseline) on one test set (`SYNTHETIC`, `REAL`)."""

    name: str
    test_set: str
    metrics: Metrics
    intervals: dict[str, tuple[float, float]] = Field({})
    """Ends of the 95 % bootstrap interval of some metrics; `f1_macro_common` is over labels of 100 texts."""
    classifier_ahead: dict[str, tuple[float, float, float]] = Field({})
    """Difference classifier - baseline on the same bootstrap samples: value and interval ends."""
    selective: SelectiveScores | None = None
    """None where it never abstains."""
    cost: Cost | None = None


class Figure(Record):
    """One metric of the data, beside the reference range of real text."""

    name: str
    value: float
    low: float | None = None
    """None where no range is known."""
    high: float | None = None


class Review(Record):
    """What the synthetic rows are like; see `tasks.pipeline.diversity`."""

    n_texts: int
    """Texts that the figures were measured on, 0 if there is no synthetic text."""
    figures: tuple[Figure, ...]
    flags: dict[str, int]
    """Accepted texts with profanity and, where it is counted, with toxicity."""
    n_mixed: int
    """Texts that were joined of two stances."""
    profile: DataProfile | None = None
    """Fidelity and disputed labels; None without synthetic text."""


class ExampleText(Record):
    """One accepted text, to read."""

    text: str
    labels: tuple[str, ...]
    topic: str
    style: str


class Neighbour(Record):
    """A training row that lies near a text."""

    text: str
    labels: tuple[str, ...]
    source: str
    prompt: str
    """What the generator was asked; empty for real rows."""


class ConfidentError(Record):
    """One confident error."""

    text: str
    label: str
    """The label that was given wrongly, or missed."""
    probability: float
    true_labels: tuple[str, ...]
    neighbours: tuple[Neighbour, ...]
    """Nearest training rows that carry what the classifier said: the label given, or those it preferred."""


class ErrorAnalysis(Record):
    """Error analysis of the classifier on the test set that decides."""

    test_set: str
    curves: dict[str, tuple[float, ...]]
    """Per label, precision at recall 0, 0.05 .. 1; empty without positives."""
    calibration: tuple[tuple[float, float, int], ...]
    """Mean probability, share of positives, count; per bin, all labels pooled."""
    errors: tuple[ConfidentError, ...]


class ModelInfo(Record):
    """A model that took part."""

    name: str
    """Hub name or short name; no path."""
    revision: str = ""
    licence: str = "other"
    """Licence id of the Hugging Face Hub."""


class RunScores(Record):
    """Everything that one run has to say about itself."""

    run: str
    """Name of the run."""
    created: str
    """ISO 8601 date and time, UTC."""
    command: str
    """Command line that remakes the run."""
    config: dict[str, Any]
    """The `RunConfig`, resolved, as JSON."""
    taxonomy: Taxonomy
    generator: ModelInfo
    base: ModelInfo
    """Encoder that the classifier started from."""
    plan: Plan
    rejects: dict[str, int]
    """Dropped texts per `stage: reason`."""
    votes: dict[str, int] = Field(default_factory=dict)
    """Accepted texts and masked labels by what the votes decided about them."""
    scrubbed: dict[str, int]
    """Replacements per entity type, in the accepted texts."""
    scrubbing: ScrubSummary | None = None
    """What else there is to say about scrubbing."""
    rows: dict[str, int]
    """Rows per part: `train`, `validation`, `test`; `real train` says how many of `train` people wrote
    and labelled, `unlabelled train` how many people wrote and votes labelled,
    `real test` how many rows of human text were measured on."""
    results: tuple[SystemResult, ...] = Field(min_length=1)
    parts: dict[str, str] = Field(default_factory=dict)
    """sha256 of the Parquet file of `train`, `validation` and `test`."""
    n_folds: int = 0
    """Folds that the real texts were cross-validated in; 0 where one classifier was measured on all."""
    thresholds: dict[str, float]
    """Per label, of the classifier."""
    samples: tuple[ExampleText, ...]
    review: Review | None = None
    """Of the synthetic rows."""
    rejected: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Some rejected texts per `stage: reason`."""
    timings: dict[str, float]
    """Seconds per stage."""
    versions: dict[str, str]
    """Python and the packages that decide the outcome."""
    machine: dict[str, str] = Field(default_factory=dict)
    """Hardware, in words."""
    error_analysis: ErrorAnalysis | None = None
    fairness: Fairness | None = None
    """None where no audit was wanted."""
    outcome: Outcome | None = None
    """None in the report that a person reads before the run is approved."""
    out_of_scope: OutOfScope | None = None
    """None where no such text was wanted."""
    notes: tuple[str, ...] = ()
    """What a reader should know before quoting a number."""

    @model_validator(mode="after")
    def _classifier_on_every_test_set(self) -> Self:
        measured = {system.test_set for system in self.results if system.name == CLASSIFIER}
        if missing := [name for name in self.test_sets if name not in measured]:
            raise ValueError(
                f"results have no {CLASSIFIER} on test set {missing[0]!r}; expected one per test set. "
                "Measure it."
            )
        return self

    @property
    def test_sets(self) -> tuple[str, ...]:
        """Names of the test sets in order of appearance, human text before all."""
        names = dict.fromkeys(system.test_set for system in self.results)
        return tuple(sorted(names, key=lambda name: name != REAL))

    @property
    def deciding_set(self) -> str:
        """The test set that decides: human text where there is any."""
        return self.test_sets[0]

    @property
    def headline(self) -> str:
        """The metric that decides; see `Metrics.headline`."""
        own = self.metrics(CLASSIFIER, self.deciding_set)
        assert own is not None  # it is measured on every test set
        return own.headline

    def measured_how(self, test_set: str) -> str:
        """How a test set was measured, in words, such as `cross-validated, 5 folds`; else empty."""
        is_divided = self.n_folds and test_set == REAL
        return f"cross-validated, {self.n_folds} folds" if is_divided else ""

    @property
    def system_names(self) -> tuple[str, ...]:
        """Names of the systems, in order of appearance."""
        return tuple(dict.fromkeys(system.name for system in self.results))

    @property
    def n_accepted(self) -> int:
        """Texts accepted in all cells."""
        return sum(cell.accepted for cell in self.plan.cells)

    @property
    def n_wanted(self) -> int:
        """Texts wanted in all cells."""
        return sum(cell.wanted for cell in self.plan.cells)

    @property
    def n_sampled(self) -> int:
        """Texts sampled in all cells and rounds."""
        return sum(cell.n_sampled for cell in self.plan.cells)

    def result(self, name: str, test_set: str) -> SystemResult | None:
        """Result of one system, None if it was not measured there."""
        found = (system for system in self.results if (system.name, system.test_set) == (name, test_set))
        return next(found, None)

    def metrics(self, name: str, test_set: str) -> Metrics | None:
        """Metrics of one system, None if it was not measured there."""
        result = self.result(name, test_set)
        return result.metrics if result else None
