"""What the votes on labels are worth: wrong labels found, and what training gains by them.

Run as:

    python tests/benchmarks/bench_votes.py --real path/to/goemotions

Two measurements, both on GoEmotions dev, which neither the generator nor the teacher has seen (dev texts that
also stand in train are left out). The generator learnt from GoEmotions train, so "without real rows" means
that the run itself is given none.

1. Swapped labels: 2,000 dev rows, the label sets of 10 % of them exchanged. Found is the share of these among
   the rows whose label sets are believed least, at a given share of untouched rows flagged with them.
   GoEmotions' own labels are wrong now and then; such finds count as false alarms here.
2. Training value: five seeds of raw generations from the product's own plan; as many rows taken from them at
   random, after cleaning and votes, and after that with labels shuffled. The classifier is a logistic
   regression per label on frozen MiniLM embeddings (and, beside it, on TF-IDF); thresholds are chosen on
   out-of-fold probabilities of its own training rows for the label shares of the taxonomy. Fine-tuning would
   cost hours on two cores for twenty trainings.

Figures are merged into results/bench/quality.json. Generated texts are kept in results/bench/votes.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from recording import record
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from tasks.config import CleaningConfig, PlanConfig, PromptForm, RunConfig, VerifyingConfig  # noqa: E402
from tasks.data.real_rows import real_rows, without_seen  # noqa: E402
from tasks.data.records import Cell, Row  # noqa: E402
from tasks.data.votes import LIKELIHOOD, read_votes  # noqa: E402
from tasks.models.embedding import embed  # noqa: E402
from tasks.pipeline.balancing import fill_quotas  # noqa: E402
from tasks.pipeline.cleaning import clean_rows  # noqa: E402
from tasks.pipeline.decision.thresholds import decide, population_weights, tune_thresholds  # noqa: E402
from tasks.pipeline.evaluation.baselines import tfidf_logreg  # noqa: E402
from tasks.pipeline.planning.cells import plan_cells  # noqa: E402
from tasks.pipeline.planning.requests import build_requests  # noqa: E402
from tasks.pipeline.planning.rows import SampledText, rows_of  # noqa: E402
from tasks.pipeline.sampling import Request, load_engine  # noqa: E402
from tasks.pipeline.verification import Teacher, fit_teacher_and_weights, likelihood_votes, verify_rows  # noqa: E402
from tasks.pipeline.verification.aggregation import aggregate_votes, prior_of, set_probability, swap_labels  # noqa: E402
from tasks.pipeline.verification.out_of_fold import out_of_fold  # noqa: E402
from tasks.pipeline.verification.verify import evidence_of  # noqa: E402
from tasks.storage.parquet import parquet_bytes, rows_of_parquet  # noqa: E402
from tasks.taxonomy import load_taxonomy, load_topics  # noqa: E402

OUT = ROOT / "results" / "bench" / "quality.json"
SCRATCH = ROOT / "results" / "bench" / "votes"
TAXONOMY = load_taxonomy("goemotions")
TOPICS = load_topics()
SEEDS = range(5)
N_SWAPPED_FROM, SHARE_SWAPPED = 2_000, 0.1
FALSE_ALARMS = (0.01, 0.02, 0.05, 0.10, 0.15, 0.20)
PER_LABEL = 30
OVERSAMPLING = 2.0
"""Raw texts per text wanted: what a default run ends up drawing over all its rounds."""
RESAMPLES = 2_000
Matrix = np.ndarray
Vote = Callable[[Sequence[Row]], list[Row]]


def generator() -> tuple[object, Vote]:
    """The embedded generator, and what puts its votes on rows."""
    config = RunConfig(taxonomy="goemotions").resolved()
    engine = load_engine(config.generator)

    def vote(rows: Sequence[Row]) -> list[Row]:
        score = engine.log_likelihoods  # type: ignore[attr-defined]
        return likelihood_votes(rows, TAXONOMY, TOPICS.styles, PromptForm.chat, score)

    return engine, vote


def targets_of(rows: Sequence[Row]) -> Matrix:
    """Targets, (n_rows, n_labels)."""
    return np.array([row["targets"] for row in rows], dtype=float)


def taught(folder: str, vote: Vote) -> tuple[Teacher, dict[str, float]]:
    """A teacher from the train file, kept in the scratch folder."""
    model, weights = SCRATCH / "teacher.npz", SCRATCH / "weights.json"
    if not model.is_file():
        rows = real_rows(folder, "train", TAXONOMY)
        teacher, fitted = fit_teacher_and_weights(rows, TAXONOMY, VerifyingConfig(), 0, lambda own: vote(own))
        SCRATCH.mkdir(parents=True, exist_ok=True)
        weights.write_text(json.dumps(fitted))
        model.write_bytes(teacher.to_bytes())
    return Teacher.from_bytes(model.read_bytes()), json.loads(weights.read_text())


def swapped_found(
    dev: Sequence[Row], vote: Vote, teacher: Teacher, weights: dict[str, float]
) -> dict[str, object]:
    """Share of swapped labels found at each share of false alarms, mean over five draws of swaps."""
    rows = [dev[i] for i in np.random.default_rng(0).permutation(len(dev))[:N_SWAPPED_FROM]]
    vectors, texts = embed([row["text"] for row in rows]), [row["text"] for row in rows]
    own = read_votes(vote(rows), LIKELIHOOD, TAXONOMY.names)
    by_teacher = teacher.probabilities(texts)
    config = VerifyingConfig()
    curves: dict[str, list[list[float]]] = {}
    for seed in SEEDS:
        labels = swap_labels([tuple(row["labels"]) for row in rows], SHARE_SWAPPED, seed)
        swapped = np.array([set(new) != set(row["labels"]) for new, row in zip(labels, rows, strict=True)])
        given = np.array([TAXONOMY.targets_of(new) for new in labels]) > 0
        likelihood = own.copy()
        changed = [cast("Row", {**rows[i], "labels": list(labels[i])}) for i in np.flatnonzero(swapped)]
        likelihood[swapped] = read_votes(vote(changed), LIKELIHOOD, TAXONOMY.names)
        groups = [row["id"] for row in rows]
        votes = {
            "likelihood": likelihood,
            "folds": out_of_fold(vectors, given, groups, config.folds, seed),
            "teacher": by_teacher,
        }
        evidence = evidence_of(votes)
        heard = {
            "with teacher": (evidence, weights),
            "without real rows": ({k: evidence[k] for k in ("likelihood", "folds")}, config.weights),
            **{f"{name} alone": ({name: evidence[name]}, config.weights) for name in evidence},
        }
        for name, (said, by) in heard.items():
            label_probabilities = aggregate_votes(prior_of(given, config.label_prior), said, by)
            whole = set_probability(given, label_probabilities)
            cuts = np.quantile(whole[~swapped], FALSE_ALARMS)
            curves.setdefault(name, []).append([float((whole[swapped] < cut).mean()) for cut in cuts])
    curve = {
        name: dict(zip(map(str, FALSE_ALARMS), np.round(np.mean(found, axis=0), 4).tolist(), strict=True))
        for name, found in curves.items()
    }
    return {
        "swapped_found_with_teacher": curve["with teacher"]["0.1"],
        "swapped_found_without_real": curve["without real rows"]["0.1"],
        "swapped_found_at_false_alarm": curve,
        "vote_weights_fitted_on_train": weights,
    }


def raw_generations(seed: int, engine: object, sets: bool = True) -> tuple[list[Cell], list[Row]]:
    """Cells of a plan, with label sets or one label each, and the texts drawn for them; kept in scratch."""
    plan = PlanConfig(texts_per_label=PER_LABEL, oversampling=OVERSAMPLING)
    if not sets:
        plan = plan.model_copy(update={"multi_label_fraction": 0.0})
    config = RunConfig(taxonomy="goemotions", seed=seed, plan=plan).resolved()
    cells = plan_cells(config, TAXONOMY, TOPICS)
    file = SCRATCH / f"raw-{PER_LABEL}-{seed}{'' if sets else '-single'}.parquet"
    if not file.is_file():
        cell_requests = [build_requests(cell, TAXONOMY, TOPICS, PromptForm.chat) for cell in cells]

        def fill(number: int) -> list[Row]:
            cell_request = cell_requests[number]
            requests = [Request(w.prompt, w.n, w.seed, w.unconditional_prompt) for w in cell_request.requests]
            samples = [engine.sample(request) for request in requests]  # type: ignore[attr-defined]
            sampled_texts = [[SampledText(s.text, s.finish == "length") for s in own] for own in samples]
            return rows_of(cell_request, sampled_texts, TAXONOMY, "embedded", "")

        with ThreadPoolExecutor(24) as threads:
            rows = [row for own in threads.map(fill, range(len(cell_requests))) for row in own]
        SCRATCH.mkdir(parents=True, exist_ok=True)
        file.write_bytes(parquet_bytes(rows))
    return cells, rows_of_parquet(file.read_bytes())


def voted_generations(seed: int, engine: object, vote: Vote) -> list[Row]:
    """The texts of a seed that cleaning kept, with the generator's votes; kept in the scratch folder."""
    file = SCRATCH / f"voted-{PER_LABEL}-{seed}.parquet"
    if not file.is_file():
        _, raw = raw_generations(seed, engine)
        file.write_bytes(parquet_bytes(vote(clean_rows(raw, CleaningConfig()).kept)))
    return rows_of_parquet(file.read_bytes())


