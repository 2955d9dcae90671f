"""Training as a cached stage."""

from tasks.config import EvaluationConfig, ScrubbingConfig, TrainingConfig
from tasks.data.references import DatasetRef, ModelRef
from tasks.orchestration.artifacts import Progress
from tasks.orchestration.caching import digest, stage
from tasks.orchestration.run import Run
from tasks.pipeline.scrubbing import SCRUBBER_VERSION
from tasks.pipeline.training.classifier.fit import fit_classifier as fit
from tasks.storage.block import remove_scratch
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy


def fit_classifier(
    run: Run, rows: DatasetRef, twins: DatasetRef | None = None, pairing: float = 0.0
) -> ModelRef:
    """Train the classifier on rows that are split; `twins` and `pairing` correct it, see `train_task`."""
    config = run.config
    knobs = config.training, config.evaluation, config.scrubbing
    return run.step(train_task, rows, run.taxonomy, *knobs, config.seed, twins, pairing)


@stage("train", version="5", outside=True)
def train_task(
    rows: DatasetRef,
    taxonomy: Taxonomy,
    config: TrainingConfig,
    evaluation: EvaluationConfig,
    scrubbing: ScrubbingConfig,
    seed: int,
    twins: DatasetRef | None = None,
    pairing: float = 0.0,
) -> ModelRef:
    """Fine-tune the classifier; thresholds are chosen on validation and travel with it.

    `twins` are counterfactual rows of a fairness correction, `pairing` the weight of their pairing loss.
    """
    store = open_store()
    inputs = rows, taxonomy, config, evaluation, scrubbing, seed, twins, pairing
    scratch = store.scratch(f"train-{digest(*inputs)}")
    progress = Progress("train")
    known = [*store.get_rows(rows), *(store.get_rows(twins) if twins else [])]
    knobs = config, evaluation, scrubbing
    folder = fit(known, taxonomy, *knobs, seed, scratch, progress, pairing, scrubber=SCRUBBER_VERSION)
    progress(1.0)
    ref = store.put_folder(folder)
    remove_scratch(scratch)
    return ref
