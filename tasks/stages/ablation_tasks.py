"""From all rows, real and synthetic, to what each mix of them is worth.

See `tasks.pipeline.evaluation.ablation_arms`.
"""

from tasks.config import MixingConfig, SplitConfig
from tasks.data.real_rows import without_seen
from tasks.data.references import BlobRef, DatasetRef, ModelRef
from tasks.orchestration.caching import stage
from tasks.pipeline.evaluation.ablation_arms import AblationArm, draw_real, draw_synthetic, rare_rows
from tasks.pipeline.evaluation.predictions import to_bytes
from tasks.stages.predictions import predictions_of
from tasks.stages.real_data import join_real
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy


@stage("ablation-rows")
def ablation_rows_task(
    *,
    synthetic: DatasetRef,
    real: DatasetRef,
    arm: AblationArm,
    labels: tuple[str, ...],
    mixing: MixingConfig,
    cap: int | None,
    split: SplitConfig,
    seed: int,
) -> DatasetRef:
    """Training and validation rows of one arm and seed."""
    store = open_store()
    chosen = draw_real(store.get_rows(real), arm, labels, cap, split.validation, seed)
    ours = store.get_rows(synthetic) if arm.synthetic else []
    return store.put_rows(join_real(draw_synthetic(ours, cap, arm.shuffled, seed), chosen, mixing, seed))


@stage("ablation-test")
def ablation_test_task(*, test: DatasetRef, real: DatasetRef, synthetic: DatasetRef) -> DatasetRef:
    """Test rows that stand in no text that any arm may learn from, so that all arms share one test."""
    store = open_store()
    kept, _ = without_seen(store.get_rows(test), [*store.get_rows(real), *store.get_rows(synthetic)])
    return store.put_rows(kept)


@stage("ablation-rare")
def ablation_rare_task(*, real: DatasetRef, rare: tuple[str, ...], seed: int) -> DatasetRef:
    """Held-out fold of a seed, on which the rarest labels are measured."""
    store = open_store()
    return store.put_rows(rare_rows(store.get_rows(real), rare, seed))


@stage("predict")
def predict_test_task(*, model: ModelRef, test: DatasetRef, taxonomy: Taxonomy) -> BlobRef:
    """What a finished classifier says about test rows; its thresholds are those that came with it."""
    store = open_store()
    predictions = predictions_of(store.get_folder(model), store.get_rows(test), taxonomy)
    return store.put_blob(to_bytes(predictions), ".npz")
