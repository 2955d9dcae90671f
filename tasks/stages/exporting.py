"""From a finished model folder and the rows of its run to an export."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tasks.config.exporting import ExportFormat
from tasks.data.columns import parts_of, targets_of, texts_of
from tasks.data.records import Row
from tasks.data.references import ModelRef
from tasks.orchestration.run import RunContext
from tasks.pipeline.exporting.manifest import Export
from tasks.pipeline.exporting.running import Judged
from tasks.pipeline.exporting.writing import Evaluated, Labelled, write_export
from tasks.pipeline.training.classifier import load_classifier, predict_levels
from tasks.stages.real_data import read_again

MAX_EXPORT_ROWS = 2_000
"""Rows that an export's decisions are fitted and compared on, at most."""


def export_classifier(
    model: Path,
    sha256: str,
    target: ExportFormat,
    folder: Path,
    *,
    run: str,
    validation: Labelled,
    held_out: Labelled,
) -> Export:
    """Write an export of a model folder, compared with the model on held-out rows.

    Args:
        model: Model folder that a run wrote.
        sha256: Its checksum.
        target: For which runtime.
        folder: Where to.
        run: Name of the run.
        validation: Rows that int8's decision rule is fitted on.
        held_out: Rows that the export is compared on.

    Raises:
        ValueError: A package is missing.
    """
    classifier, tokenizer, settings = load_classifier(model)
    judge = as_judge(classifier, tokenizer, settings["max_length"])
    evaluated = Evaluated(classifier, tokenizer, settings, sha256, judge, validation, held_out)
    return write_export(evaluated, target, folder, run)


def labelled(rows: Sequence[Row]) -> Labelled:
    """(text, targets) of rows."""
    return list(zip(texts_of(rows), targets_of(rows).tolist(), strict=True))


def as_judge(model: Any, tokenizer: Any, max_length: int) -> Any:
    """The evaluated classifier itself as a `Judge`."""

    def judge(texts: Sequence[str]) -> Judged:
        found = predict_levels(model, tokenizer, texts, max_length)
        return Judged(found.probabilities.astype(float), found.levels, [])

    return judge


def publish_exports(run: RunContext, data: Sequence[Row], model: ModelRef, prefix: str) -> None:
    """Write the exports that the configuration asks for, compared on the test rows that decide."""
    if not run.config.export:
        return
    parts = parts_of(data)
    held_out = run.store.get_rows(read_again(run, "test").kept) if run.real else parts["test"]
    with TemporaryDirectory() as scratch:
        for target in run.config.export:
            written = export_classifier(
                run.store.get_folder(model),
                model.sha256,
                target,
                Path(scratch) / target,
                run=run.name,
                validation=labelled(parts["validation"][:MAX_EXPORT_ROWS]),
                held_out=labelled(held_out[:MAX_EXPORT_ROWS]),
            )
            refused = "; ".join(f"{name} is not offered: {why}" for name, why in written.refused.items())
            run.log_stage("export", 0.0, f"{target}, {written.chosen}{f'; {refused}' if refused else ''}")
        run.store.put_tree(Path(scratch), prefix)
