"""Train the classifier of a finished run again; under `accelerate launch` in several processes."""

import json
from pathlib import Path

from accelerate import PartialState

from tasks.cli.options import TrainOptions
from tasks.config import RunConfig
from tasks.data.columns import parts_of
from tasks.data.records import Row
from tasks.pipeline.scrubbing import SCRUBBER_VERSION
from tasks.pipeline.training.classifier.calibrate import calibrate_classifier
from tasks.pipeline.training.classifier.fit import fit_classifier
from tasks.pipeline.training.classifier.initial_weights import head_meanings
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
    trained = fit_classifier(
        rows,
        labels=taxonomy.names,
        meanings=head_meanings(taxonomy),
        training=training,
        seed=config.seed,
        scratch=options.folder,
    )
    if PartialState().is_main_process:
        calibrate_classifier(
            trained,
            parts_of(rows)["validation"],
            taxonomy=taxonomy,
            evaluation=config.evaluation,
            scrubbing=config.scrubbing,
            scrubber=SCRUBBER_VERSION,
            folder=options.folder / "model",
        )


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
