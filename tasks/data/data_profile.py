"""What the synthetic rows are like: on topic, of their label, and who disputes which label."""

from tasks.data.records import Record


class Dispute(Record):
    """Two sources of one label's votes."""

    one: str
    other: str
    n_texts: int
    """Texts on which both have a say."""
    share: float
    """Share of them, 0..1, on which they differ about the label."""


class LabelProfile(Record):
    """The accepted texts of one label."""

    label: str
    n_texts: int
    topic_fidelity: float | None = None
    """Share, 0..1, of the texts that lie nearest to their own topic; None without texts."""
    label_fidelity: float | None = None
    """Share of the texts that a judge that learnt from human-labelled text gives the label."""
    disputes: tuple[Dispute, ...] = ()
    taken_for: str = ""
    """Label that the out-of-fold classifier prefers most often where it disputes this one."""


class DataProfile(Record):
    """The accepted synthetic texts as a whole, and label by label."""

    topic_fidelity: float | None = None
    n_topics: int = 0
    label_fidelity: float | None = None
    label_fidelity_human: float | None = None
    """The same judge's figure, out of fold, on the human-labelled texts that it learnt from."""
    n_human: int = 0
    """Human-labelled texts that the judge learnt from."""
    top: int = 1
    """Most probable labels of the judge that count as given."""
    labels: tuple[LabelProfile, ...] = ()
