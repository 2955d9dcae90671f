"""From a finished model folder and the rows of its run to an export."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.config.exporting import ExportFormat
from tasks.data.columns import targets_of, texts_of
from tasks.data.records import Row
from tasks.pipeline.exporting.manifest import Export
from tasks.pipeline.exporting.running import Judged
from tasks.pipeline.exporting.writing import Evaluated, Labelled, write_export
from tasks.pipeline.training.classifier import load_classifier, predict_levels


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
