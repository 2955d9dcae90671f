"""From what the stages left to what people read: scores, cards, report, exports."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.data.plan_scores import CellFill
from tasks.data.records import UNLABELLED, Cell, Reject, Row, cell_key, cell_keys
from tasks.data.scores import REAL, ExampleText, RunScores, SystemResult
from tasks.pipeline.reporting.cards import dataset_card
from tasks.pipeline.reporting.exports import export_rows
from tasks.storage.parquet import parquet_bytes

SAMPLES_PER_LABEL = 8
EXAMPLES_PER_REASON = 3
EXAMPLE_CHARS = 160


def cell_counts(rows: Sequence[Row]) -> Counter[str]:
    """Synthetic rows per `Cell.key`; a mixed text counts once for the cell of each of its halves."""
    return Counter(key for row in rows if row["source"] == "synthetic" for key in cell_keys(row))


def scrub_counts(rows: Sequence[Row]) -> dict[str, int]:
    """Replacements per entity type over all rows."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row["scrubbed"])
    return dict(total.most_common())


def fills(
    cells: Sequence[Cell],
    accepted: Mapping[str, int],
    n_sampled: Mapping[str, int],
    rejects: Sequence[Reject] = (),
) -> tuple[CellFill, ...]:
    """What every cell wanted, accepted and drew, and why it is short if it is."""
    reasons: dict[str, Counter[str]] = {}
    for reject in rejects:
        if reject["row"]["source"] == "synthetic":
            why = f"{reject['stage']}: {reject['reason']}"
            reasons.setdefault(cell_key(reject["row"]), Counter())[why] += 1
    return tuple(
        CellFill(
            labels=cell.labels,
            topic=cell.topic,
            wanted=cell.wanted,
            accepted=accepted.get(cell.key, 0),
            n_sampled=n_sampled.get(cell.key, 0),
            **_main_reason(cell, accepted, reasons),
        )
        for cell in cells
    )


def _main_reason(
    cell: Cell, accepted: Mapping[str, int], reasons: Mapping[str, Counter[str]]
) -> dict[str, Any]:
    found = reasons.get(cell.key)
    if found is None or accepted.get(cell.key, 0) >= cell.wanted:
        return {}
    reason, n_texts = found.most_common(1)[0]
    return {"reason": reason, "n_reason": n_texts}


def samples(rows: Sequence[Row], labels: Sequence[str], seed: int) -> tuple[ExampleText, ...]:
    """Accepted synthetic texts to read, `SAMPLES_PER_LABEL` per label, drawn at random."""
    rng = np.random.default_rng(seed)
    chosen: dict[str, Row] = {}
    for label in labels:
        own = [row for row in rows if label in row["labels"] and row["source"] == "synthetic"]
        for i in rng.permutation(len(own))[:SAMPLES_PER_LABEL]:
            chosen[own[i]["id"]] = own[i]
    return tuple(
        ExampleText(text=row["text"], labels=tuple(row["labels"]), topic=row["topic"], style=row["style"])
        for row in chosen.values()
    )


def rejected_examples(rejects: Sequence[Reject], seed: int) -> dict[str, tuple[str, ...]]:
    """Some rejected synthetic texts per `stage: reason`, drawn at random, as they came, cut if long.

    Real texts are never shown: they may be somebody's.
    """
    rng = np.random.default_rng(seed)
    shown: dict[str, list[str]] = {}
    for i in rng.permutation(len(rejects)).tolist():
        reject = rejects[i]
        examples = shown.setdefault(f"{reject['stage']}: {reject['reason']}", [])
        if reject["row"]["source"] == "synthetic" and len(examples) < EXAMPLES_PER_REASON:
            text = " ".join(reject["row"]["text"][: 2 * EXAMPLE_CHARS].split())
            examples.append(text if len(text) <= EXAMPLE_CHARS else f"{text[:EXAMPLE_CHARS]} ...")
    return {reason: tuple(examples) for reason, examples in sorted(shown.items()) if examples}


def row_counts(rows: Sequence[Row], results: Sequence[SystemResult]) -> dict[str, int]:
    """Rows per split; how many of the training rows people wrote, and how many were measured on."""
    counts = {part: sum(row["split"] == part for row in rows) for part in ("train", "validation", "test")}
    counts["real train"] = sum(row["split"] == "train" and row["source"] == "real" for row in rows)
    if n_unlabelled := sum(row["source"] == UNLABELLED for row in rows):
        counts["unlabelled train"] = n_unlabelled
    measured = [system.metrics.n_rows for system in results if system.test_set == REAL]
    return counts | ({"real test": measured[0]} if measured else {})


def write_dataset(folder: Path, rows: Sequence[Row], scores: RunScores) -> None:
    """Parquet per split, JSONL, CSV and text files, and the card."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "validation", "test"):
        own = [row for row in rows if row["split"] == part]
        (folder / f"{part}.parquet").write_bytes(parquet_bytes(own))
    export_rows(list(rows), folder)
    (folder / "README.md").write_text(dataset_card(scores), encoding="utf-8")
