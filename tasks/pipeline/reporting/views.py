"""From scores to what the report's template draws: rows, shares and words, all numbers decided here."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.data.plan_scores import CellFill, Plan
from tasks.data.scores import CLASSIFIER, REAL, TFIDF, TITLES, LabelScore, Metrics, RunScores

# Steps of shading in the heat maps; the style sheet has one class per step.
N_SHADES = 10
# Labels up to which two heat maps fit side by side.
MAX_NARROW = 8
# Labels up to which a heat map has room for two numbers in a cell.
MAX_ROOMY = 14

COLUMNS: tuple[tuple[str, str, bool], ...] = (
    # attribute of Metrics, heading, higher is better
    ("f1_macro", "Macro-F1", True),
    ("f1_micro", "Micro-F1", True),
    ("f1_weighted", "Weighted F1", True),
    ("f1_samples", "Samples F1", True),
    ("jaccard", "Jaccard", True),
    ("mean_average_precision", "mAP", True),
    ("ranking_average_precision", "LRAP", True),
    ("hamming", "Hamming loss", False),
    ("calibration_error", "Calibration error", False),
    ("brier", "Brier", False),
    ("kappa", "Kappa", True),
    ("mae", "MAE", False),
    ("level_accuracy", "Exact level", True),
    ("within_one_level", "Within one level", True),
)
MAIN = ("f1_macro", "f1_micro", "mean_average_precision", "kappa", "mae")


@dataclass(frozen=True)
class Value:
    """One number of a score table."""

    value: float | None
    best: bool
    interval: str = ""


@dataclass(frozen=True)
class ScoreTable:
    """Arms by metrics on one test set."""

    test_set: str
    n_rows: int
    headings: list[str]
    rows: list[tuple[str, list[Value]]]
    how: str = ""
    """How it was measured, where several classifiers were."""


@dataclass(frozen=True)
class Bar:
    """One bar: `share` of the longest, 0..1."""

    name: str
    n: float
    share: float


@dataclass(frozen=True)
class Fill:
    """Accepted of wanted texts; `shade` 0 is complete, N_SHADES is empty; None was never asked for."""

    accepted: int
    wanted: int
    shade: int | None


TopicRow = tuple[str, list[Fill]]


@dataclass(frozen=True)
class LabelRow:
    """One label on one test set, beside the bag of words."""

    score: LabelScore
    baseline_f1: float | None
    threshold: float | None


@dataclass(frozen=True)
class Confusion:
    """One row per true level; each entry is (count, share of the row, shade 0..N_SHADES)."""

    test_set: str
    names: tuple[str, ...]
    rows: list[list[tuple[int, float, int]]]
    metrics: Metrics


def score_tables(scores: RunScores, attributes: tuple[str, ...] | None = None) -> list[ScoreTable]:
    """One table per test set; columns that no arm has are left out."""
    return [_score_table(scores, test_set, attributes) for test_set in scores.test_sets]


def _score_table(scores: RunScores, test_set: str, attributes: tuple[str, ...] | None) -> ScoreTable:
    systems = {name: m for name in scores.system_names if (m := scores.metrics(name, test_set))}
    shown = [
        (attribute, heading, higher)
        for attribute, heading, higher in COLUMNS
        if (attributes is None or attribute in attributes)
        and any(getattr(metrics, attribute) is not None for metrics in systems.values())
    ]
    n_rows = systems[CLASSIFIER].n_rows
    whole = [metrics for metrics in systems.values() if metrics.n_rows == n_rows]
    best = {a: _best([getattr(m, a) for m in whole], higher) for a, _, higher in shown}
    intervals = {system.name: system.intervals for system in scores.results if system.test_set == test_set}
    rows = [
        (
            name if metrics.n_rows == n_rows else f"{name} ({metrics.n_rows:,} texts)",
            [
                Value(
                    v := getattr(metrics, a),
                    v is not None and metrics.n_rows == n_rows and v == best[a],
                    _range(intervals[name].get(a)),
                )
                for a, _, _ in shown
            ],
        )
        for name, metrics in systems.items()
    ]
    headings = [heading for _, heading, _ in shown]
    return ScoreTable(test_set, n_rows, headings, rows, scores.measured_how(test_set))


def _range(ends: tuple[float, float] | None) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else ""


def _best(values: list[float | None], higher: bool) -> float:
    known = [value for value in values if value is not None]
    return max(known) if higher else min(known)


def verdicts(scores: RunScores) -> list[str]:
    """Say in one sentence per test set how the classifier stands to its baselines."""
    return [_verdict(scores, test_set) for test_set in scores.test_sets]


def _verdict(scores: RunScores, test_set: str) -> str:
    own = scores.metrics(CLASSIFIER, test_set)
    bag = scores.metrics(TFIDF, test_set)
    if own is None:
        return ""
    where = "On human text" if test_set == REAL else f"On the {test_set} test set"
    how = ", ".join(filter(None, [f"{own.n_rows:,} rows", scores.measured_how(test_set)]))
    metric = own.headline
    sentence = f"{where} ({how}) the classifier reaches a {TITLES[metric]} of {getattr(own, metric):.3f}"
    also = "" if own.kappa is None else f"; its macro-F1 is {own.f1_macro:.3f}"
    return f"{sentence}{_beside(own, bag, metric)}{_beyond_chance(scores, test_set, metric)}{also}."


def _beside(own: Metrics, bag: Metrics | None, metric: str) -> str:
    if bag is None or getattr(bag, metric) is None:
        return ""
    gap = round(getattr(own, metric) - getattr(bag, metric), 3)
    if gap == 0:
        return f", level with {TFIDF}"
    return f", {abs(gap):.3f} {'above' if gap > 0 else 'below'} {TFIDF}"


def _beyond_chance(scores: RunScores, test_set: str, metric: str) -> str:
    """The interval of the difference, where it was measured."""
    bag = scores.result(TFIDF, test_set)
    ahead = bag.classifier_ahead.get(metric) if bag else None
    if ahead is None:
        return ""
    _, low, high = ahead
    return f" (difference {low:+.3f} to {high:+.3f}{'' if low * high > 0 else ', which may be chance'})"


def fairness_verdict(scores: RunScores) -> str:
    """Say in one sentence whether the classifier keeps the limits, and after how many corrections."""
    if scores.fairness is None:
        return ""
    n, kept = len(scores.fairness.corrections), not scores.fairness.violations
    after = f" after {n} correction{'' if n == 1 else 's'}" if n else ""
    verdict, exceeds = ("passed", "stays within") if kept else ("FAILED", "exceeds")
    return f"Fairness {verdict}{after}: as deployed, the classifier {exceeds} the limits."


def bars(counts: Mapping[str, float]) -> list[Bar]:
    """Counts as bars, in their order."""
    top = max(counts.values(), default=0)
    return [Bar(name, n, n / top if top else 0.0) for name, n in counts.items()]


def largest_first(counts: Mapping[str, float]) -> dict[str, float]:
    """Sort counts, largest first, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def label_fills(scores: RunScores) -> list[tuple[str, Fill]]:
    """Accepted of wanted texts per label."""
    return [(name, _fill(*pair)) for name, pair in scores.plan.per_label(scores.taxonomy).items()]


