"""Cleaning as a cached stage."""

import json
from collections.abc import Sequence

from tasks.config import CleaningConfig
from tasks.data.reading import read_real
from tasks.data.references import BlobRef, DatasetRef, FilterRefs, RealRef, ReferenceTexts
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.cleaning import clean_rows
from tasks.pipeline.cleaning.toxicity import can_judge
from tasks.storage.connection import open_store
from tasks.storage.parquet import rows_of_parquet


def clean(run: RunContext, texts: Sequence[DatasetRef], seen: DatasetRef) -> FilterRefs:
    """Clean new texts; none may repeat what was seen, real text or an earlier run."""
    return run.call(
        clean_task,
        texts=tuple(texts),
        seen=seen,
        others=run.call(collect_texts_task, real=run.real, earlier=run.earlier),
        cleaning=run.config.cleaning,
        judges_toxicity=can_judge(),
    )


@stage("reference-texts", retry_on_network_error=True)
def collect_texts_task(*, real: RealRef | None, earlier: tuple[BlobRef, ...]) -> ReferenceTexts:
    """Texts that new ones are compared with: human-written ones, and those of earlier runs."""
    store = open_store()
    parts = {
        part: [t.text for t in read_real(real.source, part)] if real else [] for part in ("train", "test")
    }
    runs = [row["text"] for ref in earlier for row in rows_of_parquet(store.get_blob(ref))]
    known, held_out = ([*parts["train"], *runs], parts["test"])
    blobs = [store.put_blob(json.dumps(texts).encode(), ".json") for texts in (known, held_out)]
    return ReferenceTexts(known=blobs[0], held_out=blobs[1])


@stage("clean")
def clean_task(
    *,
    texts: tuple[DatasetRef, ...],
    seen: DatasetRef,
    others: ReferenceTexts,
    cleaning: CleaningConfig,
    judges_toxicity: bool,
) -> FilterRefs:
    """Strip what can be stripped, reject what cannot be saved.

    `judges_toxicity` says whether this installation counts toxic texts; it decides nothing by itself.
    """
    store = open_store()
    rows = [row for ref in texts for row in store.get_rows(ref)]
    known, held_out = (json.loads(store.get_blob(blob)) for blob in (others.known, others.held_out))
    return store.put_filtered(clean_rows(rows, cleaning, store.get_rows(seen), known, held_out))
