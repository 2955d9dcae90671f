"""What a finished run prints."""

import json
import re

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table

from tasks.config import FairnessConfig
from tasks.data.fairness_scores import Fairness
from tasks.data.scores import RunScores
from tasks.data.summaries import AblationSummary, RunSummary
from tasks.pipeline.fairness.violations import NAMES
from tasks.pipeline.reporting.data_review import MAX_NAMED, short_cells, shortfall, why_short
from tasks.storage.connection import open_store


def show(summary: RunSummary) -> None:
    """Print scores and paths of a finished run."""
    scores = RunScores.model_validate_json(open_store().read_path(f"runs/{summary.run}/scores.json"))
    console = Console()
    console.print(results_table(f"{summary.run}: {summary.n_rows:,} texts", scores))
    lines = _unfilled(scores)
    if scores.fairness:
        limits = FairnessConfig.model_validate(scores.config["fairness"])
        lines.append(fairness_line(scores.fairness, limits))
    paths = (("report", summary.report), ("folder", summary.folder), ("outcome", str(summary.outcome)))
    for line in (*lines, *(f"{name:10}{value}" for name, value in paths)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def results_table(title: str, scores: RunScores) -> Table:
    """One row per system and test set; a scale has two columns more."""
    ordinal = scores.taxonomy.ordinal
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in ("test", "system", "macro-F1", "micro-F1", *(("kappa", "MAE") if ordinal else ())):
        justify: JustifyMethod = "left" if column in ("test", "system") else "right"
        # Long names take two lines in a narrow terminal; a figure is never cut.
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column != "system")
    for system in scores.results:
        m = system.metrics
        values = [m.f1_macro, m.f1_micro, *((m.kappa, m.mae) if ordinal else ())]
        shown = ["-" if value is None else f"{value:.3f}" for value in values]
        table.add_row(f"{system.test_set} ({m.n_rows:,})", system.name, *shown)
    return table


def show_ablation(summary: AblationSummary) -> None:
    """Print the table and the paths of an ablation."""
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
    for name, value in (("report", summary.report), ("figures", summary.path)):
        console.print(f"{name:10}{value}", markup=False, highlight=False, soft_wrap=True)


def fairness_line(fairness: Fairness, limits: FairnessConfig) -> str:
    """The audit as deployed in one line: passed or FAILED, and the main figures beside their limits."""
    deployed, n = fairness.audit.deployed, len(fairness.corrections)
    verdict = "FAILED" if fairness.violations else "passed"
    after = f" after {n} correction{'' if n == 1 else 's'}" if n else ""
    return (
        f"fairness  {verdict}{after}: changing a name moves a probability by "
        f"{deployed.worst('mean', *NAMES).mean:.4f} on average (limit {limits.max_name_mean:g}), "
        f"largest group gap {deployed.worst('gap').gap:.3f} (limit {limits.max_gap:g}), "
        f"country spread {deployed.countries.spread:.3f} (limit {limits.max_country_spread:g})"
    )


def _unfilled(scores: RunScores) -> list[str]:
    """What the quota loop could not fill, and why; the whole list is in the report."""
    short = short_cells(scores.plan)
    lines = [f"          {why_short(cell)}" for cell in short[:MAX_NAMED]]
    more = (
        [f"          and {len(short) - MAX_NAMED} more cells; see the report"]
        if len(short) > MAX_NAMED
        else []
    )
    return (
        [f"quotas    {shortfall(scores.plan, scores.taxonomy)}", *lines, *more] if scores.plan.cells else []
    )