def arms_of(
    seed: int, engine: object, vote: Vote, teacher: Teacher, weights: dict[str, float]
) -> dict[str, list[Row]]:
    """Equally many rows: raw, after the stages, the same with shuffled labels, and with a teacher's vote."""
    cells, raw = raw_generations(seed, engine)
    rng = np.random.default_rng(seed)
    voted = voted_generations(seed, engine, vote)
    config = VerifyingConfig()
    filtered = fill_quotas(verify_rows(voted, TAXONOMY, config, seed).kept, cells).kept
    helped = fill_quotas(verify_rows(voted, TAXONOMY, config, seed, teacher, weights).kept, cells).kept
    n = min(len(filtered), len(helped))
    some = {
        name: [rows[i] for i in rng.permutation(len(rows))[:n]]
        for name, rows in (
            ("raw", [row for row in raw if row["text"].strip()]),
            ("after the stages", filtered),
            ("with a teacher", helped),
        )
    }
    cell_request = rng.permutation(n)
    some["shuffled labels"] = [
        cast("Row", {**row, "targets": some["after the stages"][i]["targets"]})
        for row, i in zip(some["after the stages"], cell_request, strict=True)
    ]
    return some


def by_embeddings(
    train: tuple[list[str], Matrix], test: Sequence[str], seed: int, importance: Matrix | None = None
) -> Matrix:
    """Decided labels of the test texts, (n_test, n_labels), by one logistic regression per label."""
    vectors, targets = embed(train[0]), train[1]
    counted = np.ones(len(targets)) if importance is None else importance
    out = np.zeros(targets.shape)
    for learn, judge in KFold(3, shuffle=True, random_state=seed).split(vectors):
        out[judge] = _fit(vectors[learn], targets[learn], vectors[judge], counted[learn])
    weights = population_weights(targets, cast("tuple[float, ...]", TAXONOMY.shares))
    thresholds = tune_thresholds(out, targets, 20, weights)
    return decide(_fit(vectors, targets, vectors_of(tuple(test)), counted), thresholds)


