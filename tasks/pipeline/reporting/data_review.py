"""Data review: data-quality issues, and what to do about each."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.data.plan_scores import CellFill, Plan
from tasks.data.scores import Figure, Review, RunScores
from tasks.taxonomy import Taxonomy

MAX_NAMED = 5
"""Cells and labels that are named one by one."""
WORTH_SAYING = 0.01
"""Share of the texts from which profanity and toxicity are worth a sentence."""
ENDED = {
    "filled": "every cell was full",
    "rounds": "the rounds were used up",
    "tokens": "the token budget was spent",
    "time": "the time was up",
}


@dataclass(frozen=True)
class MetricText:
    """A figure in words: what it means to lie above or below real text, and what helps."""

    title: str
    digits: int
    above: str
    do_above: str
    below: str
    do_below: str


_MORE = "Add topics, scenarios and styles, or raise <code>generator.temperature</code>."
_LESS = "Lower <code>generator.temperature</code> or <code>generator.top_p</code>."
_WILD = "The words are more mixed than in real text, which points to random text."
_LENGTH = "Ask for other lengths in the styles, and look at <code>generator.max_new_tokens</code>."
METRIC_TEXTS = {
    "compression_ratio": MetricText(
        "compression ratio", 2, "The texts repeat one another.", _MORE, _WILD, _LESS
    ),
    "distinct_1": MetricText(
        "distinct words", 3, _WILD, _LESS, "The vocabulary is narrow: the same words come again.", _MORE
    ),
    "distinct_2": MetricText(
        "distinct pairs of words", 3, _WILD, _LESS, "The same pairs of words come again and again.", _MORE
    ),
    "distinct_3": MetricText(
        "distinct runs of three", 3, _WILD, _LESS, "Whole turns of phrase come again and again.", _MORE
    ),
    "self_bleu": MetricText("self-BLEU", 3, "The texts are built alike.", _MORE, _WILD, _LESS),
    "top_openings_share": MetricText(
        "ten commonest openings",
        3,
        "Too many texts begin in the same way.",
        "Add styles and scenarios, or show the generator other examples.",
        "Hardly two texts begin alike; real text is more predictable.",
        _LESS,
    ),
    "length_p5": MetricText(
        "shortest texts, words", 0, "Short texts are missing.", _LENGTH, "Some texts are too short.", _LENGTH
    ),
    "length_p50": MetricText(
        "median length, words", 0, "The texts are too long.", _LENGTH, "The texts are too short.", _LENGTH
    ),
    "length_p95": MetricText(
        "longest texts, words",
        0,
        "The longest texts are too long.",
        _LENGTH,
        "Long texts are missing.",
        _LENGTH,
    ),
    "label_named_share": MetricText(
        "name their own label",
        3,
        "Too many texts name their own label, and a classifier then learns the word instead of the feeling.",
        "Say in the label's meaning that it is to be shown, not named.",
        "Texts name their label less often than real texts do.",
        "Nothing needs to be done.",
    ),
    "uncommon_words": MetricText(
        "readability: uncommon or misspelt words",
        3,
        "Too many words are misspelt, invented or rare.",
        "Lower <code>generator.temperature</code>, or raise <code>generator.min_p</code>.",
        "The words are more common than in real text.",
        "Nothing needs to be done.",
    ),
    "dispersion": MetricText(
        "spread of meaning",
        3,
        "The texts lie further apart than real ones.",
        _LESS,
        "The texts all say much the same.",
        "Add topics and scenarios.",
    ),
    "topic_leak": MetricText(
        "label told by topic alone",
        3,
        "The topic gives the label away, and a classifier may learn that instead.",
        "Raise <code>plan.topics_per_label</code>, so that labels share their topics.",
        "Topics say less about labels than they do in real text.",
        "Nothing needs to be done.",
    ),
    "real_auc": MetricText(
        "told from real text",
        3,
        "A simple classifier tells these texts from real ones, whatever their label.",
        "Fix the style before training on more of it: another generator, <code>tune-generator</code>, "
        "or some real rows with <code>--mixing.real-fraction</code>.",
        "The texts cannot be told from real ones.",
        "Nothing needs to be done.",
    ),
}


@dataclass(frozen=True)
class Issue:
    """One thing that is off, and what to do."""

    what: str
    advice: str


@dataclass(frozen=True)
class MeasuredFigure:
    """One figure as a row of the table."""

    title: str
    value: str
    reference_range: str
    verdict: str
    """`as real`, `above`, `below`, or empty where no band is known."""


def summary(scores: RunScores) -> str:
    """One sentence on the whole: how many figures lie where real text lies."""
    review = scores.review
    if review is None or not review.n_texts:
        return ""
    known = [figure for figure in review.figures if figure.low is not None]
    n_good = sum(side(figure) == "as real" for figure in known)
    if not known:
        return f"There are {review.n_texts:,} texts, too few to be compared with real text."
    start = f"Of {len(known)} figures, measured on {review.n_texts:,} texts, "
    if n_good == len(known):
        return f"{start}all lie where real text lies."
    return f"{start}{n_good} lie{'s' if n_good == 1 else ''} where real text lies."


def side(figure: Figure) -> str:
    """Where a figure lies: `as real`, `above`, `below`; empty where no band is known.

    A tenth of the band's width on either side still counts as within it.
    """
    if figure.low is None or figure.high is None:
        return ""
    slack = 0.1 * (figure.high - figure.low)
    if figure.value > figure.high + slack:
        return "above"
    return "below" if figure.value < figure.low - slack else "as real"


def issues(scores: RunScores) -> list[Issue]:
    """Everything that is off, the quotas first; empty where nothing is."""
    found = [*_about_quotas(scores)]
    if scores.review and scores.review.n_texts:
        found += [*_about_figures(scores.review), *_about_flags(scores)]
    return found


def _about_quotas(scores: RunScores) -> Iterator[Issue]:
    short = short_cells(scores.plan)
    if not short:
        return
    reasons = {cell.reason for cell in short if cell.reason}
    advice = "Raise <code>plan.rounds</code> or the budget that ran out."
    if any(reason.startswith("verifying") for reason in reasons):
        advice += " Where labels are disputed, look at the texts: the generator may not know the label."
    yield Issue(shortfall(scores.plan, scores.taxonomy), advice)


def _about_figures(review: Review) -> Iterator[Issue]:
    told: set[str] = set()
    for figure in review.figures:
        metric_text, where = METRIC_TEXTS.get(figure.name), side(figure)
        if metric_text is None or where not in ("above", "below"):
            continue
        what = metric_text.above if where == "above" else metric_text.below
        if what not in told:  # several figures may say the same
            told.add(what)
            row = _measured(figure, metric_text)
            beside = f"{metric_text.title} {row.value}, real text {row.reference_range}"
            yield Issue(
                f"{what} ({beside})", metric_text.do_above if where == "above" else metric_text.do_below
            )


def _about_flags(scores: RunScores) -> Iterator[Issue]:
    n_texts = sum(scores.rows.get(part, 0) for part in ("train", "validation", "test"))
    n_texts -= scores.rows.get("real train", 0)
    for kind, n in (scores.review.flags if scores.review else {}).items():
        if n_texts > 0 and n >= WORTH_SAYING * n_texts:
            what = "hold a swear word" if kind == "profanity" else "are likely to offend"
            yield Issue(
                f"{n:,} of {n_texts:,} texts {what} ({n / n_texts:.1%}).",
                f"If they should not, set <code>--cleaning.{kind}-filter</code>.",
            )


def measured(scores: RunScores) -> list[MeasuredFigure]:
    """The table of figures."""
    figures = scores.review.figures if scores.review else ()
    return [_measured(figure, METRIC_TEXTS[figure.name]) for figure in figures if figure.name in METRIC_TEXTS]


def _measured(figure: Figure, metric_text: MetricText) -> MeasuredFigure:
    def shown(value: float) -> str:
        return f"{value:.{metric_text.digits}f}"

    known = figure.low is not None and figure.high is not None
    band = f"{shown(figure.low or 0.0)} to {shown(figure.high or 0.0)}" if known else "–"
    return MeasuredFigure(metric_text.title, shown(figure.value), band, side(figure))


def short_cells(plan: Plan) -> list[CellFill]:
    """Cells that are short of their quota, the emptiest first."""
    short = [cell for cell in plan.cells if cell.accepted < cell.wanted]
    return sorted(short, key=lambda cell: (cell.accepted - cell.wanted, cell.labels, cell.topic))


def shortfall(plan: Plan, taxonomy: Taxonomy) -> str:
    """What could not be filled, in one or two sentences; says so where everything was."""
    short = short_cells(plan)
    lacking = {name: (a, w) for name, (a, w) in plan.per_label(taxonomy).items() if a < w}
    if not short:
        return "Every cell has the texts that were asked for."
    missing = sum(cell.wanted - cell.accepted for cell in short)
    lack = f"cells lack {missing:,} text{'' if missing == 1 else 's'} in all"
    cells = f"{len(short):,} of {len(plan.cells):,} {lack}: sampling ended when {ENDED[plan.ended]}"
    if not lacking:
        return f"{cells}. All label quotas were still met with texts from other topics."
    named = [f"{name} {a:,} of {w:,}" for name, (a, w) in list(lacking.items())[:MAX_NAMED]]
    more = f" and {len(lacking) - MAX_NAMED} more" if len(lacking) > MAX_NAMED else ""
    return f"{cells}. Labels with too few texts: {', '.join(named)}{more}."


def why_short(cell: CellFill) -> str:
    """A cell that is short, in one line."""
    cell_name = f"{' + '.join(cell.labels)} on {cell.topic}"
    line = f"{cell_name}: {cell.accepted} of {cell.wanted}, {cell.n_sampled} generated"
    return f"{line}, {cell.n_reason} dropped as {cell.reason}" if cell.reason else line
