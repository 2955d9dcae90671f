"""Say what real, synthetic and mixed rows are worth: the same student on every mix, on people's text.

    python -m flows.ablation --taxonomy goemotions --real DIR
    python -m flows.ablation --taxonomy goemotions --real DIR --proof-rows null --seeds 5    all rows, a night

Trigger: by hand, or after a change to how texts are made. Arms already trained come from the cache.
"""

from prefect import flow

from flows.regenerate import synthetic_rows
from tasks.cli.commands import run_proof
from tasks.config import ProofConfig
from tasks.data.summaries import ProofSummary
from tasks.orchestration.task_runners import task_runner
from tasks.stages.ablation import measure_arms, open_proof, write_proof


@flow(
    name="prove",
    flow_run_name="{config.taxonomy} · {config.profile.value}",
    task_runner=task_runner(),
)
def prove(config: ProofConfig) -> ProofSummary:
    """Train every arm of the protocol on every seed, and compare them on the same human text.

    Args:
        config: A run, and how many rows, passes and seeds every arm gets.
    """
    run = open_proof(config)
    _, synthetic = synthetic_rows(run)
    found = measure_arms(run, synthetic)
    return write_proof(run, found)


if __name__ == "__main__":
    run_proof(prove)
