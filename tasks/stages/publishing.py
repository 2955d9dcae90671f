"""The end of a run: everything that people read goes into the results block, and the champion may change."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tasks.data.columns import PARTS
from tasks.data.plan_scores import Plan
from tasks.data.reading import read_dataset
from tasks.data.records import FilterResult, Reject, Row
from tasks.data.references import BlobRef, DatasetRef, ModelRef
from tasks.data.scores import CLASSIFIER, REAL, SYNTHETIC, ModelInfo, Review, RunScores
from tasks.data.summaries import Decision, Outcome, RunSummary
from tasks.orchestration import artifacts
from tasks.orchestration.caching import digest
from tasks.orchestration.run import RunContext
from tasks.orchestration.run_history import add_to_history
from tasks.pipeline.evaluation.predictions import from_bytes
from tasks.pipeline.evaluation.promotion import paired_differences, regressions, verdict
from tasks.pipeline.planning.rounds import QuotaState
from tasks.pipeline.reporting import model_card, render_report, summaries
from tasks.pipeline.reporting.data_review import short_cells, shortfall, why_short
from tasks.pipeline.reporting.provenance import command_of, now, versions
from tasks.pipeline.reporting.run_page_tables import fairness_rows, score_rows
from tasks.pipeline.training.classifier import load_settings
from tasks.pipeline.verification import outcome_counts
from tasks.stages.cross_validation import is_cross_validated
from tasks.stages.exporting import publish_exports
from tasks.stages.fairness import AuditedClassifier
from tasks.stages.scrubbing import report_scrubbing
from tasks.stages.unlabelled import drift_reference
from tasks.storage.champions import CHAMPION, read_champions, set_champion
from tasks.storage.hashing import sha256_of
from tasks.storage.hub import push_run
from tasks.storage.locks import exclusive_lock
from tasks.storage.store import write_json

LICENCES = {"embedded": "apache-2.0", "all-MiniLM-L6-v2": "apache-2.0"}


@dataclass(frozen=True)
class Candidate:
    """A run that is written down whole and may become champion."""

    rows: DatasetRef
    model: ModelRef
    scores: RunScores
    predictions: BlobRef
    """What the model said about the test set that decides."""
    folder: str


def publish(
    run: RunContext, quotas: QuotaState, rows: DatasetRef, review: Review, classifier: AuditedClassifier
) -> Candidate:
    """Write data set, model, scores, cards and report under `runs/<run>`."""
    model, evaluation, fairness = classifier
    data = run.store.get_rows(rows)
    rejects = run.rejected_rows()
    scores = _scores(run, quotas, data, rejects, classifier)
    scrubbing = report_scrubbing(run, quotas.before_scrubbing, rows, model)
    scores = scores.model_copy(update={"review": review, "fairness": fairness, "scrubbing": scrubbing})
    prefix = f"runs/{run.name}"
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        summaries.write_dataset(folder / "dataset", data, scores)
        files = {part: folder / "dataset" / f"{part}.parquet" for part in PARTS}
        parts = {part: sha256_of(file.read_bytes()) for part, file in files.items()}
        (folder / "dataset" / "rejects.parquet").write_bytes(
            run.store.read_path(run.store.put_rejects(rejects).uri)
        )
        if reference := drift_reference(run, model):
            (folder / "dataset" / "reference.parquet").write_bytes(run.store.read_path(reference.uri))
        run.store.put_tree(folder, prefix)
    run.store.put_tree(run.store.get_folder(model), f"{prefix}/model")
    publish_exports(run, data, model, f"{prefix}/model")
    write_json(run.store, f"{prefix}/config.json", run.config.model_dump(mode="json"))
    write_json(run.store, f"{prefix}/environment.json", {**scores.machine, **scores.versions})
    write_json(run.store, f"{prefix}/results.json", run.ledger.results)
    scores = scores.model_copy(update={"parts": parts})
    _write_scores(run, scores)
    return Candidate(rows, model, scores, evaluation.predictions, run.store.uri(prefix))


def _write_scores(run: RunContext, scores: RunScores) -> None:
    """Write report, model card and scores; these last, because a run with scores is complete."""
    prefix = f"runs/{run.name}"
    run.store.write_path(f"{prefix}/report.html", render_report(scores).encode())
    run.store.write_path(f"{prefix}/model/README.md", model_card(scores).encode())
    write_json(run.store, f"{prefix}/scores.json", scores.model_dump(mode="json"))


def promote(run: RunContext, candidate: Candidate, decision: Decision) -> RunSummary:
    """Promote a run to champion if the gate and the reviewer agree, and write down and show the outcome."""
    with exclusive_lock(run.store.scratch("locks"), CHAMPION):  # two runs may end at once
        before = read_champions(run.store).get(run.taxonomy.name)
        outcome = _decide(run, candidate, decision, before)
    _write_scores(run, candidate.scores.model_copy(update={"outcome": outcome}))
    artifacts.show_table(
        "scores",
        score_rows(candidate.scores, before, _test_name(run, candidate)),
        "Scores beside the baselines and the champion before",
    )
    _show(run, candidate.scores, outcome)
    if outcome.champion and run.config.push_to_hub:
        for path in push_run(run.store, run.name, run.config.push_to_hub):
            run.log_stage("push-to-hub", 0.0, path)
    add_to_history(run, candidate.scores)
    return RunSummary(
        run=run.name,
        folder=candidate.folder,
        report=f"{candidate.folder}/report.html",
        n_rows=candidate.rows.n_rows,
        outcome=outcome,
    )


def _scores(
    run: RunContext,
    quotas: QuotaState,
    data: Sequence[Row],
    rejects: Sequence[Reject],
    classifier: AuditedClassifier,
) -> RunScores:
    evaluation = classifier.scores
    settings = load_settings(run.store.get_folder(classifier.model))
    config = run.config
    names = run.taxonomy.names
    counted = {
        "real test texts also occur in the training data and were left out.": evaluation.n_seen_in_training,
        f"training texts are longer than {settings['max_length']} tokens and were truncated.": settings[
            "n_cut"
        ],
    }
    return RunScores(
        run=run.name,
        created=now(),
        command=command_of(run.user_config),
        config=config.model_dump(mode="json"),
        taxonomy=run.taxonomy,
        generator=_info(str(config.generator.model), config.generator.revision or run.generator_sha256),
        base=_info(str(config.training.base), config.training.revision or ""),
        plan=Plan(
            cells=summaries.fills(quotas.planned, summaries.cell_counts(data), quotas.n_sampled, rejects),
            rounds=quotas.n_rounds,
            ended=quotas.ended,
            history=run.ledger.rounds,
        ),
        rejects=FilterResult([], list(rejects)).counts(),
        rejected=summaries.rejected_examples(rejects, config.seed),
        votes=outcome_counts(data),
        scrubbed=summaries.scrub_counts(data),
        rows=summaries.row_counts(data, evaluation.results),
        results=evaluation.results,
        n_folds=evaluation.n_folds,
        error_analysis=evaluation.error_analysis,
        out_of_scope=evaluation.out_of_scope,
        thresholds=dict(zip(names, settings["thresholds"], strict=True)),
        samples=summaries.samples(data, names, config.seed),
        timings=run.ledger.timings,
        versions=versions(),
        machine={"processor": f"{os.cpu_count()} cores, {platform.machine()}", "system": platform.system()},
        notes=(
            *(f"{n:,} {what}" for what, n in counted.items() if n),
            *_told_of_cross_validation(run, evaluation.n_folds),
            *_told_of_real_data(run),
            *run.ledger.notes,
        ),
    )


def _told_of_cross_validation(run: RunContext, n_folds: int) -> list[str]:
    """What the scores on cross-validated rows hold for, and what they leave out."""
    if not is_cross_validated(run):
        return []
    told = []
    if n_folds:
        told.append(
            f"Human text is cross-validated, {n_folds} folds: each text is labelled by a classifier that was "
            "trained without it. The classifier that is published is trained on all of them."
        )
    readers = {
        "prompts showed them": run.config.generator.exemplars > 0,
        "the teacher learnt from them": run.config.verifying.teacher,
        "votes on unlabelled texts learnt from them": n_folds > 0 and run.unlabelled is not None,
    }
    if used := [reader for reader, is_on in readers.items() if is_on]:
        told.append(
            f"The human texts that are measured on took part in making the synthetic ones: "
            f"{' and '.join(used)}. Scores on them may be slightly too high."
        )
    return told


def _told_of_real_data(run: RunContext) -> list[str]:
    """What the reader guessed about the human data, and what it left out."""
    told = read_dataset(run.real.source).told if run.real else ()
    return [f"Real data: {'; '.join(told)}."] if told else []


def _info(name: str, revision: str) -> ModelInfo:
    return ModelInfo(name=Path(name).name, revision=revision, licence=LICENCES.get(name, "other"))


def _decide(
    run: RunContext, candidate: Candidate, decision: Decision, champion: Mapping[str, Any] | None
) -> Outcome:
    scores, taxonomy = candidate.scores, run.taxonomy
    test = _test_name(run, candidate)
    outcome = verdict(scores, champion, test, _worse(run, candidate.predictions, champion, test))
    if not decision.approved:
        outcome = Outcome(champion=False, reasons=(*outcome.reasons, decision.reason))
    if outcome.champion:
        measured = scores.metrics(CLASSIFIER, scores.deciding_set)
        entry = {
            "run": run.name,
            "model": candidate.model.model_dump(),
            "test": test,
            "f1_macro": measured.f1_macro if measured else 0.0,
            "kappa": measured.kappa if measured else None,
            "taxonomy": digest(taxonomy),
            "labels": list(taxonomy.names),
            "predictions": candidate.predictions.model_dump(),
        }
        set_champion(run.store, taxonomy.name, entry)
    return outcome


def _test_name(run: RunContext, candidate: Candidate) -> str:
    """Test set that decides, with its content hash: equal names are equal texts."""
    return f"{REAL} {run.real.sha256}" if run.real else f"{SYNTHETIC} {candidate.rows.sha256}"


def _worse(
    run: RunContext, predictions: BlobRef, champion: Mapping[str, Any] | None, test: str
) -> list[str] | None:
    """In what a run is worse than the champion on the same texts; None where that cannot be told."""
    if not champion or champion["test"] != test or "predictions" not in champion:
        return None
    before = BlobRef.model_validate(champion["predictions"])
    if champion["taxonomy"] != digest(run.taxonomy) or not run.store.intact(before):
        return None
    own, old = (from_bytes(run.store.get_blob(ref)) for ref in (predictions, before))
    return regressions(paired_differences(own, old, run.taxonomy, run.config.seed))


def _show(run: RunContext, scores: RunScores, outcome: Outcome) -> None:
    """Put the outcome on the run page."""
    measured = scores.metrics(CLASSIFIER, scores.deciding_set)
    labels = [
        {
            "label": score.label,
            "F1": round(score.f1, 3),
            "precision": round(score.precision, 3),
            "recall": round(score.recall, 3),
        }
        for score in (measured.per_label if measured else ())
    ]
    artifacts.show_table("label-scores", labels, f"Per label, on {scores.deciding_set} text")
    bars = {score.label: score.f1 for score in (measured.per_label if measured else ())}
    artifacts.show_bars("label-f1", bars, f"F1 per label, on {scores.deciding_set} text")
    if scores.fairness:
        table = fairness_rows(scores.fairness)
        artifacts.show_table("fairness", table, "Fairness, raw and as deployed")
    artifacts.show_rejects(scores.rejects, scores.rejected, "Rejected texts by reason, all rounds")
    artifacts.show_counts("scrubbed", scores.scrubbed, "Replacements in the accepted texts")
    prefix = run.store.uri(f"runs/{run.name}")
    short = [f"- {why_short(cell)}\n" for cell in short_cells(scores.plan)]
    if scores.plan.cells:
        said = f"{shortfall(scores.plan, scores.taxonomy)}\n\n{''.join(short)}"
        artifacts.show_page("quota-shortfall", said, "What could not be filled, and why")
    parts = {"report": "report.html", "data-set": "dataset", "model": "model"}
    lines = [f"- {what}: `{prefix}/{path}`\n" for what, path in parts.items()]
    artifacts.show_page("outcome", f"# {run.name}\n\n{outcome}\n\n{''.join(lines)}", "What the run left")
    for what, path in parts.items():
        artifacts.show_link(what, f"{prefix}/{path}", f"{what} of {run.name}")