@cache
def vectors_of(texts: tuple[str, ...]) -> Matrix:
    """Embeddings of texts that every arm is measured on."""
    return embed(texts)


def _fit(vectors: Matrix, targets: Matrix, others: Matrix, counted: Matrix) -> Matrix:
    """Probabilities, (n_others, n_labels); unknown targets are left out of their label's fit."""
    found = np.zeros((len(others), targets.shape[1]))
    for label, column in enumerate(targets.T):
        known = column >= 0
        model = LogisticRegression(C=10.0, max_iter=100)
        model.fit(vectors[known], column[known] >= 0.5, sample_weight=counted[known])
        found[:, label] = model.predict_proba(others)[:, 1]
    return found


def by_words(train: tuple[list[str], Matrix], test: list[str], seed: int) -> Matrix:
    """Decided labels by TF-IDF; thresholds on a tenth of the rows."""
    texts, targets = train
    cut = len(texts) // 10
    weights = population_weights(targets[:cut], cast("tuple[float, ...]", TAXONOMY.shares))
    found = tfidf_logreg(
        texts[cut:], targets[cut:], texts[:cut], targets[:cut], {"dev": test}, seed, 20, weights
    )
    return decide(found.probabilities["dev"], found.thresholds)


def macro_f1(decided: Matrix, true: Matrix, counts: Matrix) -> Matrix:
    """Macro-F1 of each resample, (n_resamples,); counts (n_resamples, n) say how often each row is in it."""
    hits, said, are = (counts @ x.astype(float) for x in (decided & true, decided, true))
    return (2 * hits / np.maximum(said + are, 1)).mean(axis=1)


