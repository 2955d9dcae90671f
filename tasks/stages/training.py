"""Training as a cached stage."""

from tasks.config import EvaluationConfig, ScrubbingConfig, TrainingConfig
from tasks.data.references import DatasetRef, ModelRef
from tasks.orchestration.artifacts import Progress
from tasks.orchestration.caching import digest, stage
from tasks.orchestration.run import Run
from tasks.pipeline.scrubbing import SCRUBBER_VERSION
from tasks.pipeline.training.classifier.fit import fit_classifier as fit
from tasks.storage.connection import open_store
from tasks.storage.store import remove_scratch
from tasks.taxonomy import Taxonomy


def fit_classifier(
    run: Run, rows: DatasetRef, counterfactuals: DatasetRef | None = None, pairing: float = 0.0
) -> ModelRef:
    """Train the classifier on rows that are split; see `train_task` for `counterfactuals` and `pairing`."""
    config = run.config
    options = config.training, config.evaluation, config.scrubbing
    return run.call(train_task, rows, run.taxonomy, *options, config.seed, counterfactuals, pairing)


@stage("train", retry_on_network_error=True)
def train_task(
    rows: DatasetRef,
    taxonomy: Taxonomy,
    config: TrainingConfig,
    evaluation: EvaluationConfig,
    scrubbing: ScrubbingConfig,
    seed: int,
    counterfactuals: DatasetRef | None = None,
    pairing: float = 0.0,
) -> ModelRef:
    """Fine-tune the classifier; thresholds are chosen on validation and travel with it.

    `counterfactuals` are counterfactual rows of a fairness correction, `pairing` the weight of their pairing
    loss.
    """
    store = open_store()
    inputs = rows, taxonomy, config, evaluation, scrubbing, seed, counterfactuals, pairing
    scratch = store.scratch(f"train-{digest(*inputs)}")
    progress = Progress("train")
    known = [*store.get_rows(rows), *(store.get_rows(counterfactuals) if counterfactuals else [])]
    options = config, evaluation, scrubbing
    folder = fit(known, taxonomy, *options, seed, scratch, progress, pairing, scrubber=SCRUBBER_VERSION)
    progress(1.0)
    ref = store.put_folder(folder)
    remove_scratch(scratch)
    return ref
