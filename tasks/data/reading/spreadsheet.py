"""Sheets of an XLSX file, whose formulas must have been computed."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.data.reading.delimited import is_header
from tasks.data.reading.table import Table
from tasks.data.reading.unpacking import check_archive


def read_spreadsheet(path: Path, wanted: Sequence[str] = (), sheet: str | None = None) -> Table:
    """Read one sheet of an XLSX file; cells keep their kinds, empty ones are empty strings.

    Raises:
        ValueError: openpyxl is missing, the sheet is not there, or a formula has no value.
    """
    if find_spec("openpyxl") is None:
        raise ValueError(
            f"{path.name} is a spreadsheet but openpyxl is not installed; expected it. Run `pip install "
            "'sentimill[excel]'`, or save the sheet as CSV."
        )
    check_archive(path)
    from openpyxl import load_workbook

    values = load_workbook(path, read_only=True, data_only=True)
    name = _sheet(path, values.sheetnames, sheet)
    rows = [list(row) for row in values[name].iter_rows(values_only=True)]
    values.close()
    _require_values(path, name, rows)
    notes = (
        [f"{path.name}: sheet {name}, of {', '.join(values.sheetnames)}"]
        if len(values.sheetnames) > 1
        else []
    )
    return _table(path, rows, wanted, notes)


def _sheet(path: Path, sheets: Sequence[str], wanted: str | None) -> str:
    if wanted is None:
        return sheets[0]
    if wanted not in sheets:
        raise ValueError(
            f"{path.name} has no sheet {wanted!r}; expected one of {', '.join(sheets)}. Give --real.sheet."
        )
    return wanted


def _require_values(path: Path, sheet: str, values: Sequence[Sequence[Any]]) -> None:
    """Refuse a formula that no spreadsheet program has computed: its cell reads as an empty one."""
    from openpyxl import load_workbook

    formulas = load_workbook(path, read_only=True)
    for i, row in enumerate(formulas[sheet].iter_rows()):
        for j, cell in enumerate(row):
            if cell.data_type == "f" and values[i][j] is None:
                raise ValueError(
                    f"{path.name}, sheet {sheet}, cell {cell.coordinate} holds the formula "
                    f"{str(cell.value)[:40]!r} and no value; expected values. Open the file in a spreadsheet "
                    "program and save it, or save the sheet as CSV."
                )
    formulas.close()


def _table(path: Path, rows: Sequence[Sequence[Any]], wanted: Sequence[str], notes: list[str]) -> Table:
    filled = [["" if cell is None else cell for cell in row] for row in rows]
    filled = [row for row in filled if any(cell != "" for cell in row)]
    if not filled:
        raise ValueError(f"{path.name} is empty; expected a header and rows. Check the file, or the sheet.")
    first = [str(cell) for cell in filled[0]]
    has_header = is_header(first, [[str(cell) for cell in row] for row in filled[1:50]], wanted)
    names = first if has_header else [""] * len(first)
    columns = [name.strip() or f"column {i}" for i, name in enumerate(names, 1)]
    return Table(
        path.name, pd.DataFrame(filled[has_header:], columns=columns), notes=notes, has_header=has_header
    )
