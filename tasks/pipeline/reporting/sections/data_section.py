"""What the data is like, before any figure: texts to read, fidelity, and disputed labels."""

from dataclasses import dataclass

from tasks.data.data_profile import DataProfile, LabelProfile
from tasks.data.scores import ExampleText, RunScores

TEXTS_PER_LABEL = 8
OPEN_LABELS = 3
"""Labels whose texts are shown unfolded."""
MANY_LABELS = 7
"""Labels up to which all texts are shown unfolded."""
DISPUTED = 0.3
"""Share of a label's texts from which a dispute is marked."""


@dataclass(frozen=True)
class LabelTexts:
    """Texts of one label."""

    label: str
    texts: list[ExampleText]
    is_open: bool


@dataclass(frozen=True)
class DisputeRow:
    """One label: share of its texts on which each pair of sources differs, and whether that is much."""

    profile: LabelProfile
    shares: list[tuple[float | None, bool]]


def texts_by_label(scores: RunScores) -> list[LabelTexts]:
    """Texts drawn for each label; a text with several labels stands under each of them."""
    found = list[LabelTexts]()
    for name in scores.taxonomy.names:
        own = [sample for sample in scores.samples if name in sample.labels][:TEXTS_PER_LABEL]
        if own:
            is_open = scores.taxonomy.n_labels <= MANY_LABELS or len(found) < OPEN_LABELS
            found.append(LabelTexts(name, own, is_open))
    return found


def fidelity(profile: DataProfile) -> list[str]:
    """Topic and label fidelity, a sentence each."""
    said = []
    if profile.topic_fidelity is not None:
        said.append(
            f"{profile.topic_fidelity:.0%} of the texts lie nearest to the topic that was asked for, of "
            f"{profile.n_topics} topics."
        )
    if profile.label_fidelity is not None and profile.label_fidelity_human is not None:
        place = "its first choice" if profile.top == 1 else f"one of its first {profile.top} choices"
        said.append(
            f"A judge that learnt from {profile.n_human:,} human-labelled texts has the label that was asked "
            f"for as {place} in {profile.label_fidelity:.0%} of the texts; for human texts, out of fold, "
            f"it has theirs in {profile.label_fidelity_human:.0%}."
        )
    return said


def pairs(profile: DataProfile) -> list[str]:
    """Pairs of sources that voted, as headings."""
    found = (f"{d.one} / {d.other}" for label in profile.labels for d in label.disputes)
    return list(dict.fromkeys(found))


def dispute_rows(profile: DataProfile) -> list[DisputeRow]:
    """One row per label, the shares in the order of `pairs`."""
    headings = pairs(profile)
    rows = []
    for label in profile.labels:
        by_pair = {f"{d.one} / {d.other}": d.share for d in label.disputes}
        shares = [by_pair.get(heading) for heading in headings]
        rows.append(DisputeRow(label, [(s, s is not None and s >= DISPUTED) for s in shares]))
    return rows
