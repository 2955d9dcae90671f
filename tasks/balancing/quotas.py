"""Exactly as many rows per cell as were asked for, the best first."""

from collections import defaultdict
from collections.abc import Sequence

from tasks.records import Cell, Row, Sifted, reject


def fill_quotas(rows: Sequence[Row], cells: Sequence[Cell]) -> Sifted:
    """Keep the rows that the plan wants; of more, those whose label the votes believe most.

    What a cell lacks is made up from the surplus of other topics with the same labels, so that every
    label still comes as near to its quota as it can.

    Args:
        rows: Accepted rows of all rounds.
        cells: Cells of the first round, `wanted` being the quota of each.
    """
    by_cell: dict[tuple[tuple[str, ...], str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (-row["votes"].get("belief", 0.0), row["id"])):
        by_cell[tuple(row["labels"]), row["topic"]].append(row)
    kept: list[Row] = []
    surplus: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    missing: dict[tuple[str, ...], int] = defaultdict(int)
    for cell in cells:
        own = by_cell.pop((cell.labels, cell.topic), [])
        kept += own[: cell.wanted]
        surplus[cell.labels] += own[cell.wanted :]
        missing[cell.labels] += max(0, cell.wanted - len(own))
    spare: list[Row] = []
    for labels, extra in surplus.items():
        best = sorted(extra, key=lambda row: (-row["votes"].get("belief", 0.0), row["id"]))
        kept += best[: missing[labels]]
        spare += best[missing[labels] :]
    unplanned = [row for own in by_cell.values() for row in own]
    return Sifted(
        kept=kept,
        rejects=[
            *reject(spare, "balancing", "more than wanted"),
            *reject(unplanned, "balancing", "in no cell of the plan"),
        ],
    )
