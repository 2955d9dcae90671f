"""What to write: which label sets about which topics, and how many texts of each.

Every choice hangs on a hash of the names concerned, never on the order of a shuffled list, so that
changing one topic leaves the cells of the others as they were, and with them their cached texts.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor, sqrt

from tasks.config import RunConfig
from tasks.data.records import Cell
from tasks.taxonomy import Taxonomy, Topics

LabelSet = tuple[str, ...]
Weights = Mapping[LabelSet, int | Fraction]

# Labels of one text, at most: of GoEmotions' texts one in a thousand has more.
MAX_LABELS = 3
# A cell that accepted nothing yet is drawn from as if one text in twenty passed.
MIN_ACCEPTANCE = 1 / 20
# Texts of the same label set on other topics that a cell's acceptance rate is shrunk towards, in texts.
PRIOR_TEXTS = 10
# Texts drawn in a later round, per text that the cell wanted at first, at most.
MAX_REFILL = 4


def plan_cells(
    config: RunConfig, taxonomy: Taxonomy, topics: Topics, real_counts: Mapping[LabelSet, int] | None = None
) -> list[Cell]:
    """Lay out the first round.

    The wanted texts of the cells add up to `plan.texts_per_label` for every label, or to
    `plan.texts_per_topic` for every label and topic, counted over the label sets that hold it. Cells that
    want nothing are left out.

    Args:
        config: Gives the quota, the share of label sets, the topics and the seed.
        taxonomy: Labels and the pairs that texts may carry.
        topics: Topics at hand, of which `plan.topics` selects.
        real_counts: How often real text carries each label set, if there is any; labels in label order.

    Raises:
        ValueError: `plan.topics` or `plan.styles` names something unknown.
    """
    names = topics.select(config.plan.topics, config.plan.styles).names
    weights = set_weights(taxonomy, real_counts or {}, config.plan.label_set_smoothing)
    by_topic = _in_every_topic if config.plan.texts_per_topic else _in_drawn_topics
    cells = []
    for labels, topic, wanted in by_topic(config, taxonomy.names, weights, names):
        seed = stable_seed(config.seed, *labels, topic, 1)
        n_to_sample = ceil(wanted * config.plan.oversampling)
        cells.append(
            Cell(labels=labels, topic=topic, wanted=wanted, n_to_sample=n_to_sample, round=1, seed=seed)
        )
    return cells


def _in_drawn_topics(
    config: RunConfig, labels: Sequence[str], weights: Weights, topics: Sequence[str]
) -> Iterator[tuple[LabelSet, str, int]]:
    """Label set, topic and wanted texts of each cell: some topics for each set."""
    plan = config.plan
    sizes = label_set_sizes(labels, weights, plan.texts_per_label, plan.multi_label_fraction, config.seed)
    for chosen, size in sizes.items():
        for topic, wanted in _spread(size, chosen, topics, config).items():
            yield chosen, topic, wanted


def _in_every_topic(
    config: RunConfig, labels: Sequence[str], weights: Weights, topics: Sequence[str]
) -> Iterator[tuple[LabelSet, str, int]]:
    """The same with `plan.texts_per_topic` texts for every label about every topic."""
    for topic in topics:
        seed = stable_seed(config.seed, topic)
        sizes = label_set_sizes(
            labels, weights, config.plan.texts_per_topic or 0, config.plan.multi_label_fraction, seed
        )
        for chosen, wanted in sizes.items():
            yield chosen, topic, wanted


def refill_cells(
    cells: Sequence[Cell], accepted: Mapping[str, int], sampled: Mapping[str, int], round_: int
) -> list[Cell]:
    """Lay out a later round for the cells that are short.

    A cell draws what it misses over its own acceptance rate, and one standard deviation of that number
    more, so that five in six are filled by it; at most `MAX_REFILL` times what it wanted at first.

    Args:
        cells: Cells of the first round.
        accepted: Texts accepted so far in all rounds, per `Cell.key`; a missing key counts as 0.
        sampled: Texts drawn so far in all rounds, per `Cell.key`; a missing key counts as the first draw.
        round_: Number of the round to lay out, from 2.

    Returns:
        One cell per short cell, `wanted` being what it misses; empty when every cell is filled.
    """
    rates = acceptance_rates(cells, accepted, sampled)
    refills = []
    for cell in cells:
        missing = cell.wanted - accepted.get(cell.key, 0)
        if missing > 0:
            rate = rates[cell.key]
            enough = ceil((missing + sqrt(missing * (1 - rate))) / rate)  # of a negative binomial
            change = {
                "wanted": missing,
                "n_to_sample": min(enough, MAX_REFILL * cell.wanted),
                "round": round_,
                "seed": stable_seed(cell.seed, round_),
            }
            refills.append(cell.model_copy(update=change))
    return refills


def acceptance_rates(
    cells: Sequence[Cell], accepted: Mapping[str, int], sampled: Mapping[str, int]
) -> dict[str, float]:
    """Share of a cell's texts that are accepted, `MIN_ACCEPTANCE`..1, per `Cell.key`.

    A cell that drew six texts knows little of its own rate: it counts for as many texts as it drew, the
    cells with the same labels for `PRIOR_TEXTS`.
    """
    passed: Counter[LabelSet] = Counter()
    tried: Counter[LabelSet] = Counter()
    for cell in cells:
        passed[cell.labels] += accepted.get(cell.key, 0)
        tried[cell.labels] += sampled.get(cell.key, cell.n_to_sample)
    rates = {}
    for cell in cells:
        pooled = passed[cell.labels] / max(1, tried[cell.labels])
        own, n = accepted.get(cell.key, 0), sampled.get(cell.key, cell.n_to_sample)
        rate = (own + PRIOR_TEXTS * pooled) / (n + PRIOR_TEXTS)
        rates[cell.key] = min(1.0, max(MIN_ACCEPTANCE, rate))
    return rates


def afford(cells: Sequence[Cell], n_texts: int) -> list[Cell]:
    """Shrink a round to at most `n_texts` draws, all cells alike; those left without any are dropped."""
    total = sum(cell.n_to_sample for cell in cells)
    if total <= n_texts:
        return list(cells)
    draws = {cell.key: cell.n_to_sample * n_texts // total for cell in cells}
    return [cell.model_copy(update={"n_to_sample": draws[cell.key]}) for cell in cells if draws[cell.key]]


def set_weights(
    taxonomy: Taxonomy, real_counts: Mapping[LabelSet, int], label_set_smoothing: float
) -> dict[LabelSet, int | Fraction]:
    """Relative frequency of every set of several labels that texts may carry.

    Where people were seen to combine labels, it is their count to the power of `label_set_smoothing` (0..1),
    so that rare combinations get their share; labels that stand alone are left alone. Else the taxonomy's
    pairs count, the less the more pairs their labels are in: weights around a label add up to at most 1.
    """
    seen = {
        labels: round(1_000 * n**label_set_smoothing)
        for labels, n in real_counts.items()
        if 1 < len(labels) <= MAX_LABELS and n > 0 and not set(labels) & set(taxonomy.alone)
    }
    if seen:
        return dict(sorted(seen.items(), key=lambda item: [taxonomy.index[name] for name in item[0]]))
    pairs = taxonomy.allowed_pairs()
    n_pairs = Counter(name for pair in pairs for name in pair)
    return {pair: Fraction(1, max(n_pairs[name] for name in pair)) for pair in pairs}


def label_set_sizes(
    names: Sequence[str],
    weights: Mapping[LabelSet, int | Fraction],
    texts_per_label: int,
    multi_share: float,
    seed: int = 0,
) -> dict[LabelSet, int]:
    """Texts wanted per label set, singles first, both in label order; sets that want none are left out.

    With P texts per label, L labels and T texts of which a share q carry m labels each, T = P L /
    (1 + q (m - 1)): q T is how many are aimed at. Where the labels cannot carry that many, there are fewer.
    What the sets do not use, single labels do, so that the rarest label has its P texts, too.
    """
    if not weights:
        return dict.fromkeys([(name,) for name in names], texts_per_label)
    # From the decimal that was written, not its binary neighbour: 0.2 is exactly a fifth.
    share = Fraction(str(multi_share))
    mean = Fraction(sum(len(labels) * w for labels, w in weights.items())) / sum(weights.values())
    target = share * texts_per_label * len(names) / (1 + share * (mean - 1))
    sets = _whole(_shares(weights, texts_per_label, target), texts_per_label, seed)
    singles: dict[LabelSet, int] = {
        (name,): texts_per_label - sum(n for labels, n in sets.items() if name in labels) for name in names
    }
    return {labels: n for labels, n in {**singles, **sets}.items() if n}


def stable_seed(*parts: str | int) -> int:
    """31-bit seed decided by the parts alone, the same on every machine and Python."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def _shares(
    weights: Mapping[LabelSet, int | Fraction], texts_per_label: int, target: Fraction
) -> dict[LabelSet, Fraction]:
    """Share `target` texts among label sets by weight; sets with a label that is full grow no further.

    Progressive filling: Bertsekas and Gallager, Data Networks, section 6.5.2.
    """
    shares = dict.fromkeys(weights, Fraction(0))
    room = {name: Fraction(texts_per_label) for labels in weights for name in labels}
    growing = dict(weights)
    while growing and target > 0:
        pull: dict[str, Fraction] = {}
        for labels, weight in growing.items():
            for name in labels:
                pull[name] = pull.get(name, Fraction(0)) + weight
        total = Fraction(sum(growing.values()))
        step = min(target / total, *(room[name] / weight for name, weight in pull.items()))
        for labels, weight in growing.items():
            shares[labels] += step * weight
        room |= {name: room[name] - step * weight for name, weight in pull.items()}
        target -= step * total
        growing = {labels: w for labels, w in growing.items() if all(room[name] > 0 for name in labels)}
    return shares


