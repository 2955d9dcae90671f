"""What a colleague would say who looked through the data: what is off, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.data.scores import CellFill, Figure, Plan, Review, RunScores
from tasks.taxonomy import Taxonomy

MOST_NAMED = 5
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
class Trait:
    """A figure in words: what it means to lie above or below real text, and what helps."""

    title: str
    digits: int
    above: str
    do_above: str
    below: str
    do_below: str


_MORE = "Add topics, scenarios and styles, or raise <code>generator.temperature</code>."
_LESS = "Lower <code>generator.temperature</code> or <code>generator.top_p</code>."
_WILD = "The words are more mixed than people's, which is what chance looks like."
_LENGTH = "Ask for other lengths in the styles, and look at <code>generator.max_new_tokens</code>."
TRAITS = {
    "compression_ratio": Trait("compression ratio", 2, "The texts repeat one another.", _MORE, _WILD, _LESS),
    "distinct_1": Trait(
        "distinct words", 3, _WILD, _LESS, "The vocabulary is narrow: the same words come again.", _MORE
    ),
    "distinct_2": Trait(
        "distinct pairs of words", 3, _WILD, _LESS, "The same pairs of words come again and again.", _MORE
    ),
    "distinct_3": Trait(
        "distinct runs of three", 3, _WILD, _LESS, "Whole turns of phrase come again and again.", _MORE
    ),
    "self_bleu": Trait("self-BLEU", 3, "The texts are built alike.", _MORE, _WILD, _LESS),
    "top_openings_share": Trait(
        "ten commonest openings",
        3,
        "Too many texts begin in the same way.",
        "Add styles and scenarios, or show the generator other examples.",
        "Hardly two texts begin alike; people are more predictable.",
        _LESS,
    ),
    "length_p5": Trait(
        "shortest texts, words", 0, "Short texts are missing.", _LENGTH, "Some texts are too short.", _LENGTH
    ),
    "length_p50": Trait(
        "median length, words", 0, "The texts are too long.", _LENGTH, "The texts are too short.", _LENGTH
    ),
    "length_p95": Trait(
        "longest texts, words",
        0,
        "The longest texts are too long.",
        _LENGTH,
        "Long texts are missing.",
        _LENGTH,
    ),
    "label_named_share": Trait(
        "name their own label",
        3,
        "Too many texts name their own label, and a classifier then learns the word instead of the feeling.",
        "Say in the label's meaning that it is to be shown, not named.",
        "Texts name their label less often than people do.",
        "Nothing needs to be done.",
    ),
    "dispersion": Trait(
        "spread of meaning",
        3,
        "The texts lie further apart than people's.",
        _LESS,
        "The texts all say much the same.",
        "Add topics and scenarios.",
    ),
    "topic_leak": Trait(
        "label told by topic alone",
        3,
        "The topic gives the label away, and a classifier may learn that instead.",
        "Raise <code>plan.topics_per_label</code>, so that labels share their topics.",
        "Topics say less about labels than they do in real text.",
        "Nothing needs to be done.",
    ),
    "real_auc": Trait(
        "told from real text",
        3,
        "A simple classifier tells these texts from people's, whatever their label.",
        "Mend the style before training on more of it: another generator, <code>tune-generator</code>, "
        "or some real rows with <code>--mix</code>.",
        "The texts cannot be told from people's.",
        "Nothing needs to be done.",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is off, and what to do."""

    what: str
    advice: str


@dataclass(frozen=True)
class Measured:
    """One figure as a row of the table."""

    title: str
    value: str
    band: str
    verdict: str
    """`as real`, `above`, `below`, or empty where no band is known."""


def opinion(scores: RunScores) -> str:
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


def findings(scores: RunScores) -> list[Finding]:
    """Everything that is off, the quotas first; empty where nothing is."""
    found = [*_about_quotas(scores)]
    if scores.review and scores.review.n_texts:
        found += [*_about_figures(scores.review), *_about_marks(scores)]
    return found


def _about_quotas(scores: RunScores) -> Iterator[Finding]:
    short = short_cells(scores.plan)
    if not short:
        return
    reasons = {cell.reason for cell in short if cell.reason}
    advice = "Raise <code>plan.rounds</code> or the budget that ran out."
    if any(reason.startswith("verifying") for reason in reasons):
        advice += " Where labels are disputed, look at the texts: the generator may not know the label."
    yield Finding(shortfall(scores.plan, scores.taxonomy), advice)


def _about_figures(review: Review) -> Iterator[Finding]:
    told: set[str] = set()
    for figure in review.figures:
        trait, where = TRAITS.get(figure.name), side(figure)
        if trait is None or where not in ("above", "below"):
            continue
        what = trait.above if where == "above" else trait.below
        if what not in told:  # several figures may say the same
            told.add(what)
            row = _measured(figure, trait)
            beside = f"{trait.title} {row.value}, real text {row.band}"
            yield Finding(f"{what} ({beside})", trait.do_above if where == "above" else trait.do_below)


def _about_marks(scores: RunScores) -> Iterator[Finding]:
    n_texts = sum(scores.rows.get(part, 0) for part in ("train", "validation", "test"))
    n_texts -= scores.rows.get("real train", 0)
    for kind, n in (scores.review.marks if scores.review else {}).items():
        if n_texts > 0 and n >= WORTH_SAYING * n_texts:
            what = "hold a swear word" if kind == "profanity" else "are likely to offend"
            yield Finding(
                f"{n:,} of {n_texts:,} texts {what} ({n / n_texts:.1%}).",
                f"If they should not, set <code>--cleaning.{kind}-filter</code>.",
            )


def measured(scores: RunScores) -> list[Measured]:
    """The table of figures."""
    figures = scores.review.figures if scores.review else ()
    return [_measured(figure, TRAITS[figure.name]) for figure in figures if figure.name in TRAITS]


def _measured(figure: Figure, trait: Trait) -> Measured:
    def shown(value: float) -> str:
        return f"{value:.{trait.digits}f}"

    known = figure.low is not None and figure.high is not None
    band = f"{shown(figure.low or 0.0)} to {shown(figure.high or 0.0)}" if known else "–"
    return Measured(trait.title, shown(figure.value), band, side(figure))


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
        return f"{cells}. Every label has its number all the same: other cells with the label made up for it."
    named = [f"{name} {a:,} of {w:,}" for name, (a, w) in list(lacking.items())[:MOST_NAMED]]
    more = f" and {len(lacking) - MOST_NAMED} more" if len(lacking) > MOST_NAMED else ""
    return f"{cells}. Labels with too few texts: {', '.join(named)}{more}."


def why_short(cell: CellFill) -> str:
    """A cell that is short, in one line."""
    line = f"{' + '.join(cell.labels)} on {cell.topic}: {cell.accepted} of {cell.wanted}, {cell.drawn} drawn"
    return f"{line}, {cell.n_reason} dropped as {cell.reason}" if cell.reason else line
