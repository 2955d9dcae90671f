"""From what the stages left to what people read: scores, cards, report, exports."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np

from tasks.config import RunConfig
from tasks.equity import AxisScore, Fairness, GroupScore
from tasks.exports import export_rows
from tasks.orders import cell_key, cell_keys
from tasks.parquet import parquet_bytes
from tasks.records import Cell, Reject, Row
from tasks.reporting.cards import dataset_card
from tasks.reporting.scores import CLASSIFIER, REAL, SYNTHETIC, TFIDF, Arm, CellFill, RunScores, Sample

PACKAGES = (
    "accelerate",
    "cleanlab",
    "datasets",
    "presidio-analyzer",
    "prefect",
    "torch",
    "transformers",
)
SAMPLES_PER_LABEL = 4
EXAMPLES_PER_REASON = 3
EXAMPLE_CHARS = 160


def versions() -> dict[str, str]:
    """Python and the packages that decide the outcome."""
    return {"python": python_version(), **{name: version(name) for name in PACKAGES}}


def now() -> str:
    """ISO 8601 time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def command_of(config: RunConfig) -> str:
    """Command line that remakes a run: the values that differ from the defaults."""
    given = config.model_dump(mode="json", exclude_defaults=True)
    flags = [flag for name, value in _flat(given).items() for flag in _flags(name, value)]
    return " ".join(["python -m flows.regenerate", *map(shlex.quote, flags)])


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _flags(name: str, value: object) -> tuple[str, ...]:
    """A knob as the command line takes it."""
    knob = name.replace("_", "-")
    if isinstance(value, bool):
        return (f"--{knob}" if value else f"--no-{knob}",)
    if isinstance(value, list):
        plain = value and not any(set(item) & set(',[]"') for item in value)
        return (f"--{knob}", ",".join(value) if plain else json.dumps(value, ensure_ascii=False))
    return (f"--{knob}", "null" if value is None else str(value))


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
    drawn: Mapping[str, int],
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
            drawn=drawn.get(cell.key, 0),
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


def samples(rows: Sequence[Row], labels: Sequence[str], seed: int) -> tuple[Sample, ...]:
    """Accepted synthetic texts to read, `SAMPLES_PER_LABEL` per label, drawn at random."""
    rng = np.random.default_rng(seed)
    chosen: dict[str, Row] = {}
    for label in labels:
        own = [row for row in rows if label in row["labels"] and row["source"] == "synthetic"]
        for i in rng.permutation(len(own))[:SAMPLES_PER_LABEL]:
            chosen[own[i]["id"]] = own[i]
    return tuple(
        Sample(text=row["text"], labels=tuple(row["labels"]), topic=row["topic"], style=row["style"])
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


def row_counts(rows: Sequence[Row], arms: Sequence[Arm]) -> dict[str, int]:
    """Rows per split; how many of the training rows people wrote, and how many were measured on."""
    counts = {part: sum(row["split"] == part for row in rows) for part in ("train", "validation", "test")}
    counts["real train"] = sum(row["split"] == "train" and row["source"] == "real" for row in rows)
    measured = [arm.metrics.n_rows for arm in arms if arm.test_set == REAL]
    return counts | ({"real test": measured[0]} if measured else {})


def write_dataset(folder: Path, rows: Sequence[Row], scores: RunScores) -> None:
    """Parquet per split, JSONL, CSV and text files, and the card."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "validation", "test"):
        own = [row for row in rows if row["split"] == part]
        (folder / f"{part}.parquet").write_bytes(parquet_bytes(own))
    export_rows(list(rows), folder)
    (folder / "README.md").write_text(dataset_card(scores), encoding="utf-8")


def score_rows(scores: RunScores, champion: Mapping[str, Any] | None, test: str) -> list[dict[str, object]]:
    """Table of the run page: classifier and baselines, and the champion before with what its run recorded.

    Args:
        scores: Of the run.
        champion: Entry of `champion.json` before the run ended, if there is one.
        test: Name of the test set that decides, as `verdict` takes it.
    """
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
    if champion:
        texts = "the same texts" if champion["test"] == test else "other texts"
        what = f"champion {champion['run']}, on {texts}"
        rows.append(
            {"test": champion["test"].split()[0], "what": what, "macro-F1": round(champion["f1_macro"], 4)}
        )
    return rows


def fairness_rows(fairness: Fairness) -> list[dict[str, object]]:
    """Table of the run page: one row per axis, then one per group, figures raw and as deployed."""
    raw, deployed = fairness.audit.raw, fairness.audit.deployed
    couples: list[tuple[AxisScore | GroupScore, AxisScore | GroupScore]] = [
        *zip(raw.axes, deployed.axes, strict=True),
        *zip(raw.groups, deployed.groups, strict=True),
    ]
    rows: list[dict[str, object]] = [
        {
            "axis": before.axis,
            "group": getattr(before, "group", "all"),
            "pairs": before.n_pairs,
            **{
                f"{name}{door}": round(getattr(score, name), 4)
                for door, score in (("", after), (" raw", before))
                for name in ("mean", "largest", "gap", "flips")
            },
        }
        for before, after in couples
    ]
    spread = {"gap": round(deployed.countries.spread, 4), "gap raw": round(raw.countries.spread, 4)}
    return [*rows, {"axis": "country", "group": "all", "pairs": "", **spread}]


def verdict(
    scores: RunScores,
    champion: Mapping[str, Any] | None,
    test: str,
    worse: Sequence[str] | None = None,
) -> tuple[bool, tuple[str, ...]]:
    """Whether a run becomes champion, and why not.

    It must beat the bag of words on the test set that decides, must not be worse than the champion where
    both were measured on the same text, and must keep the limits of fairness.

    Args:
        scores: Of the run.
        champion: Entry of `champion.json` for the taxonomy, if there is one.
        test: Name of the test set with its content hash; only equal names are compared.
        worse: In what the run is worse than the champion beyond chance; None where the champion's answers
            are not known, so that only the scores can be compared.
    """
    test_set = REAL if REAL in scores.test_sets else SYNTHETIC
    own, bag = (scores.metrics(arm, test_set) for arm in (CLASSIFIER, TFIDF))
    reasons = []
    if own and bag and own.f1_macro < bag.f1_macro:
        reasons.append(
            f"macro-F1 {own.f1_macro:.3f} is below TF-IDF + logistic regression ({bag.f1_macro:.3f})"
        )
    reasons += worse or ()
    is_comparable = worse is None and champion is not None and champion["test"] == test
    if own and champion and is_comparable and own.f1_macro < champion["f1_macro"]:
        reasons.append(f"macro-F1 {own.f1_macro:.3f} is below the champion's {champion['f1_macro']:.3f}")
    if champion and champion["test"].startswith(REAL) and test_set != REAL:
        reasons.append("the champion was measured on real text and this run was not")
    if scores.fairness:
        reasons += scores.fairness.complaints
    return not reasons, tuple(reasons)
