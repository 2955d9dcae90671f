"""Run history: every finished run is recorded and compared with earlier runs of the same configuration."""

import json
from collections.abc import Sequence

from prefect import get_run_logger

from tasks.data.scores import CLASSIFIER, RunScores
from tasks.orchestration import artifacts
from tasks.orchestration.caching import digest
from tasks.orchestration.events import OUT_OF_BAND, emit_run_event
from tasks.orchestration.run import RunContext
from tasks.pipeline.evaluation.drift import MIN_HALF_WIDTHS, WINDOW, RunRecord, bands, departures
from tasks.storage.store import ResultsStore, write_json


def add_to_history(run: RunContext, scores: RunScores) -> tuple[str, ...]:
    """Record a run in the history of its configuration, show the last runs, and report drift.

    Runs are comparable if all but the seed is the same. Each is a file of its own, so that two runs at once
    do not overwrite each other.

    Returns:
        What lies outside its range, in words.
    """
    folder = f"history/{digest(run.config.model_copy(update={'seed': 0}), run.taxonomy)}"
    earlier = [record for record in history(run.store, folder) if record.run != run.name]
    record = RunRecord(run=run.name, created=scores.created, figures=figures(scores))
    write_json(run.store, f"{folder}/{run.name}.json", record.model_dump(mode="json"))
    expected = bands(earlier)
    odd = departures(record, expected)
    _show([*earlier, record], odd)
    if odd:
        get_run_logger().warning("outside the range of earlier runs: %s", "; ".join(odd.values()))
        emit_run_event(OUT_OF_BAND, run.name, {"departures": list(odd.values())})
    return tuple(odd.values())


def history(store: ResultsStore, folder: str) -> list[RunRecord]:
    """Runs remembered in a folder, oldest first."""
    records = [
        RunRecord.model_validate(json.loads(store.read_path(path))) for path in store.list_files(folder)
    ]
    return sorted(records, key=lambda record: record.created)


def figures(scores: RunScores) -> dict[str, float]:
    """Scores of the classifier, acceptance, variety and length; those that the run has."""
    metrics = scores.metrics(CLASSIFIER, scores.deciding_set)
    n_sampled = sum(cell.n_sampled for cell in scores.plan.cells)
    found = {figure.name: figure.value for figure in scores.review.figures} if scores.review else {}
    if metrics:
        found |= {"f1_macro": metrics.f1_macro, "f1_micro": metrics.f1_micro}
    if n_sampled:
        found["acceptance"] = scores.n_accepted / n_sampled
    return {name: float(found[name]) for name in MIN_HALF_WIDTHS if name in found}


def _show(records: Sequence[RunRecord], odd: dict[str, str]) -> None:
    table = [_line(record, odd if record is records[-1] else {}) for record in reversed(records[-WINDOW:])]
    artifacts.show_table("run-history", table, "Drift over the runs of this configuration, the newest first")


def _line(record: RunRecord, odd: dict[str, str]) -> dict[str, object]:
    rounded = {
        name: round(record.figures[name], 3) if name in record.figures else "" for name in MIN_HALF_WIDTHS
    }
    when = record.created[:16].replace("T", " ")
    return {"created": when, "run": record.run, **rounded, "outside its range": ", ".join(odd)}
