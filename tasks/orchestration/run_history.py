"""The memory of a schedule: every finished run adds a line, and is compared with those before it."""

import json
from collections.abc import Sequence

from prefect import get_run_logger

from tasks.data.scores import CLASSIFIER, REAL, SYNTHETIC, RunScores
from tasks.orchestration import artifacts
from tasks.orchestration.caching import digest
from tasks.orchestration.events import OUT_OF_BAND, announce
from tasks.orchestration.run import Run
from tasks.pipeline.evaluation.drift import LEAST, NIGHTS, Night, bands, departures
from tasks.storage.block import ResultsStore, write_json


def remember(run: Run, scores: RunScores) -> tuple[str, ...]:
    """Add a run to the history of its configuration, show the last nights, and tell of departures.

    Runs are comparable if all but the seed is the same. Each is a file of its own, so that two runs at once
    do not overwrite each other.

    Returns:
        What lies outside its band, in words.
    """
    folder = f"nights/{digest(run.config.model_copy(update={'seed': 0}), run.taxonomy)}"
    earlier = [night for night in history(run.store, folder) if night.run != run.name]
    night = Night(run=run.name, created=scores.created, figures=figures(scores))
    write_json(run.store, f"{folder}/{run.name}.json", night.model_dump(mode="json"))
    expected = bands(earlier)
    odd = departures(night, expected)
    _show([*earlier, night], odd)
    if odd:
        get_run_logger().warning("outside the band of earlier nights: %s", "; ".join(odd.values()))
        announce(OUT_OF_BAND, run.name, {"departures": list(odd.values())})
    return tuple(odd.values())


def history(store: ResultsStore, folder: str) -> list[Night]:
    """Runs remembered in a folder, oldest first."""
    nights = [Night.model_validate(json.loads(store.read_path(path))) for path in store.list_files(folder)]
    return sorted(nights, key=lambda night: night.created)


def figures(scores: RunScores) -> dict[str, float]:
    """Scores of the classifier, acceptance, variety and length; those that the run has."""
    metrics = scores.metrics(CLASSIFIER, REAL if REAL in scores.test_sets else SYNTHETIC)
    drawn = sum(cell.drawn for cell in scores.plan.cells)
    found = {figure.name: figure.value for figure in scores.review.figures} if scores.review else {}
    if metrics:
        found |= {"f1_macro": metrics.f1_macro, "f1_micro": metrics.f1_micro}
    if drawn:
        found["acceptance"] = scores.n_accepted / drawn
    return {name: float(found[name]) for name in LEAST if name in found}


def _show(nights: Sequence[Night], odd: dict[str, str]) -> None:
    table = [_line(night, odd if night is nights[-1] else {}) for night in reversed(nights[-NIGHTS:])]
    artifacts.show_table("nights", table, "Drift over the runs of this configuration, the newest first")


def _line(night: Night, odd: dict[str, str]) -> dict[str, object]:
    rounded = {name: round(night.figures[name], 3) if name in night.figures else "" for name in LEAST}
    when = night.created[:16].replace("T", " ")
    return {"night": when, "run": night.run, **rounded, "outside its band": ", ".join(odd)}
