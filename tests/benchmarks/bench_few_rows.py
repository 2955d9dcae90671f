"""What a few human rows per label are worth, alone, beside synthetic rows, and to SetFit.

Run as:

    sentimill run --taxonomy goemotions
    pip install setfit==1.2.0
    python tests/benchmarks/bench_few_rows.py results/runs/RUN --real path/to/goemotions

For each number of rows per label and each seed, the same human rows go to four arms: the classifier on
them alone, on synthetic rows alone, on both, and SetFit (Tunstall et al. 2022, "Efficient Few-Shot Learning
Without Prompts") on them alone, with the same encoder and `--setfit-steps` steps of 16 pairs. All are
measured on the test split of the human data, without texts that stand in its training split. Arms of the
classifier see about as many rows in all (`--row-passes`), so that few rows are read often. In the arm of
both, human rows weigh as much as synthetic ones, but none more than `--max-weight`. Differences are paired,
with 95 % intervals by bootstrap over texts.

Without setfit that arm is left out. Figures are merged into results/bench/few-rows.json, one entry per data
set.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from recording import record  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from tasks.cli.train import read_run  # noqa: E402
from tasks.config import RunConfig, TrainingConfig  # noqa: E402
from tasks.data.columns import ids_of, targets_of, texts_of  # noqa: E402
from tasks.data.real_rows import real_rows, without_seen  # noqa: E402
from tasks.data.records import Row  # noqa: E402
from tasks.models.bundled import MINILM, minilm_folder  # noqa: E402
from tasks.pipeline.decision.ordinal_levels import IDENTITY  # noqa: E402
from tasks.pipeline.evaluation.comparison import Comparison, compare  # noqa: E402
from tasks.pipeline.evaluation.predictions import Predictions, levels_of  # noqa: E402
from tasks.pipeline.scrubbing import SCRUBBER_VERSION, scrub_rows  # noqa: E402
from tasks.pipeline.training.classifier.calibrate import calibrate_classifier  # noqa: E402
from tasks.pipeline.training.classifier.fit import fit_classifier  # noqa: E402
from tasks.stages.evaluation import predictions_of  # noqa: E402
from tasks.taxonomy import Taxonomy  # noqa: E402

OUT = ROOT / "results" / "bench" / "few-rows.json"
ALONE, SYNTHETIC, BOTH, SETFIT = "few alone", "synthetic alone", "synthetic + few", "SetFit, few"
PAIRS = ((BOTH, ALONE), (BOTH, SYNTHETIC), (BOTH, SETFIT))
MAX_EPOCHS = 200
VALIDATION = 0.2
"""Share of the human rows that choose the epoch and the thresholds."""


def draw(people: Sequence[Row], taxonomy: Taxonomy, n: int, seed: int) -> list[Row]:
    """Rows in random order until every label has `n`, or all that there are; a row serves all its labels."""
    rng, left = np.random.default_rng(seed), dict.fromkeys(taxonomy.names, n)
    chosen = []
    for i in rng.permutation(len(people)).tolist():
        wanted = [name for name in people[i]["labels"] if left[name] > 0]
        if wanted:
            chosen.append(people[i])
            for name in people[i]["labels"]:
                left[name] -= 1
    return chosen


def divided(rows: Sequence[Row], weight: float = 1.0) -> list[Row]:
    """Human rows, the last of them for validation; they are in random order."""
    n_train = len(rows) - max(1, round(VALIDATION * len(rows)))
    return [
        cast("Row", {**row, "split": "train" if i < n_train else "validation", "weight": weight})
        for i, row in enumerate(rows)
    ]


def by_classifier(
    rows: Sequence[Row],
    test: Sequence[Row],
    config: RunConfig,
    taxonomy: Taxonomy,
    row_passes: int,
    seed: int,
) -> Predictions:
    """What the classifier says after training on rows that are divided."""
    n_train = sum(row["split"] == "train" for row in rows)
    epochs = max(1, min(MAX_EPOCHS, round(row_passes / n_train)))
    training: TrainingConfig = config.training.model_copy(
        update={"epochs": epochs, "early_stopping_patience": epochs, "allow_missing_labels": True}
    )
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        trained = fit_classifier(
            rows, labels=taxonomy.names, training=training, seed=seed, scratch=folder / "scratch"
        )
        calibrate_classifier(
            trained,
            [row for row in rows if row["split"] == "validation"],
            taxonomy=taxonomy,
            evaluation=config.evaluation,
            scrubbing=config.scrubbing,
            scrubber=SCRUBBER_VERSION,
            folder=folder / "model",
        )
        return predictions_of(folder / "model", test, taxonomy)


def by_setfit(
    rows: Sequence[Row], test: Sequence[Row], base: str, taxonomy: Taxonomy, steps: int, seed: int
) -> Predictions:
    """What SetFit says after training on the same rows, all of them: it needs no validation."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    folder = str(minilm_folder()) if base == MINILM else base
    model = SetFitModel.from_pretrained(folder, multi_target_strategy="one-vs-rest")
    targets = targets_of(rows).astype(int)
    seen = np.flatnonzero((targets.min(axis=0) == 0) & (targets.max(axis=0) == 1))  # others cannot be fitted
    data = Dataset.from_dict({"text": texts_of(rows), "label": targets[:, seen].tolist()})
    with TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            max_steps=steps,
            seed=seed,
            report_to="none",
            save_strategy="no",
        )
        Trainer(model=model, args=arguments, train_dataset=data).train()
        found = np.asarray(model.predict_proba(texts_of(test), as_numpy=True), dtype=float)
    probabilities = np.tile(targets.mean(axis=0).astype(float), (len(test), 1))
    probabilities[:, seen] = found
    return Predictions(
        ids=ids_of(test),
        probabilities=probabilities,
        thresholds=np.full(taxonomy.n_labels, 0.5),
        targets=targets_of(test),
        levels=levels_of(probabilities, None, IDENTITY, taxonomy),
        weights=np.ones(len(test)),
    )