def topic_tables(scores: RunScores) -> list[list[TopicRow]]:
    """Fills by topic and label; a two-label text counts for both its labels.

    With few labels the topics are cut into two tables, to stand side by side.
    """
    rows = _topic_rows(scores)
    cut = (len(rows) + 1) // 2 if scores.taxonomy.n_labels <= MAX_NARROW else len(rows)
    return [part for part in (rows[:cut], rows[cut:]) if part]


def _topic_rows(scores: RunScores) -> list[TopicRow]:
    by_topic_and_label: dict[tuple[str, str], list[CellFill]] = {}
    for cell in scores.plan.cells:
        for name in cell.labels:
            by_topic_and_label.setdefault((cell.topic, name), []).append(cell)
    return [
        (
            topic,
            [_fill(*Plan.fill(by_topic_and_label.get((topic, name), []))) for name in scores.taxonomy.names],
        )
        for topic in sorted({cell.topic for cell in scores.plan.cells})
    ]


def _fill(accepted: int, wanted: int) -> Fill:
    if not wanted:
        return Fill(accepted, wanted, None)
    missing = max(0, wanted - accepted) / wanted
    # Anything missing shows, however little.
    return Fill(accepted, wanted, 0 if missing == 0 else max(1, round(missing * N_SHADES)))


def label_rows(scores: RunScores, test_set: str) -> list[LabelRow]:
    """The classifier's labels in label order, each beside the F1 of the bag of words."""
    own, bag = scores.metrics(CLASSIFIER, test_set), scores.metrics(TFIDF, test_set)
    baseline = {score.label: score.f1 for score in bag.per_label} if bag else {}
    return [
        LabelRow(score, baseline.get(score.label), scores.thresholds.get(score.label))
        for score in (own.per_label if own else ())
    ]


def confusions(scores: RunScores) -> list[Confusion]:
    """Confusion of levels on every test set that has levels."""
    found = []
    for test_set in scores.test_sets:
        metrics = scores.metrics(CLASSIFIER, test_set)
        if metrics and metrics.confusion:
            rows = [_shares(row) for row in metrics.confusion]
            found.append(Confusion(test_set, scores.taxonomy.names, rows, metrics))
    return found


def _shares(row: tuple[int, ...]) -> list[tuple[int, float, int]]:
    total = sum(row)
    return [(n, n / total if total else 0.0, round(N_SHADES * n / total) if total else 0) for n in row]
