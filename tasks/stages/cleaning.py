"""Cleaning as a cached stage."""

import json

from tasks.config import CleaningConfig
from tasks.data.real_datasets import read_real
from tasks.data.references import BlobRef, DatasetRef, FilterRefs, RealRef, ReferenceTexts
from tasks.orchestration.caching import stage
from tasks.pipeline.cleaning import clean_rows
from tasks.storage.connection import open_store
from tasks.storage.parquet import rows_of_parquet


@stage("reference-texts", retry_on_network_error=True)
def collect_texts_task(real: RealRef | None, earlier: tuple[BlobRef, ...]) -> ReferenceTexts:
    """Texts that new ones are compared with: people's, and those of earlier runs."""
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
    texts: tuple[DatasetRef, ...],
    seen: DatasetRef,
    others: ReferenceTexts,
    config: CleaningConfig,
    judged: bool,
) -> FilterRefs:
    """Strip what can be stripped, reject what cannot be saved; `judged` says whether toxicity is counted."""
    store = open_store()
    rows = [row for ref in texts for row in store.get_rows(ref)]
    known, held_out = (json.loads(store.get_blob(blob)) for blob in (others.known, others.held_out))
    return store.put_filtered(clean_rows(rows, config, store.get_rows(seen), known, held_out))
