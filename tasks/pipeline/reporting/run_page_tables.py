"""Score tables of the run page."""

from collections.abc import Mapping
from typing import Any

from tasks.data.fairness_scores import AxisScore, Fairness, GroupScore
from tasks.data.scores import RunScores


def score_rows(scores: RunScores, champion: Mapping[str, Any] | None, test: str) -> list[dict[str, object]]:
    """Table of the run page: classifier and baselines, and the champion before with what its run recorded.

    Args:
        scores: Of the run.
        champion: Entry of `champion.json` before the run ended, if there is one.
        test: Name of the test set that decides, as `verdict` takes it.
    """
    rows: list[dict[str, object]] = [
        {
            "test": system.test_set,
            "what": system.name,
            "macro-F1": round(system.metrics.f1_macro, 4),
            "micro-F1": round(system.metrics.f1_micro, 4),
            **({"kappa": round(system.metrics.kappa, 4)} if system.metrics.kappa is not None else {}),
            "rows": system.metrics.n_rows,
        }
        for system in scores.results
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
    pairs: list[tuple[AxisScore | GroupScore, AxisScore | GroupScore]] = [
        *zip(raw.axes, deployed.axes, strict=True),
        *zip(raw.groups, deployed.groups, strict=True),
    ]
    rows: list[dict[str, object]] = [
        {
            "axis": before.axis,
            "group": getattr(before, "group", "all"),
            "pairs": before.n_pairs,
            **{
                f"{name}{setting}": round(getattr(score, name), 4)
                for setting, score in (("", after), (" raw", before))
                for name in ("mean", "largest", "gap", "flips")
            },
        }
        for before, after in pairs
    ]
    spread = {"gap": round(deployed.countries.spread, 4), "gap raw": round(raw.countries.spread, 4)}
    return [*rows, {"axis": "country", "group": "all", "pairs": "", **spread}]
