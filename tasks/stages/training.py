"""Training and calibration as two cached stages: another threshold rule trains nothing again."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tasks.config import EvaluationConfig, ScrubbingConfig, TrainingConfig
from tasks.data.columns import parts_of, texts_of
from tasks.data.references import DatasetRef, ModelRef
from tasks.orchestration.artifacts import Progress
from tasks.orchestration.caching import digest, stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.scrubbing import SCRUBBER_VERSION
from tasks.pipeline.training.classifier.calibrate import calibrate_classifier
from tasks.pipeline.training.classifier.fit import fit_classifier
from tasks.pipeline.training.classifier.initial_weights import head_meanings
from tasks.stages.out_of_scope import write_negatives
from tasks.stages.unlabelled import unlabelled_human_texts
from tasks.storage.connection import open_store
from tasks.storage.store import remove_scratch
from tasks.taxonomy import Taxonomy


def train(
    run: RunContext, rows: DatasetRef, *, counterfactuals: DatasetRef | None = None, pairing: float = 0.0
) -> ModelRef:
    """Train the classifier on rows that are split, see `train_task`."""
    config = run.config
    return run.call(
        train_task,
        rows=rows,
        labels=run.taxonomy.names,
        meanings=head_meanings(run.taxonomy),
        training=config.training,
        seed=config.seed,
        counterfactuals=counterfactuals,
        negatives=write_negatives(run),
        pairing=pairing,
    )


def calibrate(run: RunContext, trained: ModelRef, rows: DatasetRef) -> ModelRef:
    """Give a trained classifier its calibration and thresholds, chosen on the validation rows.

    What people write decides with them where the taxonomy states the shares of its labels.
    """
    config = run.config
    return run.call(
        calibrate_task,
        trained=trained,
        rows=rows,
        human=unlabelled_human_texts(run),
        taxonomy=run.taxonomy,
        evaluation=config.evaluation,
        scrubbing=config.scrubbing,
    )


@stage("train", retry_on_network_error=True)
def train_task(
    *,
    rows: DatasetRef,
    labels: tuple[str, ...],
    meanings: tuple[str, ...],
    training: TrainingConfig,
    seed: int,
    counterfactuals: DatasetRef | None = None,
    negatives: DatasetRef | None = None,
    pairing: float = 0.0,
) -> ModelRef:
    """Fine-tune the classifier.

    `counterfactuals` are pairs of rows of a fairness correction, `pairing` the weight of their pairing loss;
    `negatives` are rows without a label. Both are trained on beside the rows, and published with none.
    """
    store = open_store()
    key = digest(rows, labels, meanings, training, seed, counterfactuals, negatives, pairing)
    scratch = store.scratch(f"train-{key}")
    progress = Progress("train")
    trained = fit_classifier(
        [row for ref in (rows, counterfactuals, negatives) if ref for row in store.get_rows(ref)],
        labels=labels,
        meanings=meanings,
        training=training,
        seed=seed,
        scratch=scratch,
        on_progress=progress,
        pairing=pairing,
    )
    progress(1.0)
    ref = store.put_folder(trained)
    remove_scratch(scratch)
    return ref


@stage("calibrate")
def calibrate_task(
    *,
    trained: ModelRef,
    rows: DatasetRef,
    human: DatasetRef | None,
    taxonomy: Taxonomy,
    evaluation: EvaluationConfig,
    scrubbing: ScrubbingConfig,
) -> ModelRef:
    """Choose calibration and thresholds on the validation rows; they travel with the model.

    Of `human` nothing is read but the texts.
    """
    store = open_store()
    with TemporaryDirectory() as folder:
        calibrate_classifier(
            store.get_folder(trained),
            parts_of(store.get_rows(rows))["validation"],
            human_texts=texts_of(store.get_rows(human)) if human else (),
            taxonomy=taxonomy,
            evaluation=evaluation,
            scrubbing=scrubbing,
            scrubber=SCRUBBER_VERSION,
            folder=Path(folder),
        )
        return store.put_folder(Path(folder))
