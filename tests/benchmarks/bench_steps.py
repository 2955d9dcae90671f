"""What each step on the way from raw texts to a data set brings to a classifier.

Run as:

    python tests/benchmarks/bench_steps.py --real path/to/goemotions

Equally many rows for every arm, each arm one step further than the one before: texts of one label each, of
label sets, after hygiene, after votes, after quotas, and weighed by a slice of 500 real training rows.
Generations, classifier and measurement are those of `bench_votes.py`: GoEmotions dev, five seeds, logistic
regression on frozen embeddings. Exemplars are not among the steps: the embedded generator takes none.

Figures are merged into results/bench/quality.json.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from bench_votes import (  # noqa: E402
    OUT,
    SEEDS,
    TAXONOMY,
    Matrix,
    Vote,
    by_embeddings,
    gain,
    generator,
    macro_f1,
    raw_generations,
    resamples,
    targets_of,
    voted_generations,
)
from recording import record  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from tasks.config import VerifyingConfig  # noqa: E402
from tasks.data.real_rows import real_rows, without_seen  # noqa: E402
from tasks.data.records import Row  # noqa: E402
from tasks.models.embedding import embed  # noqa: E402
from tasks.pipeline.balancing import fill_quotas  # noqa: E402
from tasks.pipeline.balancing.mixing import weigh_rows  # noqa: E402
from tasks.pipeline.verification import verify_rows  # noqa: E402

N_SLICE = 500


def arms_of(seed: int, engine: object, vote: Vote, people: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Rows after each step; all of them, so of unequal number."""
    _, single = raw_generations(seed, engine, sets=False)
    yield "one label each", [row for row in single if row["text"].strip()]
    cells, raw = raw_generations(seed, engine)
    yield "label sets", [row for row in raw if row["text"].strip()]
    clean = voted_generations(seed, engine, vote)
    yield "hygiene", clean
    kept = verify_rows(clean, TAXONOMY, VerifyingConfig(), seed).kept
    yield "votes", kept
    filled = fill_quotas(kept, cells).kept
    yield "quotas", filled
    ours, theirs = (embed([row["text"] for row in rows]) for rows in (filled, people))
    yield "weights", weigh_rows(filled, people, ours, theirs, seed)


def steps(people: Sequence[Row], dev: Sequence[Row]) -> dict[str, object]:
    """Macro-F1 on dev after each step, and what it has over the step before."""
    engine, vote = generator()
    texts, true = [row["text"] for row in dev], targets_of(dev) > 0.5
    counts, scores = resamples(len(dev)), dict[str, list[Matrix]]()
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        some = [people[i] for i in rng.permutation(len(people))[:N_SLICE]]
        arms = dict(arms_of(seed, engine, vote, some))
        n = min(map(len, arms.values()))
        for name, rows in arms.items():
            chosen = [rows[i] for i in rng.permutation(len(rows))[:n]]
            train = [row["text"] for row in chosen], targets_of(chosen)
            importance = np.array([row["weight"] for row in chosen])
            decided = by_embeddings(train, texts, seed, importance)
            scores.setdefault(name, []).append(macro_f1(decided, true, counts))
        sys.stderr.write(f"seed {seed}: {n} rows\n")
    names = list(scores)
    return {
        "steps_macro_f1": {name: round(float(np.mean([f[0] for f in scores[name]])), 4) for name in names},
        "steps_gain": {name: gain(scores, name, before) for before, name in pairwise(names)},
    }


def show(found: dict[str, dict]) -> None:  # type: ignore[type-arg]
    """The table of the README."""
    table = Table("after", "macro-F1", "gained", "95 % interval", title="What each step brings")
    for name, value in found["steps_macro_f1"].items():
        more = found["steps_gain"].get(name)
        table.add_row(
            name,
            f"{value:.3f}",
            *((f"{more['gain']:+.3f}", "{:+.3f} to {:+.3f}".format(*more["interval_95"])) if more else ()),
        )
    Console(width=100).print(table)


def main() -> None:
    """Measure, write, show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--real", required=True, help="folder with GoEmotions train.tsv, dev.tsv and labels.txt"
    )
    folder = parser.parse_args().real
    people = real_rows(folder, "train", TAXONOMY)
    dev, _ = without_seen(real_rows(folder, "test", TAXONOMY), people)
    found = steps(people, dev)
    record(OUT, found)
    show(found)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
