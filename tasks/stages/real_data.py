"""Real rows as cached stages: read, clean, scrub, mix."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from tasks.config import CleaningConfig, MixingConfig, ScrubbingConfig, SplitConfig
from tasks.data.columns import texts_of
from tasks.data.real_rows import read_real_rows
from tasks.data.records import FilterResult, Row
from tasks.data.references import DatasetRef, FilterRefs, RealRef
from tasks.models.embedding import embed
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.balancing import choose_synthetic, weigh_few, weigh_rows
from tasks.pipeline.cleaning import clean_rows
from tasks.pipeline.scrubbing import scrub_rows
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy


def add_real(run: RunContext, synthetic: DatasetRef) -> DatasetRef:
    """Mix real rows into training and validation, if the configuration asks for it."""
    if run.real is None or not run.config.mixing.real_fraction:
        return synthetic
    real = read_real(run, "train")
    config = run.config
    return run.call(
        mix_task, synthetic=synthetic, real=real, mixing=config.mixing, split=config.split, seed=config.seed
    )


def read_real(run: RunContext, part: str) -> DatasetRef:
    """Real rows of a part, `train` or `test`, cleaned and scrubbed like synthetic ones."""
    read = read_again(run, part)
    run.ledger.add_rejects(read.rejects)
    return read.kept


def read_again(run: RunContext, part: str) -> FilterRefs:
    """The same without an entry in the account of what was dropped; from the cache if it was read before."""
    real, config = run.real, run.config
    if real is None:
        raise ValueError("real is empty; expected a data set. Give --real.")
    read: FilterRefs = run.call(
        read_real_task,
        real=real,
        part=part,
        taxonomy=run.taxonomy,
        cleaning=config.cleaning,
        scrubbing=config.scrubbing,
    )
    return read


@stage("load-real-data", retry_on_network_error=True)
def read_real_task(
    *, real: RealRef, part: str, taxonomy: Taxonomy, cleaning: CleaningConfig, scrubbing: ScrubbingConfig
) -> FilterRefs:
    """Real rows, scrubbed like synthetic ones; what is trained on is cleaned like them, too."""
    read = read_real_rows(real.source, part, taxonomy)
    cleaned = clean_rows(read.kept, cleaning) if part == "train" else FilterResult(read.kept)
    scrubbed = scrub_rows(cleaned.kept, scrubbing)
    rejects = [*read.rejects, *cleaned.rejects, *scrubbed.rejects]
    return open_store().put_filtered(FilterResult(scrubbed.kept, rejects))


@stage("mix")
def mix_task(
    *, synthetic: DatasetRef, real: DatasetRef, mixing: MixingConfig, split: SplitConfig, seed: int
) -> DatasetRef:
    """Add real rows to training and validation, and choose the synthetic rows that join them."""
    store = open_store()
    rows, real_texts = store.get_rows(synthetic), store.get_rows(real)
    fraction, n_max = mixing.real_fraction, mixing.max_real_rows
    wanted = len(real_texts) if fraction >= 1 else round(fraction / (1 - fraction) * len(rows))
    chosen = np.random.default_rng(seed).permutation(len(real_texts))[: min(wanted, n_max or wanted)]
    n_validation = round(split.validation * len(chosen))
    parts = ["validation"] * n_validation + ["train"] * (len(chosen) - n_validation)
    drawn = [cast("Row", {**real_texts[i], "split": part}) for i, part in zip(chosen, parts, strict=True)]
    return store.put_rows(join_real(rows, drawn, mixing, seed))


def join_real(
    synthetic: Sequence[Row], real_texts: Sequence[Row], mixing: MixingConfig, seed: int
) -> list[Row]:
    """Synthetic and real rows of all parts; in training the synthetic ones are chosen, and both weighed."""
    ours, theirs = ([row for row in rows if row["split"] == "train"] for rows in (synthetic, real_texts))
    ours = choose_synthetic(ours, theirs, mixing, seed)
    if mixing.importance_weighting and ours and theirs:
        one, other = (embed(texts_of(rows), "weigh") for rows in (ours, theirs))
        ours = weigh_rows(ours, theirs, one, other, seed)
    others = [row for rows in (synthetic, real_texts) for row in rows if row["split"] != "train"]
    return [*ours, *weigh_few(theirs, len(ours), mixing), *others]
