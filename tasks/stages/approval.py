"""A person's word before a run may become champion: asked on the run page, answered in a form there."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import Running
from pydantic import Field

from tasks.data.records import Row, reject
from tasks.data.references import DatasetRef
from tasks.data.summaries import Decision
from tasks.orchestration import artifacts
from tasks.orchestration.run import RunContext
from tasks.stages.publishing import Candidate

SHORT = 8
"""Characters of a row's id that people see and type."""


class Answer(RunInput):
    """The form that a person fills in."""

    decision: Literal["approve", "reject"] = Field("approve", title="Decision")
    exclude: list[str] = Field(
        default_factory=list,
        title="Rows to exclude",
        description="Ids of rows that must go. The classifier is trained and measured again without them.",
    )
    comment: str = Field("", title="Comment", description="Kept with the run.")


def ask(run: RunContext, candidate: Candidate) -> Decision:
    """Pause until a person answers; without an answer in time the run stays a candidate.

    The artifact `approval` shows the rows. Returns at once if no approval is required.
    """
    config = run.config.approval
    if not config.required:
        return Decision()
    rows = run.store.get_rows(candidate.rows)
    shown = review_rows(rows, run.taxonomy.names, config.rows_per_label)
    artifacts.show_page(
        "approval", page(shown), f"{len(shown)} rows of {run.name} to read before it is approved"
    )
    question = (
        f"**{run.name}** waits for approval.\n\n{outline(candidate)}\n\n"
        "The rows are on the page of this run: Artifacts, `approval`."
    )
    while True:
        form = Answer.with_initial_data(description=question)
        try:
            answer = pause_flow_run(wait_for_input=form, timeout=config.timeout_s, poll_interval=2)
        except FlowPauseTimeout:
            resume_run()
            return Decision(approved=False, reason=f"nobody approved it within {config.timeout_s} s")
        chosen, unknown = resolve_id_prefixes(answer.exclude, rows)
        if not unknown:
            break
        question = (
            f"No row has the id {', '.join(unknown)}; expected ids of artifact `approval`. Answer again."
        )
    get_run_logger().info("a person chose to %s: %s", answer.decision, answer.comment or "no comment")
    approved = answer.decision == "approve"
    reason = "" if approved else f"a person rejected it: {answer.comment or 'no comment'}"
    return Decision(approved=approved, exclude=chosen, reason=reason)


def resume_run() -> None:
    """Take a run out of a pause that nobody ended: the server fails what is still in one when it is done."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(runtime.flow_run.id), Running(), force=True)


def outline(candidate: Candidate) -> str:
    """Scores and the place of the report, in Markdown."""
    lines = [
        f"- {system.name}, {system.test_set} text: macro-F1 {m.f1_macro:.3f}, micro-F1 {m.f1_micro:.3f}"
        for system in candidate.scores.results
        if (m := system.metrics)
    ]
    return "\n".join([*lines, f"- report: `{candidate.folder}/report.html`"])


def exclude(run: RunContext, rows: DatasetRef, ids: Sequence[str]) -> DatasetRef:
    """Take rows out that a person refused; they join the rejects."""
    every = run.store.get_rows(rows)
    refused = [row for row in every if row["id"] in set(ids)]
    run.ledger.add_rejects(run.store.put_rejects(reject(refused, "approval", "excluded by a person")))
    return run.store.put_rows([row for row in every if row["id"] not in set(ids)])


def review_rows(rows: Sequence[Row], labels: Sequence[str], per_label: int) -> list[Row]:
    """The first rows of every label; their order is random already. A row with two labels stands once."""
    chosen = {
        row["id"]: row
        for label in labels
        for row in [row for row in rows if label in row["labels"]][:per_label]
    }
    return list(chosen.values())


def page(rows: Sequence[Row]) -> str:
    """Rows as a table in Markdown."""
    lines = [
        f"| `{row['id'][:SHORT]}` | {', '.join(row['labels'])} | {_in_cell(row['text'])} |" for row in rows
    ]
    return "\n".join(["| id | labels | text |", "|---|---|---|", *lines])


def _in_cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def resolve_id_prefixes(given: Sequence[str], rows: Sequence[Row]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of the rows whose id begins with what a person typed, and what no row begins with."""
    wanted = [text.strip().strip("`") for text in given]
    found = {text: [row["id"] for row in rows if text and row["id"].startswith(text)] for text in wanted}
    return (
        tuple(i for ids in found.values() for i in ids),
        tuple(text for text, ids in found.items() if not ids),
    )
