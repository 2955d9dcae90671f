"""What to write: which label sets about which topics, and how many texts of each.

Every choice hangs on a hash of the names concerned, never on the order of a shuffled list, so that
changing one topic leaves the cells of the others as they were, and with them their cached texts.
"""

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor

from tasks.config import RunConfig
from tasks.records import Cell
from tasks.taxonomy import Taxonomy, Topics

LabelSet = tuple[str, ...]

# A cell that accepted nothing yet is drawn from as if one text in twenty passed.
MIN_ACCEPTANCE = Fraction(1, 20)
# Texts drawn in a later round, per text that the cell wanted at first, at most.
MAX_REFILL = 4


def plan_cells(config: RunConfig, taxonomy: Taxonomy, topics: Topics) -> list[Cell]:
    """Lay out the first round.

    The wanted texts of the cells add up to `plan.per_label` for every label, counted over the label
    sets that hold it. Cells that want nothing are left out.

    Args:
        config: Gives the quota, the share of pairs, the topics and the seed.
        taxonomy: Labels and the pairs that texts may carry.
        topics: Topics at hand, of which `plan.topics` selects.

    Raises:
        ValueError: `plan.topics` or `plan.styles` names something unknown.
    """
    names = topics.select(config.plan.topics, config.plan.styles).names
    sizes = label_set_sizes(taxonomy, config.plan.per_label, config.plan.pair_share)
    cells = []
    for labels, size in sizes.items():
        for topic, wanted in _spread(size, labels, names, config).items():
            seed = stable_seed(config.seed, *labels, topic, 1)
            draw = ceil(wanted * config.plan.oversampling)
            cells.append(Cell(labels=labels, topic=topic, wanted=wanted, draw=draw, round=1, seed=seed))
    return cells


def refill_cells(
    cells: Sequence[Cell], accepted: Mapping[str, int], drawn: Mapping[str, int], round_: int
) -> list[Cell]:
    """Lay out a later round for the cells that are short.

    A cell draws what it misses over its own acceptance rate (at least `MIN_ACCEPTANCE`), and at most
    `MAX_REFILL` times what it wanted at first.

    Args:
        cells: Cells of the first round.
        accepted: Texts accepted so far in all rounds, per `Cell.key`; a missing key counts as 0.
        drawn: Texts drawn so far in all rounds, per `Cell.key`; a missing key counts as the first draw.
        round_: Number of the round to lay out, from 2.

    Returns:
        One cell per short cell, `wanted` being what it misses; empty when every cell is filled.
    """
    refills = []
    for cell in cells:
        missing = cell.wanted - accepted.get(cell.key, 0)
        if missing > 0:
            rate = Fraction(accepted.get(cell.key, 0), max(1, drawn.get(cell.key, cell.draw)))
            draw = min(ceil(missing / max(rate, MIN_ACCEPTANCE)), MAX_REFILL * cell.wanted)
            change = {
                "wanted": missing,
                "draw": draw,
                "round": round_,
                "seed": stable_seed(cell.seed, round_),
            }
            refills.append(cell.model_copy(update=change))
    return refills


def label_set_sizes(taxonomy: Taxonomy, per_label: int, pair_share: float) -> dict[LabelSet, int]:
    """Texts wanted per label set, singles first, both in label order; sets that want none are left out.

    With P texts per label, L labels and T texts of which a share q are pairs, T = P L / (1 + q): that
    is how many pairs are aimed at. Where the allowed pairs cannot carry that many, there are fewer.
    """
    # From the decimal that was written, not its binary neighbour: 0.2 is exactly a fifth.
    share = Fraction(str(pair_share))
    target = share * per_label * taxonomy.n_labels / (1 + share)
    pairs = _rounded_pairs(_pair_shares(taxonomy.allowed_pairs(), per_label, target), per_label)
    singles: dict[LabelSet, int] = {
        (name,): per_label - sum(n for pair, n in pairs.items() if name in pair) for name in taxonomy.names
    }
    return {labels: n for labels, n in {**singles, **pairs}.items() if n}


def stable_seed(*parts: str | int) -> int:
    """31-bit seed decided by the parts alone, the same on every machine and Python."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def _pair_shares(pairs: Sequence[LabelSet], per_label: int, target: Fraction) -> dict[LabelSet, Fraction]:
    """Share `target` texts among pairs so that no label has more than `per_label` of them.

    A pair gets the less the more pairs its labels are in: with weight 1 / (the larger of the two
    numbers of pairs), the weights around a label add up to at most 1, so a scale of `per_label` is safe.
    """
    n_pairs = {name: sum(name in pair for pair in pairs) for pair in pairs for name in pair}
    weights = {pair: Fraction(1, max(n_pairs[name] for name in pair)) for pair in pairs}
    scale = min(target / sum(weights.values()), Fraction(per_label)) if pairs else Fraction(0)
    return {pair: weight * scale for pair, weight in weights.items()}


def _rounded_pairs(shares: Mapping[LabelSet, Fraction], per_label: int) -> dict[LabelSet, int]:
    """Round to whole texts by largest remainder, passing over labels that are full."""
    sizes = {pair: floor(share) for pair, share in shares.items()}
    left = round(sum(shares.values())) - sum(sizes.values())
    for pair in sorted(shares, key=lambda pair: sizes[pair] - shares[pair]):
        used = [sum(n for other, n in sizes.items() if name in other) for name in pair]
        if left and max(used) < per_label:
            sizes[pair] += 1
            left -= 1
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