def arms(
    few: Sequence[Row], ours: Sequence[Row], test: Sequence[Row], options: argparse.Namespace, seed: int
) -> Iterator[tuple[str, Predictions]]:
    """Each arm on the same human rows."""
    config, taxonomy = options.config, options.labels
    given = config, taxonomy, options.row_passes, seed
    n_train = sum(row["split"] == "train" for row in ours)
    weight = min(options.max_weight, max(1.0, n_train / len(few)))
    yield ALONE, by_classifier(divided(few), test, *given)
    yield SYNTHETIC, by_classifier(ours, test, *given)
    yield BOTH, by_classifier([*ours, *divided(few, weight)], test, *given)
    if find_spec("setfit"):
        yield SETFIT, by_setfit(few, test, str(config.training.base), taxonomy, options.setfit_steps, seed)


def measure(options: argparse.Namespace) -> dict[int, Comparison]:
    """Scores and differences per number of rows."""
    options.config, options.labels, ours = read_run(options.run)
    ours = [row for row in ours if row["source"] == "synthetic"]
    scrubbing, taxonomy = options.config.scrubbing, options.labels
    people = real_rows(options.real, "train", taxonomy)
    test, _ = without_seen(real_rows(options.real, "test", taxonomy), people)
    test = scrub_rows(test[: options.max_test], scrubbing).kept
    found = {}
    for n in options.rows:
        said: dict[str, list[Predictions]] = {}
        for seed in range(options.seeds):
            few = scrub_rows(draw(people, taxonomy, n, seed), scrubbing).kept
            for name, predictions in arms(few, ours, test, options, seed):
                said.setdefault(name, []).append(predictions)
            sys.stderr.write(f"{n} per label, seed {seed}: {len(few)} human rows, {len(test)} test texts\n")
        found[n] = compare(said, taxonomy, PAIRS, 0)
    return found


def figures(found: dict[int, Comparison]) -> dict[str, Any]:
    """Macro-F1 of every arm, and the paired differences, as JSON."""
    return {
        str(n): {
            "f1_macro": {arm: scores["f1_macro"]._asdict() for arm, scores in each.scores.items()},
            "difference": {pair: scores["f1_macro"]._asdict() for pair, scores in each.differences.items()},
        }
        for n, each in found.items()
    }


def show(found: dict[int, Comparison]) -> None:
    """The table of docs/results/few-rows.md."""
    table = Table("rows per label", "arm", "macro-F1", "synthetic + few is ahead by")
    for n, each in found.items():
        for arm, scores in each.scores.items():
            value = scores["f1_macro"]
            ahead = each.differences.get(f"{BOTH} - {arm}", {}).get("f1_macro")
            shown = f"{ahead.value:+.3f} ({ahead.low:+.3f} to {ahead.high:+.3f})" if ahead else ""
            table.add_row(str(n), arm, f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})", shown)
    Console(width=110).print(table)


def main() -> None:
    """Measure, write, show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run, whose synthetic rows are used")
    parser.add_argument("--real", required=True, help="human data with a train and a test split")
    parser.add_argument("--rows", type=int, nargs="+", default=[8, 16, 64], help="human rows per label")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--row-passes", type=int, default=9_000)
    parser.add_argument("--setfit-steps", type=int, default=500, help="of 16 pairs")
    parser.add_argument("--max-weight", type=float, default=10.0)
    parser.add_argument("--max-test", type=int, default=None, help="first test rows alone, to try it out")
    options = parser.parse_args()
    found = measure(options)
    record(OUT, {f"{options.labels.name}, {Path(options.real).name}": figures(found)})
    show(found)


if __name__ == "__main__":
    main()