def _whole(shares: Mapping[LabelSet, Fraction], texts_per_label: int, seed: int) -> dict[LabelSet, int]:
    """Round to whole texts so that even sets of a tenth of a text are chosen as often as they should be.

    Systematic sampling: what one set leaves over, the next inherits, in an order that the seed decides.
    """
    left = {name: texts_per_label for labels in shares for name in labels}
    sizes, due = dict.fromkeys(shares, 0), Fraction(1, 2)
    for labels in sorted(shares, key=lambda labels: stable_seed(seed, *labels)):
        due += shares[labels]
        sizes[labels] = max(0, min(floor(due), *(left[name] for name in labels)))
        due -= sizes[labels]
        left |= {name: left[name] - sizes[labels] for name in labels}
    return sizes


def _spread(size: int, labels: LabelSet, names: Sequence[str], config: RunConfig) -> dict[str, int]:
    """Share the texts of a label set among the topics drawn for it, as evenly as whole texts allow.

    Who gets one more depends on the place in the list, so that a topic that is put in place of
    another takes over its number.
    """
    seed = config.seed
    chosen = sorted(names, key=lambda name: stable_seed(seed, *labels, name))[: config.plan.topics_per_label]
    by_place = sorted(chosen, key=lambda name: stable_seed(seed, *labels, names.index(name)))
    base, extra = divmod(size, len(chosen))
    wanted = {name: base + (place < extra) for place, name in enumerate(by_place)}
    return {name: wanted[name] for name in names if wanted.get(name)}
