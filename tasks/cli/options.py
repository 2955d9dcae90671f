"""Options of the commands that are no flows. Quick to import: neither torch, transformers nor Prefect."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field
from pydantic_settings import CliPositionalArg

from tasks.config.base import Config
from tasks.config.exporting import ExportFormat
from tasks.config.filtering import DemographicCategory, Scope
from tasks.config.modelling import TrainingConfig
from tasks.config.real import RealConfig
from tasks.config.run import RunConfig


class RunOptions(RunConfig):
    """Everything that one run needs."""

    preview: bool = Field(False, title="Preview")
    """Only print three texts per label, cleaned and scrubbed; nothing is written."""


class TrainOptions(Config):
    """Train the classifier of a finished run again, with other settings or in several processes."""

    run: CliPositionalArg[Path] = Field(title="Run")
    """Folder of a finished run, such as results/runs/RUN."""
    folder: CliPositionalArg[Path] = Field(title="Folder")
    """Folder for checkpoints and the model; a stopped training continues there."""
    training: TrainingConfig = TrainingConfig()
    """Settings to change; the others are those of the run."""


class SearchOptions(Config):
    """Search training settings on the rows of a finished run; test rows are never read."""

    run: CliPositionalArg[Path] = Field(title="Run")
    """Folder of a finished run, such as results/runs/RUN."""
    trials: int = Field(20, ge=1, le=10_000, title="Trials")
    """Trainings."""


class ScrubOptions(Config):
    """Scrub a JSON Lines file to standard output; totals go to standard error as JSON."""

    file: CliPositionalArg[Path] = Field(title="File")
    """JSON Lines file with a `text` per row; - reads standard input."""
    scope: Scope = Field(Scope.person, title="Scope")
    """`person` replaces terms that describe people ("a French engineer"), `all` things too ("French ham")."""
    categories: tuple[DemographicCategory, ...] = Field(tuple(DemographicCategory), title="Categories")
    """Kinds of demographic terms that are replaced; none where it is given without a value."""
    keep_gender: bool = Field(False, title="Keep gender")
    """Leave gendered words and pronouns as they are."""


class DoctorOptions(Config):
    """Check versions, models, hardware, server, results block and deployments."""

    pool: str | None = Field(None, min_length=1, title="Work pool")
    """Work pool that must have a worker online."""


class DeployOptions(Config):
    """Make the results block, work pools, deployments and automations on the server at PREFECT_API_URL."""

    reset: bool = Field(False, title="Reset")
    """Replace pools and automations that exist by those of this version."""


class RollbackOptions(Config):
    """Show the champions, or roll one back; a service that serves it changes over by itself."""

    taxonomy: CliPositionalArg[str | None] = Field(None, title="Taxonomy")
    """Taxonomy whose champion is taken back; none only shows the champions."""


class ReferenceBandsOptions(Config):
    """Measure the reference range of text diversity, which reports show beside a data set's own figures."""

    sources: CliPositionalArg[list[str]] = Field(min_length=1, title="Sources")
    """Folders of real data sets, such as DATA/goemotions DATA/sst."""


class DataOptions(RealConfig):
    """Say what a human data set holds: columns, labels, lengths, duplicates, language; nothing is run."""

    path: CliPositionalArg[str] = Field(min_length=1, title="File, folder or hub name")
    """CSV, TSV, JSON lines, JSON, Parquet or XLSX file, a folder with one file per split, or `owner/name`."""
    taxonomy: str | None = Field(None, title="Taxonomy")
    """Taxonomy whose labels the data shall map to: one that ships, or the path of a YAML file."""
    propose_taxonomy: Path | None = Field(None, title="Propose a taxonomy")
    """YAML file to write, with the labels of the data; one that is there is never replaced."""


class ClassifyOptions(Config):
    """Label the rows of a file, or a text, as the service would."""

    source: CliPositionalArg[str] = Field(min_length=1, title="Source")
    """CSV, TSV, JSON lines, Parquet or other table with a column of texts; - reads standard input; anything
    that is no file is a text, which is answered in the terminal."""
    model: str = Field("champion", min_length=1, title="Model")
    """`champion`, the name of a run, or a model folder that a run wrote."""
    taxonomy: str | None = Field(None, title="Taxonomy")
    """Whose champion answers; needed where there are champions of several taxonomies."""
    out: Path | None = Field(None, title="Output")
    """File to write: .csv, .jsonl or .parquet; a stopped command that is given again continues. Empty writes
    to standard output, as CSV for CSV and as JSON lines for all else."""
    text: str | None = Field(None, min_length=1, title="Text column")
    """Column that holds the text; empty means that it is guessed."""
    scrub: bool = Field(True, title="Scrub")
    """Judge texts without names and demographics, as the model learnt; the rows that are written keep
    theirs."""
    workers: int = Field(2, ge=1, le=256, title="Workers")
    """Processes, each with a model of its own."""
    rows: int = Field(1_000, ge=1, le=100_000, title="Rows at a time")
    """Rows that a worker takes at a time; what is done is kept in portions of this size."""


class ExportOptions(Config):
    """Write the model of a run for another runtime, with labels, thresholds, calibration and a README."""

    model: CliPositionalArg[str] = Field(min_length=1, title="Model")
    """`champion`, the name of a run, or a model folder that a run wrote."""
    format: ExportFormat = Field(title="Runtime")
    """Runtime that loads it; the service runs `onnx` and `openvino`."""
    out: Path | None = Field(None, title="Folder")
    """Folder to write; an earlier export there is replaced. Empty writes beside the weights, where the
    service finds it."""
    taxonomy: str | None = Field(None, title="Taxonomy")
    """Whose champion is exported; needed where there are champions of several taxonomies."""


class ReviewForm(StrEnum):
    """What a review is written for."""

    label_studio = "label-studio"
    argilla = "argilla"
    sheet = "sheet"


class ReviewExportOptions(Config):
    """Write the rows of a run that are worth a person's look, or texts of your own to label first."""

    run: CliPositionalArg[str] = Field(min_length=1, title="Run")
    """`champion`, or the name or folder of a finished run."""
    out: Path = Field(title="Output")
    """File to write: .json for Label Studio or Argilla, .csv or .xlsx for a spreadsheet program."""
    form: ReviewForm | None = Field(None, title="Form")
    """`label-studio`, `argilla` or `sheet`; empty means what the ending of the file says."""
    rows: int = Field(200, ge=1, le=1_000_000, title="Rows")
    """Rows to write, at most."""
    unlabelled: Path | None = Field(None, title="Unlabelled texts")
    """Table of texts of your own; those that the classifier of the run is least sure about are written."""
    text: str | None = Field(None, min_length=1, title="Text column")
    """Column of that table that holds the text; empty means that it is guessed."""


class ReviewImportOptions(Config):
    """Read the answers to a review: human rows for the next run, and how far people and votes agree."""

    run: CliPositionalArg[str] = Field(min_length=1, title="Run")
    """The run that the review came from: `champion`, its name, or its folder."""
    answers: CliPositionalArg[Path] = Field(title="Answers")
    """What Label Studio (JSON, JSON_MIN, CSV), Argilla (records, data set) or a spreadsheet program saved."""
    out: Path = Field(title="Output")
    """CSV file to write, which `sentimill run --real` reads."""
