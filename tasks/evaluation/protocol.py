"""The protocol: the same student on every mix of real and synthetic rows, and what the mixes differ by.

An arm says which rows are learnt from; nothing here sees a test text before a model is finished.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.bootstrap import (
    N_DRAWS,
    Estimate,
    Score,
    calibration_error,
    draw_counts,
    drawn,
    interval,
    macro_f1,
    mean_average_precision,
    micro_f1,
    pearson,
    quadratic_kappa,
    ranking_precisions,
    row_mean,
)
from tasks.evaluation.measuring import true_levels
from tasks.evaluation.metrics import N_BINS
from tasks.evaluation.placing import Line, place
from tasks.evaluation.thresholds import decide
from tasks.records import Record, Row
from tasks.taxonomy import Taxonomy

Matrix = NDArray[np.float64]

ENOUGH = 100
"""Test rows from which the F1 of a single label says something."""
N_FOLDS = 5


class ProofArm(Record):
    """One mix of rows."""

    name: str
    real: float
    """Share of the real training rows that is learnt from, 0..1."""
    synthetic: bool
    shuffled: bool = False
    """Whether the labels of the rows are dealt out anew, which leaves nothing to learn."""


class Predictions(NamedTuple):
    """What one model said about one test set; n texts."""

    ids: NDArray[np.str_]
    """(n,) of the rows."""
    probabilities: Matrix
    """(n, n_labels)."""
    thresholds: Matrix
    """(n_labels,)."""
    targets: Matrix
    """(n, n_labels) of 0 and 1, -1 where unknown."""
    levels: NDArray[np.int_]
    """(n,) places on the scale, 1..n_labels; 0 for taxonomies without one."""
    weights: Matrix
    """(n,) texts that each text stands for."""

    def rows(self, which: NDArray[np.int_]) -> "Predictions":
        """Some of the texts, by place."""
        per_row = {name: getattr(self, name)[which] for name in self._fields if name != "thresholds"}
        return self._replace(**per_row)

    @property
    def decided(self) -> Matrix:
        """(n, n_labels) of 0 and 1; an unknown label counts as rightly left out."""
        return np.where(self.targets < 0, 0.0, decide(self.probabilities, self.thresholds))

    @property
    def true(self) -> Matrix:
        """(n, n_labels) of 0 and 1; an unknown label counts as not there."""
        return np.maximum(self.targets, 0.0)


def arms(shares: Sequence[float]) -> tuple[ProofArm, ...]:
    """Every mix of the protocol; `shares` of real are taken with and without synthetic rows."""
    few = [
        ProofArm(
            name=f"{100 * share:g} % real" + (" + synthetic" if both else ""), real=share, synthetic=both
        )
        for share in shares
        for both in (False, True)
    ]
    return (
        ProofArm(name="real", real=1.0, synthetic=False),
        ProofArm(name="synthetic", real=0.0, synthetic=True),
        ProofArm(name="real + synthetic", real=1.0, synthetic=True),
        *few,
        ProofArm(name="synthetic, labels shuffled", real=0.0, synthetic=True, shuffled=True),
    )


def fold_of(row: Row) -> int:
    """Which of `N_FOLDS` parts a real row belongs to, 0-based, by its text alone."""
    return blake2b(row["text"].encode(), digest_size=2).digest()[0] % N_FOLDS


def draw_real(
    people: Sequence[Row], share: float, cap: int | None, validation: float, seed: int
) -> list[Row]:
    """Real rows of an arm with their split; a smaller share is part of a larger one.

    Args:
        people: All real training rows; those of the fold of this seed are held out.
        share: Share of them to draw.
        cap: Rows at most.
        validation: Share of the drawn rows that chooses thresholds.
        seed: Decides fold and order.
    """
    usable = [row for row in people if fold_of(row) != seed % N_FOLDS]
    wanted = min(round(share * len(people)), len(usable), cap or len(usable))
    order = np.random.default_rng(seed).permutation(len(usable))[:wanted]
    # Every so-manieth row validates, so that the validation of a smaller share is part of a larger one's.
    every = max(2, round(1 / validation))
    parts = ["validation" if i % every == every - 1 else "train" for i in range(wanted)]
    return [cast("Row", {**usable[i], "split": part}) for i, part in zip(order, parts, strict=True)]


def draw_synthetic(rows: Sequence[Row], cap: int | None, shuffled: bool, seed: int) -> list[Row]:
    """Synthetic rows of an arm: training and validation, capped alike, labels dealt anew if asked for."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    drawn = [rows[i] for i in order if rows[i]["split"] != "test"][: cap or len(rows)]
    if not shuffled:
        return drawn
    dealt = rng.permutation(len(drawn))
    return [
        cast("Row", {**row, **{name: drawn[i][name] for name in ("labels", "targets", "level")}})
        for row, i in zip(drawn, dealt, strict=True)
    ]


def rare_rows(people: Sequence[Row], rare: Sequence[str], seed: int, keep: float = 0.1) -> list[Row]:
    """Held-out fold of a seed for the rarest labels: all rows that carry one, a share of the others.

    The others get weight 1 / keep, so that F1 over the fold is estimated without bias at a tenth of the
    cost. Pooled over five seeds, every real row was held out once.
    """
    fold = [row for row in people if fold_of(row) == seed % N_FOLDS]
    lucky = np.random.default_rng(seed).random(len(fold)) < keep
    carries = [bool(set(row["labels"]) & set(rare)) for row in fold]
    return [
        cast("Row", {**row, "weight": 1.0 if is_rare else 1 / keep})
        for row, is_rare, kept in zip(fold, carries, lucky, strict=True)
        if is_rare or kept
    ]


