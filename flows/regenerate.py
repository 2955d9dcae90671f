"""Make labelled text, train a classifier on it, and say what it is worth.

    sentimill run                                    everything by default
    sentimill run --taxonomy goemotions --real DIR

Trigger: by hand, every night, or from CI (deployments/prefect.yaml). Needs nothing but this package in the
profile `embedded`.
Every expensive stage is cached by what decides its result; an interrupted run goes on with the same
command.
"""

from prefect import flow

from tasks.config import RunConfig
from tasks.data.references import DatasetRef
from tasks.data.summaries import RunSummary
from tasks.orchestration.engines import release_engines
from tasks.orchestration.run import RunContext, open_run, run_title
from tasks.orchestration.task_runners import task_runner
from tasks.pipeline.planning.rounds import QuotaState
from tasks.stages.approval import ask, exclude
from tasks.stages.balancing import balance
from tasks.stages.data_review import review
from tasks.stages.evaluation import evaluate
from tasks.stages.fairness import make_fair
from tasks.stages.filtering import filter_texts
from tasks.stages.planning import next_round, plan
from tasks.stages.publishing import Candidate, promote, publish
from tasks.stages.real_data import add_real
from tasks.stages.sampling import sample
from tasks.stages.training import calibrate, train
from tasks.stages.unlabelled import add_unlabelled
from tasks.stages.verification import fit_real_data_model, require_label_signal

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
    quotas = sample_until_filled(run)
    require_label_signal(run, quotas)
    rows = add_unlabelled(run, add_real(run, balance(run, quotas)))
    candidate = learn(run, quotas, rows)

    decision = ask(run, candidate)
    if decision.exclude:
        rows = exclude(run, rows, decision.exclude)
        candidate = learn(run, quotas, rows)
    return promote(run, candidate, decision)


def sample_until_filled(run: RunContext) -> QuotaState:
    """Sample, clean, scrub and verify, round by round, until no cell is short or a budget runs out."""
    quotas = plan(run)
    teacher = fit_real_data_model(run)
    while quotas.cells:
        texts = sample(run, quotas)
        filtered = filter_texts(run, quotas, texts, teacher)
        quotas = next_round(run, quotas, texts, filtered)
    release_engines()
    return quotas


def learn(run: RunContext, quotas: QuotaState, rows: DatasetRef) -> Candidate:
    """Train, calibrate, measure, correct what is unfair, and write all of it down."""
    model = calibrate(run, train(run, rows), rows)
    scores = evaluate(run, model, rows)
    classifier = make_fair(run, rows, model, scores)
    return publish(run, quotas, rows, review(run, rows), classifier)
