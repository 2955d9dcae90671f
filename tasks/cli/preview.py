"""`sentimill run --preview`: a few texts of every label in the terminal, before anything is spent."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from tasks.config import RunConfig
from tasks.data.records import Cell, FilterResult, Row
from tasks.orchestration.engines import engine_of
from tasks.orchestration.fingerprints import generator_sha256
from tasks.orchestration.preflight import check, unknown_topics
from tasks.pipeline.cleaning import clean_rows
from tasks.pipeline.planning.cells import plan_cells
from tasks.pipeline.scrubbing.rows import scrub_rows
from tasks.stages.sampling import cell_requests_of, rows_of_requests
from tasks.taxonomy import Taxonomy, Topics

SHOWN = 3
"""Texts shown per label."""
TOPICS = 3
"""Cells sampled per label."""
PER_CELL = 2
"""Texts sampled per cell, so that some of a label are left when cleaning rejects others."""


def preview(asked: RunConfig) -> None:
    """Sample, clean and scrub a few texts of every label and print them; nothing is written.

    They are the first texts that the run would sample for these labels and topics.

    Raises:
        ValueError: The run would sample no text, or an option is wrong.
    """
    config, taxonomy, topics = check(asked)
    if config.mixing.real_fraction == 1:
        raise ValueError(
            "mixing.real_fraction is 1, so the run samples no text; expected less. Leave --preview out."
        )
    requests = cell_requests_of(config, taxonomy, topics, first_cells(config, taxonomy, topics))
    rows, _ = rows_of_requests(
        engine_of(config.generator), requests, config.generator, generator_sha256(config.generator), taxonomy
    )
    cleaned = clean_rows(rows, config.cleaning)
    scrubbed = scrub_rows(cleaned.kept, config.scrubbing)
    filtered = FilterResult(scrubbed.kept, [*cleaned.rejects, *scrubbed.rejects])
    console = Console()
    for topic in unknown_topics(topics, config.generator):
        console.print(f"topic {topic}: the generator may not know it", markup=False, highlight=False)
    for name, lines in shown(filtered, taxonomy).items():
        console.print(f"\n{name}", style="bold", markup=False, highlight=False)
        for line in lines:
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def first_cells(config: RunConfig, taxonomy: Taxonomy, topics: Topics) -> list[Cell]:
    """Cells of the run's first round, a few per label: those of the label alone before others."""
    planned = sorted(plan_cells(config, taxonomy, topics), key=lambda cell: len(cell.labels))
    chosen = {
        cell.key: cell
        for name in taxonomy.names
        for cell in [cell for cell in planned if name in cell.labels][:TOPICS]
    }
    return [cell.model_copy(update={"n_to_sample": PER_CELL}) for cell in chosen.values()]


def shown(filtered: FilterResult, taxonomy: Taxonomy) -> dict[str, list[str]]:
    """Lines per label: texts, each of another topic where there are several, then what was rejected."""
    lines: dict[str, list[str]] = {}
    for label in taxonomy.labels:
        own = _spread([row for row in filtered.kept if label.name in row["labels"]])
        why = Counter(r["reason"] for r in filtered.rejects if label.name in r["row"]["labels"])
        lines[label.name] = [
            f"[{row['topic']}, {row['style']}] {' '.join(row['text'].split())}" for row in own
        ]
        if why:
            reasons = ", ".join(f"{reason} {n}" for reason, n in why.most_common())
            lines[label.name].append(f"rejected: {reasons}")
    return lines


def _spread(rows: Sequence[Row]) -> list[Row]:
    """At most `SHOWN` rows, the first of every topic before a second of any."""
    seen: Counter[str] = Counter()
    ranked = []
    for row in rows:
        ranked.append((seen[row["topic"]], row))
        seen[row["topic"]] += 1
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])[:SHOWN]]
