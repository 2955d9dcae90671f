"""What labelling costs, and what the classifier leaves open: unsure texts, and texts on other matters."""

from tasks.data.records import Record


class SelectiveScores(Record):
    """Scores on the texts for which the classifier does not abstain (selective prediction)."""

    coverage: float
    """Fraction of all texts, 0..1."""
    f1_micro: float
    f1_macro: float
    n_kept: int = 0
    n_wrong: int = 0
    """Texts kept whose label set is not exactly the true one."""
    error_bound: float | None = None
    """Upper bound (Clopper-Pearson) on the error rate of the kept texts, at `bound_confidence`."""
    bound_confidence: float = 0.95


class OutOfScope(Record):
    """What the classifier says about texts on other matters, which carry no label."""

    n_texts: int
    no_label: int
    """Texts that are answered with no label."""
    unsure: int
    """Other texts that are marked as unsure."""
    labels: dict[str, int]
    """Labels given to the rest, most frequent first."""
    topics: tuple[str, ...]
    """Topics of the texts."""
    examples: tuple[str, ...] = ()
    """Some of the texts that were given a label."""

    @property
    def refused(self) -> float:
        """Share of the texts without a label or unsure, 0..1."""
        return (self.no_label + self.unsure) / self.n_texts if self.n_texts else 0.0


class Cost(Record):
    """What labelling takes, on the machine of the run."""

    texts_per_second: float | None = None
    """None where it was too short to be measured."""
    weights_mb: float | None = None
    """Size of the weights in memory, in 10^6 bytes; None where they are not in this process."""
    price_per_1000: float | None = None
    """Price of 1,000 texts in the currency of the given prices; None where nothing is charged."""
