"""Make labelled text, train a classifier on it, and say what it is worth.

    python -m flows.regenerate                                    everything by default
    python -m flows.regenerate --taxonomy goemotions --real.data DIR
    prefect deployment run regenerate/on-demand --watch

Trigger: by hand, the nightly schedule, or CI. Needs nothing but this package in the profile `embedded`.
Every expensive stage is cached by what decides its result; an interrupted run goes on with the same
command.
"""

from prefect import flow

from tasks import stages
from tasks.config import RunConfig
from tasks.planning import plan_cells, refill_cells
from tasks.records import RunSummary
from tasks.stages import cached


@flow(name="regenerate", flow_run_name=stages.run_name, validate_parameters=True)
def regenerate(config: RunConfig = RunConfig()) -> RunSummary:  # noqa: B008 - frozen; the UI shows it
    """Turn labels and topics into a data set, an evaluated classifier and a report.

    Args:
        config: Every knob of the run.
    """
    run = stages.open_run(config)
    config, taxonomy = run.config, run.taxonomy

    cells = planned = plan_cells(config, taxonomy, run.topics) if run.wants_synthetic else []
    pool = accepted = stages.no_rows()
    for round_ in range(1, config.plan.rounds + 1):
        if not cells:
            break
        texts = stages.sample(run, cells, round_)
        cleaned = cached(stages.clean, texts, pool, config.cleaning)
        scrubbed = cached(stages.scrub, cleaned.kept, config.scrubbing)
        pool = stages.join(pool, scrubbed.kept)
        verified = cached(stages.verify, pool, taxonomy.names, config.verifying, config.seed)
        accepted = verified.kept
        counts = stages.show_round(run, planned, accepted, (cleaned, scrubbed, verified), round_)
        cells = refill_cells(planned, counts.accepted, counts.drawn, round_ + 1)

    balanced = cached(stages.balance_split, accepted, tuple(planned), config.split, config.seed)
    rows = stages.add_real(run, balanced.kept)
    model = cached(stages.train, rows, taxonomy, config)
    scores = cached(stages.evaluate, model, rows, stages.real_test(run), taxonomy, config)
    return stages.publish(run, planned, rows, model, scores)


if __name__ == "__main__":
    stages.main(regenerate)
