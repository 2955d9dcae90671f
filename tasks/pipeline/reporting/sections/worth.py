"""Is it worth training, and what is it worth: one sentence, and the table behind it."""

from dataclasses import dataclass

from tasks.data.scores import CLASSIFIER, MAJORITY, REAL, TITLES, RunScores, SystemResult


@dataclass(frozen=True)
class Alternative:
    """One row of the table: the classifier, or what one would take instead."""

    name: str
    n_texts: int
    score: float
    """The metric that decides, `RunScores.headline`; 0 where it is not known."""
    ahead: tuple[float, float, float] | None
    """How far the classifier is ahead on the same texts, with its interval; None for the classifier."""
    texts_per_second: float | None
    weights_mb: float | None
    price_per_1000: float | None


def alternatives(scores: RunScores) -> list[Alternative]:
    """The classifier and its rivals on the test set that decides, the strongest rival first."""
    decides = scores.headline
    found = [
        _alternative(system, decides) for system in scores.results if system.test_set == scores.deciding_set
    ]
    return sorted(found, key=lambda one: (one.name != CLASSIFIER, _lead(one)))


def _alternative(system: SystemResult, decides: str) -> Alternative:
    cost = system.cost
    return Alternative(
        name=system.name,
        n_texts=system.metrics.n_rows,
        score=getattr(system.metrics, decides) or 0.0,
        ahead=system.classifier_ahead.get(decides),
        texts_per_second=cost.texts_per_second if cost else None,
        weights_mb=cost.weights_mb if cost else None,
        price_per_1000=cost.price_per_1000 if cost else None,
    )


def _lead(alternative: Alternative) -> float:
    """Lower end of the classifier's lead: small where a rival is strong, or measured on few texts."""
    return alternative.ahead[1] if alternative.ahead else -alternative.score


def worth(scores: RunScores) -> str:
    """Say in one sentence whether training pays, beside the strongest of the rivals."""
    own, *rivals = alternatives(scores)
    serious = [rival for rival in rivals if rival.name != MAJORITY and rival.ahead]
    reached = f"the classifier reaches a {TITLES[scores.headline]} of {own.score:.3f}"
    if scores.deciding_set != REAL:
        return (
            "Not known whether it is worth training: no human-written text was measured, and on text of its "
            f"own generator {reached}."
        )
    reached = f"on {own.n_texts:,} human-written texts {reached}"
    if not serious:
        return f"Not known whether it is worth training: {reached}, and nothing else was measured."
    best = serious[0]
    where = "" if best.n_texts == own.n_texts else f" on {best.n_texts:,} of them"
    return f"{_verdict(best)}: {reached}; {_beside(best, where)}{_speed(own, best)}."


def _verdict(best: Alternative) -> str:
    _, low, high = best.ahead or (0.0, 0.0, 0.0)
    if low > 0:
        return "Worth training"
    return "Not worth training on these rows" if high < 0 else "Not shown to be worth training"


def _beside(best: Alternative, on_sample: str) -> str:
    ahead, low, high = best.ahead or (0.0, 0.0, 0.0)
    where = f"the strongest alternative, {best.name}, reaches {best.score:.3f}{on_sample}"
    interval = f"95 % interval of the lead {low:+.3f} to {high:+.3f}"
    if low > 0 or high < 0:
        return f"{where}, {abs(ahead):.3f} {'less' if ahead > 0 else 'more'} ({interval})"
    return f"{where}; the difference may be chance ({interval})"


def _speed(own: Alternative, best: Alternative) -> str:
    if not own.texts_per_second or not best.texts_per_second:
        return ""
    return f"; here they label {own.texts_per_second:,.0f} and {best.texts_per_second:,.0f} texts a second"
