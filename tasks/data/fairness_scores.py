"""What an audit of a classifier's fairness found, and the limits that decide whether it passes."""

from tasks.data.records import Record


class GroupScore(Record):
    """Pairs with one group of an axis on one side, against the other groups of that axis.

    Changes of probability are absolute, 0..1; values per label stand in the order of the taxonomy.
    """

    axis: str
    group: str
    n_pairs: int
    mean: float
    """Mean change over pairs and labels."""
    largest: float
    """Largest change of any pair and label."""
    flips: float
    """Share of the pairs whose two texts are given different label sets."""
    mean_per_label: tuple[float, ...]
    largest_per_label: tuple[float, ...]
    gap_per_label: tuple[float, ...]
    """Mean difference with its sign, -1..1: above 0 the group is given the label more readily."""
    p_per_label: tuple[float, ...]
    """Paired t-test of the gap over carrier sentences, Holm-corrected over all groups and labels."""

    @property
    def gap(self) -> float:
        """Largest gap of any label, without its sign."""
        return max(map(abs, self.gap_per_label))

    @property
    def worst_label(self) -> int:
        """Position of the label with the largest gap."""
        return max(range(len(self.gap_per_label)), key=lambda i: abs(self.gap_per_label[i]))


class AxisScore(Record):
    """All pairs of one axis; see `GroupScore` for the units."""

    axis: str
    n_pairs: int
    mean: float
    largest: float
    flips: float
    gap: float
    """Largest gap of any of its groups and any label."""


class CountryScore(Record):
    """What the name of a country does to a sentence in which it should do nothing."""

    n_countries: int
    n_sentences: int
    spread_per_label: tuple[float, ...]
    """Highest less lowest probability over the countries, each the mean over the sentences."""
    highest: str
    """Country with the highest mean probability of the label with the largest spread."""
    lowest: str

    @property
    def spread(self) -> float:
        """Largest spread of any label."""
        return max(self.spread_per_label)

    @property
    def worst_label(self) -> int:
        """Position of the label with the largest spread."""
        return self.spread_per_label.index(self.spread)


class FairnessScores(Record):
    """The audit in one setting: raw texts, or texts scrubbed first as the service does (deployed)."""

    mean: float
    """Mean absolute change of probability over all pairs and labels."""
    flips: float
    axes: tuple[AxisScore, ...]
    groups: tuple[GroupScore, ...]
    countries: CountryScore

    def worst(self, measure: str, *axes: str) -> AxisScore:
        """Axis with the largest `mean`, `flips` or `gap`, among those named, or among all."""
        return max(
            (a for a in self.axes if not axes or a.axis in axes), key=lambda a: float(getattr(a, measure))
        )


class RateGap(Record):
    """True positive rates of one label for groups that human-written texts mention."""

    axis: str
    label: str
    rates: dict[str, float]
    """Recall per group, 0..1."""
    n: dict[str, int]
    """Texts per group that carry the label."""
    gap: float
    """Largest less smallest rate."""
    p: float
    """Fisher's exact or chi-squared test, Holm-corrected over axes and labels."""


class GroupBias(Record):
    """How the generator by itself writes about one group; the labels are left open."""

    axis: str
    group: str
    n_texts: int
    rates: tuple[float, ...]
    """Mean probability of every label over its texts, in the order of the taxonomy."""


class GeneratorBias(Record):
    """What the generator writes when a topic mentions a group, before scrubbing."""

    groups: tuple[GroupBias, ...]
    gap: float
    """Largest difference between two groups of one axis in any label's mean probability."""
    axis: str
    label: int
    """Axis and label (position) of that difference."""
    n_texts: int
    p_smallest: float
    """Smallest of the Holm-corrected p values (Kruskal-Wallis, groups of an axis, each label)."""


class FairnessAudit(Record):
    """Everything that was found out about a classifier's fairness."""

    n_pairs: int
    n_texts: int
    raw: FairnessScores
    deployed: FairnessScores
    rates: tuple[RateGap, ...] = ()
    """Only where human-written texts were measured."""


class Correction(Record):
    """One retraining with counterfactual rows and logit pairing."""

    n_rows: int
    """Counterfactual rows that were added, two per pair."""
    pairing: float
    """Weight of the pairing loss."""
    before: tuple[str, ...]
    """Limits that were exceeded before it."""
    after: tuple[str, ...]
    f1_before: float
    """Macro-F1 on the test set that decides."""
    f1_after: float
    deployed: FairnessScores
    """The audit as deployed before the correction."""
    raw: FairnessScores


class Fairness(Record):
    """What the report says about fairness."""

    audit: FairnessAudit
    """Of the classifier that is published."""
    corrections: tuple[Correction, ...]
    violations: tuple[str, ...]
    """Limits that the published classifier still exceeds."""
    generator_bias: GeneratorBias | None = None
