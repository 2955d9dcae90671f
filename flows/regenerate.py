"""Make labelled text, train a classifier on it, and say what it is worth.

    python -m flows.regenerate                                    everything by default
    python -m flows.regenerate --taxonomy goemotions --real DIR

Trigger: by hand. Needs nothing but this package in the profile `embedded`.
Every expensive stage is cached by what decides its result; an interrupted run goes on with the same
command.
"""

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.commandline import run_flow
from tasks.config import RunConfig
from tasks.planning import plan_cells, refill_cells
from tasks.records import Cell, DatasetRef, RunSummary
from tasks.release import publish
from tasks.runs import Run, account, add_real, balance, evaluate, fit_classifier, open_run, sample, sift

DEFAULT = RunConfig()


# Threads wait while one engine decodes what all of them asked for; more threads, fuller batches.
@flow(
    name="regenerate",
    flow_run_name="{config.taxonomy} · {config.profile.value}",
    task_runner=ThreadPoolTaskRunner(max_workers=24),  # type: ignore[arg-type]
)
def regenerate(config: RunConfig = DEFAULT) -> RunSummary:
    """Turn labels and topics into a data set, an evaluated classifier and a report.

    Args:
        config: Every knob of the run.
    """
    run = open_run(config)
    planned, synthetic = synthetic_rows(run)
    rows = add_real(run, synthetic)
    model = fit_classifier(run, rows)
    scores = evaluate(run, model, rows)
    return publish(run, planned, rows, model, scores)


def synthetic_rows(run: Run) -> tuple[list[Cell], DatasetRef]:
    """Sample, clean, scrub and verify, round by round, until no cell is short; then balance and split."""
    planned = plan_cells(run.config, run.taxonomy, run.topics) if run.wants_synthetic else []
    cells, pool = planned, run.store.put_rows([])
    accepted = pool
    while cells and run.rounds < run.config.plan.rounds:
        texts = sample(run, cells)
        pool, sifted = sift(run, texts, pool)
        accepted = sifted.verified.kept
        counts = account(run, planned, sifted)
        cells = refill_cells(planned, counts, run.drawn, run.rounds + 1)
    return planned, balance(run, accepted, planned)


if __name__ == "__main__":
    run_flow(regenerate)
