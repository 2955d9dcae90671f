"""Options of the commands that are no flows. Quick to import: neither torch, transformers nor Prefect."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import CliPositionalArg

from tasks.config.base import Config
from tasks.config.filtering import DemographicCategory, Scope
from tasks.config.modelling import TrainingConfig


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
