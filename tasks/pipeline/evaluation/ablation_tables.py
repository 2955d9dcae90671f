"""The ablation as tables."""

from collections.abc import Mapping
from typing import Any

from tasks.config import AblationConfig, RivalKind, RunConfig
from tasks.data import scores
from tasks.pipeline.evaluation.ablation_arms import AblationArm, arms, few_name
from tasks.pipeline.evaluation.bootstrap import Estimate
from tasks.pipeline.evaluation.comparison import Comparison
from tasks.pipeline.evaluation.rivals import ALWAYS, RIDGE, SETFIT, SLOW

MULTI_LABEL_COLUMNS = {
    "f1_macro": "macro-F1",
    "f1_micro": "micro-F1",
    "f1_rarest": "rarest F1",
    "mean_average_precision": "mAP",
}
ORDINAL_COLUMNS = {"f1_macro": "macro-F1", "kappa": "kappa", "pearson": "Pearson", "mae": "MAE"}
"""Scores that the table shows, and what it calls them; all others stand in the JSON and on the page."""


def rivals_of(arm: AblationArm, config: AblationConfig, ordinal: bool, seed: int = 0) -> list[str]:
    """Rivals in `RIVALS` that learn, or choose thresholds, on the rows of an arm.

    A slow zero-shot rival is asked on the first seed alone: it learns nothing that a seed could change.
    """
    asked = [SLOW[kind] for kind in config.evaluation.rivals]
    few_shot = [name for name in asked if name == SETFIT]
    zero_shot = [name for name in asked if name != SETFIT and seed == 0]
    if arm.name == "real":
        return [*ALWAYS, *([RIDGE] if ordinal else []), *zero_shot]
    if arm.name == "synthetic":
        return [scores.TFIDF, scores.EMBEDDING, scores.EMBEDDING_LOGREG, *zero_shot]
    return few_shot if arm.per_label and not arm.synthetic else []


def pairs_of(config: AblationConfig, ordinal: bool) -> list[tuple[str, str]]:
    """Arms whose difference is the point of the protocol, better one first if all is well."""
    few = [*map(few_name, config.few_rows), *(f"{100 * share:g} % real" for share in config.real_fractions)]
    rivals = [
        (arm.name, f"{arm.name}, {name}")
        for arm in arms(())[:2]
        for name in rivals_of(arm, config, ordinal)
        if name not in (scores.TFIDF, scores.MAJORITY, RIDGE)
    ]
    return [
        ("real + synthetic", "real"),
        ("real", f"real, {scores.TFIDF}"),
        *((("real", f"real, {RIDGE}"),) if ordinal else ()),
        ("synthetic", f"synthetic, {scores.TFIDF}"),
        ("synthetic", "synthetic, labels shuffled"),
        *((f"{name} + synthetic", name) for name in few),
        *rivals,
        *(
            (f"{few_name(n)} + synthetic", f"{few_name(n)}, {SETFIT}")
            for n in config.few_rows
            if RivalKind.setfit in config.evaluation.rivals
        ),
    ]


def caution(config: RunConfig, has_real_rows: bool = True) -> str:
    """What has to be known to read the figures rightly; empty where nothing is."""
    lacking = "" if has_real_rows else "The data has no training rows, so no arm learns from human labels. "
    if config.generator.model != "embedded":
        return lacking.strip()
    return lacking + (
        "The embedded generator learnt from the whole training files of GoEmotions and SST, never from their "
        "dev files, so its texts carry information about the human labels of those training files. On these "
        "two data sets the ablation shows what synthetic rows add to few real rows, not what they could add "
        "to all of them. The held-out folds of the rarest labels are rows that the generator has seen."
    )


def title_of(page: Mapping[str, Any]) -> str:
    """What the table says, and what it was measured with."""
    rows, seeds = page["rows_per_arm"], page["seeds"]
    sampled = [n for n in page["texts_labelled"].values() if n < page["test_rows"]]
    return (
        f"{page['taxonomy']}: what each mix of rows is worth on {page['test_rows']:,} human-written texts, "
        f"mean of {seeds} seed{'s' if seeds > 1 else ''} (95 % interval over texts); "
        + (f"at most {rows:,} real and {rows:,} synthetic rows per arm" if rows else "all rows in every arm")
        + (f"; slow rivals label {min(sampled):,} of the texts" if sampled else "")
    )


def table_of(compared: Comparison, ordinal: bool) -> list[dict[str, object]]:
    """One row per arm, then one per difference: value and interval of the scores that matter."""
    shown = ORDINAL_COLUMNS if ordinal else MULTI_LABEL_COLUMNS
    both = {**compared.scores, **compared.differences}
    return [
        {"arm": name, **{title: _text(scores[s], " - " in name) for s, title in shown.items() if s in scores}}
        for name, scores in both.items()
    ]


def _text(value: Estimate, signed: bool) -> str:
    sign = "+" if signed else ""
    return f"{value.value:{sign}.3f} [{value.low:{sign}.3f}, {value.high:{sign}.3f}]"
