"""The page of an ablation: what every mix of rows is worth, with intervals; no network, no script."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tasks.pipeline.reporting.report import csp_hash, environment
from tasks.pipeline.reporting.views import N_SHADES

SCORES: tuple[tuple[str, str], ...] = (
    ("f1_macro", "Macro-F1"),
    ("f1_macro_common", "Macro-F1 of {n_common} labels"),
    ("f1_micro", "Micro-F1"),
    ("f1_rarest_in_test", "F1 of the rarest, in the test"),
    ("f1_rarest", "F1 of the rarest, held-out folds"),
    ("mean_average_precision", "mAP"),
    ("ranking_average_precision", "LRAP"),
    ("jaccard", "Jaccard"),
    ("calibration_error", "Calibration error"),
    ("brier", "Brier"),
    ("kappa", "Quadratic kappa"),
    ("pearson", "Pearson"),
    ("mae", "MAE, levels"),
)
LOWER_IS_BETTER = ("calibration_error", "brier", "mae")
CHARTED = ("f1_macro", "f1_rarest_in_test", "f1_rarest")
CHARTED_ORDINAL = ("kappa", "pearson", "f1_macro")
WIDTH = 1000
"""Of a chart, in units of its own."""


@dataclass(frozen=True)
class Whisker:
    """A value with its interval, and places of all of it on a chart of `WIDTH`."""

    name: str
    kind: str
    """`own`, `bag` (a baseline) or `base` (the control)."""
    text: str
    low: int
    high: int
    value: int
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Whiskers on one axis; `zero` is the place of 0, `end` the number at its right end."""

    title: str
    whiskers: list[Whisker]
    zero: int
    end: float


def render_ablation(page: Mapping[str, Any]) -> str:
    """Draw the page from what stands in `ablation/<taxonomy>.json`; all text is escaped."""
    made = environment()
    style = made.get_template("report.css.j2").render(n_shades=N_SHADES)
    names = _scores_in(page["arms"], page["n_common_labels"])
    titles, wanted = dict(names), CHARTED_ORDINAL if _is_ordinal(page) else CHARTED
    charted = [(key, titles[key]) for key in wanted if key in titles]
    return made.get_template("ablation.html.j2").render(
        p=page,
        style=Markup(style),
        style_hash=csp_hash(style),
        verdicts=verdicts(page),
        charts=[arm_chart(page, key, title) for key, title in charted],
        gaps=[gap_chart(page, key, title) for key, title in charted],
        tables=[(what, _table(page[what], names, what == "differences")) for what in ("arms", "differences")],
        headings=[title for _, title in names],
        labels=label_rows(page),
        label_arms=list(page["per_label"]),
        rows=[(arm, rows) for arm, rows in page["rows"].items()],
        config=json.dumps(page["config"], indent=2, ensure_ascii=False),
        environment=list(page["versions"].items()),
    )


def verdicts(page: Mapping[str, Any]) -> list[str]:
    """One sentence per difference: what it is, and whether it is more than chance."""
    score, title = ("kappa", "quadratic kappa") if _is_ordinal(page) else ("f1_macro", "macro-F1")
    said = [
        _verdict(name, title, scores[score])
        for name, scores in page["differences"].items()
        if score in scores
    ]
    if not _is_ordinal(page):
        both = page["differences"].get("real + synthetic - real", {})
        rare = f"mean F1 of {', '.join(page['rarest_labels'])} in the test"
        # What helps rare labels may cost frequent ones.
        also = {"f1_micro": "micro-F1", "f1_rarest_in_test": rare}
        said[1:1] = [_verdict("real + synthetic - real", also[s], both[s]) for s in also if s in both]
    return said


def _verdict(name: str, what: str, found: Mapping[str, float]) -> str:
    one, other = name.split(" - ")
    low, high = found["low"], found["high"]
    verdict = "better" if low > 0 else "worse" if high < 0 else "not told apart"
    said = "" if verdict == "not told apart" else " beyond chance"
    return (
        f"{one[:1].upper()}{one[1:]}, beside {other}: {what} {found['value']:+.3f} "
        f"({low:+.3f} to {high:+.3f}), {verdict}{said}."
    )


