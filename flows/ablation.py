"""Data-mix ablation: the same classifier on real, synthetic and mixed rows, on human-written text.

    sentimill ablate --taxonomy goemotions --real DIR
    sentimill ablate --taxonomy goemotions --real DIR --rows-per-arm null --seeds 5    all rows, hours

Trigger: by hand, or after a change to how texts are made. Arms already trained come from the cache.
"""

from prefect import flow

from flows.regenerate import sample_until_filled
from tasks.config import AblationConfig
from tasks.data.summaries import AblationSummary
from tasks.orchestration.task_runners import task_runner
from tasks.stages.ablation import measure_arms, open_ablation, write_ablation
from tasks.stages.balancing import balance


@flow(
    name="ablation",
    flow_run_name="{config.taxonomy} · {config.profile.value}",
    task_runner=task_runner(),
)
def ablation(config: AblationConfig) -> AblationSummary:
    """Train every arm of the ablation on every seed, and compare them on the same human text.

    Args:
        config: A run, and how many rows, passes and seeds every arm gets.
    """
    run = open_ablation(config)
    synthetic = balance(run, sample_until_filled(run))
    found = measure_arms(run, config, synthetic)
    return write_ablation(run, config, found)
