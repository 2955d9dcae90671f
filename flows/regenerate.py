"""Make labelled text, train a classifier on it, and say what it is worth.

    sentimill run                                    everything by default
    sentimill run --taxonomy goemotions --real DIR

Trigger: by hand, every night, or from CI (deployments/prefect.yaml). Needs nothing but this package in the
profile `embedded`.
Every expensive stage is cached by what decides its result; an interrupted run goes on with the same
command.
"""

from collections.abc import Sequence

from prefect import flow

from tasks.config import RunConfig
from tasks.data.records import Cell
from tasks.data.references import DatasetRef
from tasks.data.summaries import RunSummary
from tasks.orchestration.run import Run, open_run, run_title
from tasks.orchestration.task_runners import task_runner
from tasks.stages.approval import ask, exclude
from tasks.stages.balancing import balance
from tasks.stages.data_review import review
from tasks.stages.evaluation import evaluate
from tasks.stages.fairness import make_fair
from tasks.stages.filtering import account, filter_texts
from tasks.stages.planning import next_round, plan
from tasks.stages.publishing import Candidate, promote, publish
from tasks.stages.real_data import add_real
from tasks.stages.sampling import sample
from tasks.stages.training import calibrate, train

DEFAULT = RunConfig()


@flow(
    name="regenerate",
    flow_run_name=run_title,
    task_runner=task_runner(),
)
def regenerate(config: RunConfig = DEFAULT) -> RunSummary:
    """Turn labels and topics into a data set, an evaluated classifier and a report.

    Args:
        config: Every option of the run.
    """
    run = open_run(config)
    planned, synthetic = synthetic_rows(run)
    rows = add_real(run, synthetic)
    candidate = learn(run, planned, rows)

    decision = ask(run, candidate)
    if decision.exclude:
        rows = exclude(run, rows, decision.exclude)
        candidate = learn(run, planned, rows)
    return promote(run, candidate, decision)


def synthetic_rows(run: Run) -> tuple[list[Cell], DatasetRef]:
    """Sample, clean, scrub and verify, round by round, until no cell is short; then balance and split."""
    planned = plan(run)
    accepted = pool = run.store.put_rows([])
    cells = next_round(run, planned)
    while cells:
        texts = sample(run, cells)
        pool, filtered = filter_texts(run, texts, pool)
        accepted = filtered.verified.kept
        counts = account(run, planned, filtered)
        cells = next_round(run, planned, counts)
    return planned, balance(run, accepted, planned)


def learn(run: Run, planned: Sequence[Cell], rows: DatasetRef) -> Candidate:
    """Train, calibrate, measure, correct what is unfair, and write all of it down."""
    model = calibrate(run, train(run, rows), rows)
    scores = evaluate(run, model, rows)
    model, scores, fairness = make_fair(run, model, rows, scores)
    return publish(run, planned, rows, review(run, rows), model, scores, fairness)