def arm_chart(page: Mapping[str, Any], key: str, title: str) -> Chart:
    """Every arm's score from 0, with the seeds' own."""
    arms = {name: scores[key] for name, scores in page["arms"].items() if key in scores}
    low = min(0.0, *(value["low"] for value in arms.values()))
    end = max(0.1, math.ceil(10 * max(value["high"] for value in arms.values())) / 10)  # all may be 0

    def place(x: float) -> int:
        return round(WIDTH * float((x - low) / (end - low)))

    whiskers = [
        Whisker(
            name,
            _kind(name),
            f"{value['value']:.3f}",
            place(value["low"]),
            place(value["high"]),
            place(value["value"]),
            tuple(place(seed[key]) for seed in page["each_seed"].get(name, ()) if key in seed),
        )
        for name, value in arms.items()
    ]
    return Chart(title, whiskers, place(0.0), end)


def gap_chart(page: Mapping[str, Any], key: str, title: str) -> Chart:
    """Every difference around 0."""
    gaps = {name: scores[key] for name, scores in page["differences"].items() if key in scores}
    far = max((abs(value[side]) for value in gaps.values() for side in ("low", "high")), default=0.1)
    end = max(0.05, math.ceil(20 * far) / 20)

    def place(x: float) -> int:
        return round(WIDTH * (x + end) / (2 * end))

    whiskers = [
        Whisker(
            name,
            "own" if value["low"] > 0 else "miss" if value["high"] < 0 else "base",
            f"{value['value']:+.3f}",
            place(value["low"]),
            place(value["high"]),
            place(value["value"]),
        )
        for name, value in gaps.items()
    ]
    return Chart(title, whiskers, place(0.0), end)


def label_rows(page: Mapping[str, Any]) -> list[tuple[str, int, list[tuple[float, int]]]]:
    """Label, its test rows, and F1 with its shade under every arm."""
    return [
        (
            name,
            n,
            [(f1[name], min(N_SHADES, round(N_SHADES * f1[name]))) for f1 in page["per_label"].values()],
        )
        for name, n in page["labels"].items()
    ]


def _kind(arm: str) -> str:
    return "base" if "shuffled" in arm else "bag" if ", " in arm else "own"


def _is_ordinal(page: Mapping[str, Any]) -> bool:
    return any("kappa" in scores for scores in page["arms"].values())


def _scores_in(arms: Mapping[str, Mapping[str, Any]], n_common: int) -> list[tuple[str, str]]:
    """Keys and headings of the scores that some arm has."""
    there = {key for scores in arms.values() for key in scores}
    return [(key, title.format(n_common=n_common)) for key, title in SCORES if key in there]


def _table(
    tree: Mapping[str, Mapping[str, Mapping[str, float]]], names: Sequence[tuple[str, str]], signed: bool
) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """Name, then value, interval and whether it is the best, per score."""
    best = {} if signed else {key: _best(key, tree.values()) for key, _ in names}
    return [
        (name, [_cell(scores.get(key), signed, best.get(key)) for key, _ in names])
        for name, scores in tree.items()
    ]


def _best(key: str, arms: Iterable[Mapping[str, Mapping[str, float]]]) -> float:
    values = [scores[key]["value"] for scores in arms if key in scores]
    return min(values) if key in LOWER_IS_BETTER else max(values)


def _cell(found: Mapping[str, float] | None, signed: bool, best: float | None) -> tuple[str, str, bool]:
    if found is None:
        return "", "", False
    sign = "+" if signed else ""
    interval = f"{found['low']:{sign}.3f} to {found['high']:{sign}.3f}"
    beyond = signed and (found["low"] > 0 or found["high"] < 0)
    return f"{found['value']:{sign}.3f}", interval, beyond or found["value"] == best
