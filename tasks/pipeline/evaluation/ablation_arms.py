"""The arms of the ablation: which rows each is trained on."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import cast

import numpy as np

from tasks.data.records import Record, Row
from tasks.taxonomy import Taxonomy

N_FOLDS = 5


class AblationArm(Record):
    """One mix of rows."""

    name: str
    real: float
    """Share of the real training rows that is learnt from, 0..1."""
    synthetic: bool
    per_label: int | None = None
    """Real rows per label that are learnt from, in place of the share; None means the share."""
    shuffled: bool = False
    """Whether the labels are shuffled among the rows: a control, with nothing to learn."""


def few_name(n: int) -> str:
    """Name of the arm with `n` real rows per label."""
    return f"{n} real per label"


def arms(real_fractions: Sequence[float], few_rows: Sequence[int] = ()) -> tuple[AblationArm, ...]:
    """Every arm of the ablation.

    Args:
        real_fractions: Shares of the real rows that come with and without synthetic rows.
        few_rows: Real rows per label that come with and without synthetic rows.
    """
    few = [
        AblationArm(
            name=few_name(n) + (" + synthetic" if both else ""), real=0.0, per_label=n, synthetic=both
        )
        for n in few_rows
        for both in (False, True)
    ]
    few += [
        AblationArm(
            name=f"{100 * fraction:g} % real" + (" + synthetic" if both else ""),
            real=fraction,
            synthetic=both,
        )
        for fraction in real_fractions
        for both in (False, True)
    ]
    return (
        AblationArm(name="real", real=1.0, synthetic=False),
        AblationArm(name="synthetic", real=0.0, synthetic=True),
        AblationArm(name="real + synthetic", real=1.0, synthetic=True),
        *few,
        AblationArm(name="synthetic, labels shuffled", real=0.0, synthetic=True, shuffled=True),
    )


def possible(planned: Sequence[AblationArm], n_real: int) -> list[AblationArm]:
    """The arms that can be trained: without real training rows, those on synthetic rows alone."""
    return [arm for arm in planned if n_real or not (arm.real or arm.per_label)]


def fold_of(row: Row) -> int:
    """Which of `N_FOLDS` parts a real row belongs to, 0-based, by its text alone."""
    return blake2b(row["text"].encode(), digest_size=2).digest()[0] % N_FOLDS


def draw_real(
    real: Sequence[Row],
    arm: AblationArm,
    labels: Sequence[str],
    cap: int | None,
    validation: float,
    seed: int,
) -> list[Row]:
    """Real rows of an arm with their split; a smaller share is part of a larger one.

    Args:
        real: All real training rows; those of the fold of this seed are held out.
        arm: Says which share of them to draw, or how many per label.
        labels: Of the taxonomy.
        cap: Rows at most.
        validation: Share of the drawn rows that chooses thresholds.
        seed: Decides fold and order.
    """
    usable = [row for row in real if fold_of(row) != seed % N_FOLDS]
    if arm.per_label:
        drawn = draw_per_label(usable, labels, arm.per_label, seed)[: cap or len(usable)]
    else:
        wanted = min(round(arm.real * len(real)), len(usable), cap or len(usable))
        drawn = [usable[i] for i in np.random.default_rng(seed).permutation(len(usable))[:wanted]]
    # Every n-th row validates, so that the validation rows of a smaller fraction are part of a larger one's.
    every = max(2, round(1 / validation))
    parts = ["validation" if i % every == every - 1 else "train" for i in range(len(drawn))]
    return [cast("Row", {**row, "split": part}) for row, part in zip(drawn, parts, strict=True)]


def draw_per_label(real: Sequence[Row], labels: Sequence[str], n: int, seed: int) -> list[Row]:
    """Real rows in random order, each with a label that fewer than `n` rows before it carry.

    A row with several labels counts for all of them; fewer rows of a label come where there are no more.
    """
    missing = dict.fromkeys(labels, n)
    chosen = []
    for i in np.random.default_rng(seed).permutation(len(real)).tolist():
        own = real[i]["labels"]
        if any(missing[label] > 0 for label in own):
            chosen.append(real[i])
            for label in own:
                missing[label] -= 1
    return chosen


def draw_synthetic(rows: Sequence[Row], cap: int | None, shuffled: bool, seed: int) -> list[Row]:
    """Synthetic rows of an arm: training and validation rows, capped alike, labels shuffled if wanted."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    chosen = [rows[i] for i in order if rows[i]["split"] != "test"][: cap or len(rows)]
    if not shuffled:
        return chosen
    shuffled_order = rng.permutation(len(chosen))
    return [
        cast("Row", {**row, **{name: chosen[i][name] for name in ("labels", "targets", "level")}})
        for row, i in zip(chosen, shuffled_order, strict=True)
    ]


def rare_rows(real: Sequence[Row], rare: Sequence[str], seed: int, keep: float = 0.1) -> list[Row]:
    """Held-out fold of a seed for the rarest labels: all rows that carry one, a share of the others.

    The others get weight 1 / keep, so that F1 over the fold is estimated without bias at a tenth of the
    cost. Pooled over five seeds, every real row was held out once.
    """
    fold = [row for row in real if fold_of(row) == seed % N_FOLDS]
    is_sampled = np.random.default_rng(seed).random(len(fold)) < keep
    carries = [bool(set(row["labels"]) & set(rare)) for row in fold]
    return [
        cast("Row", {**row, "weight": 1.0 if is_rare else 1 / keep})
        for row, is_rare, kept in zip(fold, carries, is_sampled, strict=True)
        if is_rare or kept
    ]


def rarest(real: Sequence[Row], taxonomy: Taxonomy, n: int = 4) -> list[str]:
    """The labels that the fewest real rows carry, rarest first; none where there are no rows."""
    if not real:
        return []
    counts = np.array([row["targets"] for row in real]).clip(min=0).sum(axis=0)
    return [taxonomy.names[i] for i in np.argsort(counts, kind="stable")[:n]]
