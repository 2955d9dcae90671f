"""Train the classifier of a finished run again; under `accelerate launch` in several processes."""

import json
from pathlib import Path

from tasks.cli.options import TrainOptions
from tasks.config import RunConfig
from tasks.data.records import Row
from tasks.pipeline.scrubbing import SCRUBBER_VERSION
from tasks.pipeline.training.classifier.fit import fit_classifier
from tasks.storage.parquet import rows_of_parquet
from tasks.taxonomy import Taxonomy


def train(options: TrainOptions) -> None:
    """Train on the rows of a run, with its settings but for those that are given.

    Raises:
        FileNotFoundError: The run is not finished or not one.
        ValueError: The folder holds a finished model.
    """
    config, taxonomy, rows = read_run(options.run)
    if (options.folder / "model").exists():
        raise ValueError(f"{options.folder} holds a finished model; expected a folder without. Give another.")
    changes = options.training.model_dump(exclude_unset=True)
    training = type(config.training).model_validate(config.training.model_dump() | changes)
    sections = training, config.evaluation, config.scrubbing
    fit_classifier(rows, taxonomy, *sections, config.seed, options.folder, scrubber=SCRUBBER_VERSION)


def read_run(folder: Path) -> tuple[RunConfig, Taxonomy, list[Row]]:
    """Configuration, taxonomy, training and validation rows of a finished run.

    Raises:
        FileNotFoundError: if the folder is not one.
    """
    parts = [folder / "dataset" / f"{part}.parquet" for part in ("train", "validation")]
    for file in (folder / "config.json", folder / "scores.json", *parts):
        if not file.is_file():
            raise FileNotFoundError(
                f"{folder} has no {file.relative_to(folder)}; expected the folder of a finished run. "
                "Give results/runs/<run>."
            )
    config = RunConfig.model_validate(json.loads((folder / "config.json").read_text()))
    taxonomy = Taxonomy.model_validate(json.loads((folder / "scores.json").read_text())["taxonomy"])
    return config, taxonomy, [row for file in parts for row in rows_of_parquet(file.read_bytes())]
