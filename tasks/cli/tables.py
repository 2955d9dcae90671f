"""What a finished run prints."""

import json
import re

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tasks.data.fairness_scores import Fairness
from tasks.data.scores import RunScores
from tasks.data.summaries import ProofSummary, RunSummary
from tasks.pipeline.fairness.limits import NAMES
from tasks.pipeline.reporting.data_review import MOST_NAMED, short_cells, shortfall, why_short
from tasks.storage.connection import open_store


def show(summary: RunSummary) -> None:
    """Print scores and paths of a finished run."""
    store = open_store()
    scores = json.loads(store.read_path(f"runs/{summary.run}/scores.json"))
    console = Console()
    ordinal = scores["taxonomy"]["ordinal"]
    title = f"{summary.run}: {summary.n_rows:,} texts"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in ("test", "what", "macro-F1", "micro-F1", *(("kappa", "MAE") if ordinal else ())):
        table.add_column(column, justify="left" if column in ("test", "what") else "right", no_wrap=True)
    for arm in scores["arms"]:
        m = arm["metrics"]
        values = [m["f1_macro"], m["f1_micro"], *((m["kappa"], m["mae"]) if ordinal else ())]
        shown = ["-" if value is None else f"{value:.3f}" for value in values]
        table.add_row(f"{arm['test_set']} ({m['n_rows']:,})", arm["name"], *shown)
    console.print(table)
    for line in _unfilled(RunScores.model_validate(scores)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if scores.get("fairness"):
        said = fairness_line(Fairness.model_validate(scores["fairness"]))
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    fate = "champion" if summary.champion else "candidate: " + "; ".join(summary.reasons)
    for name, value in (("report", summary.report), ("folder", summary.folder), ("outcome", fate)):
        console.print(f"{name:8}{value}", markup=False, highlight=False, soft_wrap=True)


def show_proof(summary: ProofSummary) -> None:
    """Print the protocol table and paths."""
    rows = [json.loads(row) for row in summary.table]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in dict.fromkeys(name for row in rows for name in row):
        table.add_column(column, justify="left" if column == "arm" else "right", no_wrap=column != "arm")
    for row in rows:  # "0.1 [0.0, 0.2]" in two lines, or the table would be wider than a terminal
        cells = [row.get(str(column.header), "") for column in table.columns]
        table.add_row(cells[0], *(re.sub(r" \[(.*), (.*)\]", r"\n\1…\2", cell) for cell in cells[1:]))
    console = Console()
    console.print(summary.title, markup=False, highlight=False)
    console.print(table)
    for name, value in (("report", summary.report), ("proof", summary.path)):
        console.print(f"{name:8}{value}", markup=False, highlight=False, soft_wrap=True)


def fairness_line(fairness: Fairness) -> str:
    """The audit in one line, as deployed."""
    door, n = fairness.audit.deployed, len(fairness.corrections)
    verdict = "limits passed" if fairness.complaints else "within the limits"
    return (
        f"fair    {verdict} after {n} correction{'' if n == 1 else 's'}: names change a probability by "
        f"{door.worst('mean', *NAMES).mean:.4f}, largest group gap {door.worst('gap').gap:.3f}, "
        f"flips {100 * door.flips:.2f} %, countries {door.countries.spread:.3f}"
    )


def _unfilled(scores: RunScores) -> list[str]:
    """What the quota loop could not fill, and why; the whole list stands in the report."""
    short = short_cells(scores.plan)
    lines = [f"        {why_short(cell)}" for cell in short[:MOST_NAMED]]
    more = (
        [f"        and {len(short) - MOST_NAMED} more cells; see the report"]
        if len(short) > MOST_NAMED
        else []
    )
    return [f"quotas  {shortfall(scores.plan, scores.taxonomy)}", *lines, *more] if scores.plan.cells else []
