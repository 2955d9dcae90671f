"""The arms of the ablation: which rows each is trained on."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import cast

import numpy as np

from tasks.data.records import Record, Row
from tasks.taxonomy import Taxonomy

N_FOLDS = 5


class ProofArm(Record):
    """One mix of rows."""

    name: str
    real: float
    """Share of the real training rows that is learnt from, 0..1."""
    synthetic: bool
    shuffled: bool = False
    """Whether the labels of the rows are dealt out anew, which leaves nothing to learn."""


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
