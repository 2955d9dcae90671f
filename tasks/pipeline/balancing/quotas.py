"""Exactly as many rows per cell as were asked for, the best first."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tasks.data.records import Cell, FilterResult, Row, reject


def fill_quotas(rows: Sequence[Row], cells: Sequence[Cell]) -> FilterResult:
    """Keep the rows that the plan wants; of more, those with the highest label probability.

    What a cell lacks is made up from the surplus of other topics with the same labels, and what a label
    then still lacks from any surplus that carries no label with enough: the quota of a label comes before
    that of a topic, and that before the share of label sets. No label ends with more than it wants.

    Args:
        rows: Accepted rows of all rounds.
        cells: Cells of the first round, `wanted` being the quota of each.
    """
    by_cell: dict[tuple[tuple[str, ...], str], list[Row]] = defaultdict(list)
    for row in best_first(rows):
        by_cell[tuple(row["labels"]), row["topic"]].append(row)
    kept: list[Row] = []
    surplus: list[Row] = []
    missing: Counter[tuple[str, ...]] = Counter()
    for cell in cells:
        own = by_cell.pop((cell.labels, cell.topic), [])
        kept += own[: cell.wanted]
        surplus += own[cell.wanted :]
        missing[cell.labels] += max(0, cell.wanted - len(own))
    surplus = _move(best_first(surplus), kept, missing)
    short = Counter({name: 0 for labels in missing for name in labels})
    for labels, n in missing.items():
        short.update(dict.fromkeys(labels, n))
    spare = _make_up(surplus, kept, short)
    unplanned = [row for own in by_cell.values() for row in own]
    return FilterResult(
        kept=kept,
        rejects=[
            *reject(spare, "balancing", "more than wanted"),
            *reject(unplanned, "balancing", "in no cell of the plan"),
        ],
    )


def best_first(rows: Iterable[Row]) -> list[Row]:
    """Rows by the probability of their labels, highest first."""
    return sorted(rows, key=lambda row: (-row["votes"].get("label_probability", 0.0), row["id"]))


def _move(surplus: Sequence[Row], kept: list[Row], missing: Counter[tuple[str, ...]]) -> list[Row]:
    """Move rows to those kept while their label set misses some, and return the rest."""
    rest = []
    for row in surplus:
        labels = tuple(row["labels"])
        if missing[labels] > 0:
            missing[labels] -= 1
            kept.append(row)
        else:
            rest.append(row)
    return rest


def _make_up(surplus: Sequence[Row], kept: list[Row], short: Counter[str]) -> list[Row]:
    """Move rows to those kept while all of their labels are short, and return the rest."""
    rest = []
    for row in surplus:
        if all(short[name] > 0 for name in row["labels"]):
            short.subtract(row["labels"])
            kept.append(row)
        else:
            rest.append(row)
    return rest