def resamples(n: int) -> Matrix:
    """How often each of n rows is in each resample, (1 + RESAMPLES, n); the first is the data as it is."""
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(float)
    return np.vstack([np.ones(n), drawn])


def training_value(
    dev: Sequence[Row], engine: object, vote: Vote, teacher: Teacher, weights: dict[str, float]
) -> dict[str, object]:
    """Macro-F1 on dev of every arm; what the stages add over raw text, with a paired bootstrap interval."""
    texts, true = [row["text"] for row in dev], targets_of(dev) > 0.5
    counts = resamples(len(dev))
    scores: dict[str, dict[str, list[Matrix]]] = {"embeddings": {}, "words": {}}
    n_rows = []
    for seed in SEEDS:
        start = time.perf_counter()
        for arm, rows in arms_of(seed, engine, vote, teacher, weights).items():
            train = [row["text"] for row in rows], targets_of(rows)
            n_rows.append(len(rows))
            for kind, learn in (("embeddings", by_embeddings), ("words", by_words)):
                if kind == "words" and arm not in ("raw", "after the stages"):
                    continue
                f1 = macro_f1(learn(train, texts, seed), true, counts)
                scores[kind].setdefault(arm, []).append(f1)
        sys.stderr.write(f"seed {seed}: {n_rows[-1]} rows, {time.perf_counter() - start:.0f} s\n")
    return {
        "value_over_raw_macro_f1": gain(scores["embeddings"], "after the stages", "raw"),
        "value_over_raw_macro_f1_with_teacher": gain(scores["embeddings"], "with a teacher", "raw"),
        "value_over_raw_macro_f1_by_words": gain(scores["words"], "after the stages", "raw"),
        "value_arms_macro_f1": {
            kind: {arm: [round(float(f[0]), 4) for f in f1] for arm, f1 in arms.items()}
            for kind, arms in scores.items()
        },
        "value_rows_per_arm": sorted(set(n_rows)),
    }


def gain(arms: dict[str, list[Matrix]], arm: str, over: str) -> dict[str, object]:
    """What one arm has over another in the mean of its seeds, with its paired bootstrap interval."""
    found = np.mean(arms[arm], axis=0) - np.mean(arms[over], axis=0)
    low, high = np.quantile(found[1:], [0.025, 0.975])
    return {"gain": round(float(found[0]), 4), "interval_95": [round(float(low), 4), round(float(high), 4)]}


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--real", required=True, help="folder with GoEmotions train.tsv, dev.tsv and labels.txt"
    )
    parser.add_argument("--only", choices=("draw", "swapped", "value"), help="one part of the work")
    arguments = parser.parse_args()
    engine, vote = generator()
    if arguments.only in (None, "draw"):
        for seed in SEEDS:
            voted_generations(seed, engine, vote)
    if arguments.only == "draw":
        return
    train = real_rows(arguments.real, "train", TAXONOMY)
    dev, n_seen = without_seen(real_rows(arguments.real, "test", TAXONOMY), train)
    record(OUT, {"votes_dev_rows": len(dev), "votes_dev_rows_seen_in_train": n_seen})
    teacher, weights = taught(arguments.real, vote)
    if arguments.only in (None, "swapped"):
        record(OUT, swapped_found(dev, vote, teacher, weights))
    if arguments.only in (None, "value"):
        record(OUT, training_value(dev, engine, vote, teacher, weights))


if __name__ == "__main__":
    main()
