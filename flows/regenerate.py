"""Make labelled text, train a classifier on it, and say what it is worth.

    python -m flows.regenerate                                    everything by default
    python -m flows.regenerate --taxonomy goemotions --real DIR

Trigger: by hand, every night, or from CI (deployments/prefect.yaml). Needs nothing but this package in the
profile `embedded`.
Every expensive stage is cached by what decides its result; an interrupted run goes on with the same
command.
"""

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.approval import ask, exclude
from tasks.commandline import run_flow
from tasks.config import RunConfig
from tasks.planning import plan_cells, refill_cells
from tasks.records import RunSummary
from tasks.release import crown, publish
from tasks.runs import account, add_real, balance, evaluate, fit_classifier, open_run, run_title, sample, sift

DEFAULT = RunConfig()


# Threads wait while one engine decodes what all of them asked for; more threads, fuller batches.
@flow(
    name="regenerate",
    flow_run_name=run_title,
    task_runner=ThreadPoolTaskRunner(max_workers=24),  # type: ignore[arg-type]
)
def regenerate(config: RunConfig = DEFAULT) -> RunSummary:
    """Turn labels and topics into a data set, an evaluated classifier and a report.

    Args:
        config: Every knob of the run.
    """
    run = open_run(config)
    config = run.config

    planned = plan_cells(config, run.taxonomy, run.topics) if run.wants_synthetic else []
    cells, pool = planned, run.store.put_rows([])
    accepted = pool
    while cells and run.rounds < config.plan.rounds:
        texts = sample(run, cells)
        pool, sifted = sift(run, texts, pool)
        accepted = sifted.verified.kept
        counts = account(run, planned, sifted)
        cells = refill_cells(planned, counts, run.drawn, run.rounds + 1)

    rows = add_real(run, balance(run, accepted, planned))
    model = fit_classifier(run, rows)
    scores = evaluate(run, model, rows)
    candidate = publish(run, planned, rows, model, scores)

    decision = ask(run, candidate)
    if decision.exclude:
        rows = exclude(run, rows, decision.exclude)
        model = fit_classifier(run, rows)
        scores = evaluate(run, model, rows)
        candidate = publish(run, planned, rows, model, scores)
    return crown(run, candidate, decision)


if __name__ == "__main__":
    run_flow(regenerate)
