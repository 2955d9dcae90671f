"""The end of a run: everything that people read goes into the results block, and the champion may change."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tasks import publishing, runpage
from tasks.caching import digest
from tasks.records import Cell, DatasetRef, ModelRef, Row, RunSummary
from tasks.reporting import model_card, write_report
from tasks.reporting.scores import CLASSIFIER, REAL, ModelInfo, Plan, RunScores
from tasks.reporting.scrubbing import ScrubAccount
from tasks.runs import Run, account_scrubbing, reject_counts, rejects_of
from tasks.stages import Evaluation
from tasks.store import write_json
from tasks.training import load_settings

CHAMPION = "champion.json"
LICENCES = {"embedded": "apache-2.0", "all-MiniLM-L6-v2": "apache-2.0"}


def publish(
    run: Run, planned: Sequence[Cell], rows: DatasetRef, model: ModelRef, evaluation: Evaluation
) -> RunSummary:
    """Write data set, model, scores, cards and report under `runs/<run>`; crown it if it earned it."""
    data = run.store.get_rows(rows)
    scores = _scores(run, planned, data, model, evaluation, account_scrubbing(run, rows, model))
    test = f"{REAL} {run.real.sha256}" if run.real else f"synthetic {rows.sha256}"
    prefix = f"runs/{run.name}"
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        publishing.write_dataset(folder / "dataset", data, scores)
        (folder / "dataset" / "rejects.parquet").write_bytes(
            run.store.read_path(run.store.put_rejects(rejects_of(run)).uri)
        )
        write_report(folder, scores)
        run.store.put_tree(folder, prefix)
    run.store.put_tree(run.store.get_folder(model), f"{prefix}/model")
    run.store.write_path(f"{prefix}/model/README.md", model_card(scores).encode())
    write_json(run.store, f"{prefix}/config.json", run.config.model_dump(mode="json"))
    write_json(run.store, f"{prefix}/environment.json", {**scores.machine, **scores.versions})
    # Last of all: a run with scores is complete.
    write_json(run.store, f"{prefix}/scores.json", scores.model_dump(mode="json"))
    is_champion, reasons = _crown(run, scores, model, test)
    _show(run, scores, is_champion, reasons)
    return RunSummary(
        run=run.name,
        folder=run.store.uri(prefix),
        report=run.store.uri(f"{prefix}/report.html"),
        n_rows=len(data),
        champion=is_champion,
        reasons=reasons,
    )


def _scores(
    run: Run,
    planned: Sequence[Cell],
    data: Sequence[Row],
    model: ModelRef,
    evaluation: Evaluation,
    scrubbing: ScrubAccount,
) -> RunScores:
    settings = load_settings(run.store.get_folder(model))
    config = run.config
    names = run.taxonomy.names
    notes = [f"{evaluation.n_seen_in_training} real test texts stand in training and were left out."]
    return RunScores(
        run=run.name,
        created=publishing.now(),
        command=publishing.command_of(run.asked),
        config=config.model_dump(mode="json"),
        taxonomy=run.taxonomy,
        generator=_info(str(config.generator.model), config.generator.revision or run.generator_sha256),
        base=_info(str(config.training.base), config.training.revision or ""),
        plan=Plan(
            cells=publishing.fills(planned, publishing.cell_counts(data), run.drawn), rounds=run.rounds
        ),
        rejects=reject_counts(run),
        scrubbed=publishing.scrub_counts(data),
        scrubbing=scrubbing,
        rows=publishing.row_counts(data, evaluation.arms),
        arms=evaluation.arms,
        thresholds=dict(zip(names, settings["thresholds"], strict=True)),
        samples=publishing.samples(data, names, config.seed),
        timings=run.timings,
        versions=publishing.versions(),
        machine={"processor": f"{os.cpu_count()} cores, {platform.machine()}", "system": platform.system()},
        notes=tuple(notes) if evaluation.n_seen_in_training else (),
    )


def _info(name: str, revision: str) -> ModelInfo:
    return ModelInfo(name=Path(name).name, revision=revision, licence=LICENCES.get(name, "other"))


def _crown(run: Run, scores: RunScores, model: ModelRef, test: str) -> tuple[bool, tuple[str, ...]]:
    champions = json.loads(run.store.read_path(CHAMPION)) if run.store.exists(CHAMPION) else {}
    name = run.taxonomy.name
    is_champion, reasons = publishing.verdict(scores, champions.get(name), test)
    if is_champion:
        measured = scores.metrics(CLASSIFIER, scores.test_sets[0])
        champions[name] = {
            "run": run.name,
            "model": model.model_dump(),
            "test": test,
            "f1_macro": measured.f1_macro if measured else 0.0,
            "taxonomy": digest(run.taxonomy),
        }
        write_json(run.store, CHAMPION, champions)
    return is_champion, reasons


def _show(run: Run, scores: RunScores, is_champion: bool, reasons: Sequence[str]) -> None:
    """Put the outcome on the run page."""
    rows: list[dict[str, object]] = [
        {
            "test": arm.test_set,
            "what": arm.name,
            "macro-F1": round(arm.metrics.f1_macro, 4),
            "micro-F1": round(arm.metrics.f1_micro, 4),
            **({"kappa": round(arm.metrics.kappa, 4)} if arm.metrics.kappa is not None else {}),
            "rows": arm.metrics.n_rows,
        }
        for arm in scores.arms
    ]
    runpage.show_table("scores", rows, "Scores beside the baselines")
    measured = scores.metrics(CLASSIFIER, scores.test_sets[0])
    labels = [
        {
            "label": score.label,
            "F1": round(score.f1, 3),
            "precision": round(score.precision, 3),
            "recall": round(score.recall, 3),
        }
        for score in (measured.per_label if measured else ())
    ]
    runpage.show_table("label-scores", labels, f"Per label, on {scores.test_sets[0]} text")
    bars = {score.label: score.f1 for score in (measured.per_label if measured else ())}
    runpage.show_bars("label-f1", bars, f"F1 per label, on {scores.test_sets[0]} text")
    runpage.show_counts("scrubbed", scores.scrubbed, "Replacements in the accepted texts")
    prefix = run.store.uri(f"runs/{run.name}")
    fate = "champion" if is_champion else "candidate: " + "; ".join(reasons)
    runpage.show_page(
        "outcome",
        f"# {run.name}\n\n{fate}\n\n- report: `{prefix}/report.html`\n- data set: `{prefix}/dataset`\n"
        f"- model: `{prefix}/model`\n",
        "What the run left",
    )