def rarest(people: Sequence[Row], taxonomy: Taxonomy, n: int = 4) -> list[str]:
    """The labels that the fewest real rows carry, rarest first."""
    counts = np.array([row["targets"] for row in people]).clip(min=0).sum(axis=0)
    return [taxonomy.names[i] for i in np.argsort(counts, kind="stable")[:n]]


def scores_of(found: Predictions, taxonomy: Taxonomy) -> dict[str, Score]:
    """Every score of one model that gets an interval, by name."""
    decided, true = found.decided, found.true
    said = np.where(found.targets < 0, 0.0, found.probabilities)  # as `measure` counts what is unknown
    common = np.flatnonzero(true.sum(axis=0) >= ENOUGH)
    hits, either = (decided * true).sum(axis=1), np.maximum(decided, true).sum(axis=1)
    scores = {
        "f1_macro": macro_f1(decided, true),
        "f1_micro": micro_f1(decided, true),
        "jaccard": row_mean(np.where(either > 0, hits / np.maximum(either, 1), 0.0)),
        "mean_average_precision": mean_average_precision(said, true),
        "ranking_average_precision": row_mean(ranking_precisions(said, true)),
        "calibration_error": calibration_error(said, true, N_BINS),
        "brier": row_mean(((said - true) ** 2).mean(axis=1)),
    }
    if 0 < len(common) < taxonomy.n_labels:
        scores[f"f1_macro_of_{len(common)}_common"] = macro_f1(decided, true, common.tolist())
    if taxonomy.ordinal:
        scores |= _scale_scores(found, taxonomy)
    return scores


def _scale_scores(found: Predictions, taxonomy: Taxonomy) -> dict[str, Score]:
    """Kappa, correlation and mean absolute error over the texts of one level; the others count nothing."""
    true = true_levels(found.targets)
    known = true > 0
    kappa = quadratic_kappa(found.levels[known], true[known], taxonomy.n_labels)
    mae = row_mean(np.abs(found.levels[known] - true[known]).astype(float))
    correlation = pearson(found.levels[known].astype(float), true[known].astype(float))
    scores = {"kappa": kappa, "pearson": correlation, "mae": mae}
    return {name: _on_rows(score, known) for name, score in scores.items()}


def _on_rows(score: Score, known: NDArray[np.bool_]) -> Score:
    return lambda counts: score(counts[:, known])


def rare_f1(seeds: Sequence[Predictions], labels: Sequence[int]) -> Score:
    """Mean F1 of some labels over the held-out folds of all seeds pooled."""
    decided, true = (np.vstack([getattr(p, name) for p in seeds]) for name in ("decided", "true"))
    weights = np.concatenate([p.weights for p in seeds])
    score = macro_f1(decided, true, labels)
    return lambda counts: score(counts * weights)


class Compared(NamedTuple):
    """Scores of all arms and their differences."""

    scores: dict[str, dict[str, Estimate]]
    """Per arm and score."""
    differences: dict[str, dict[str, Estimate]]
    """Per "one - other" and score."""


def compare(
    found: Mapping[str, Sequence[Predictions]],
    taxonomy: Taxonomy,
    pairs: Iterable[tuple[str, str]],
    seed: int,
    n_draws: int = N_DRAWS,
) -> Compared:
    """Scores of every arm, and paired differences of some, with intervals.

    Args:
        found: Per arm one `Predictions` per seed, all on the same test rows.
        taxonomy: Names the labels.
        pairs: Arms to compare; those that were not measured are left out.
        seed: Decides the draws.
        n_draws: Test sets drawn for the intervals.
    """
    first = next(iter(found.values()))[0]
    counts = draw_counts(len(first.targets), seed, n_draws)
    draws = {name: _draws([scores_of(p, taxonomy) for p in seeds], counts) for name, seeds in found.items()}
    return Compared(
        {name: {s: interval(each) for s, each in own.items()} for name, own in draws.items()},
        {
            f"{one} - {other}": {s: interval(each - draws[other][s]) for s, each in draws[one].items()}
            for one, other in pairs
            if one in draws and other in draws
        },
    )


def _draws(seeds: Sequence[Mapping[str, Score]], counts: Matrix) -> dict[str, Matrix]:
    """Every score of an arm on every draw, mean over its seeds; see `drawn`."""
    return {name: drawn([scores[name] for scores in seeds], counts) for name in seeds[0]}


def to_bytes(found: Predictions) -> bytes:
    """One file of arrays; equal predictions give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **found._asdict())
    return buffer.getvalue()


def from_bytes(content: bytes) -> Predictions:
    """What `to_bytes` wrote; arrays alone, never code."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Predictions(**{name: arrays[name] for name in Predictions._fields})


def levels_of(
    probabilities: Matrix, levels: NDArray[np.int_] | None, line: Line, taxonomy: Taxonomy
) -> NDArray[np.int_]:
    """Places on the scale, (n,): those of the scale head, else by the probabilities; 0 without a scale."""
    if not taxonomy.ordinal:
        return np.zeros(len(probabilities), dtype=int)
    return place(probabilities, line) if levels is None else levels
