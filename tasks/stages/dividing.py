"""From accepted texts to rows that are balanced, divided, and mixed with people's."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from tasks.balancing import choose_synthetic, fill_quotas, join_stances, split_rows, weigh_rows
from tasks.caching import stage
from tasks.cleaning import clean_rows, group_rows
from tasks.columns import texts_of
from tasks.config import CleaningConfig, MixingConfig, ScrubbingConfig, SplitConfig
from tasks.embedding import embed
from tasks.realrows import real_rows
from tasks.records import Cell, DatasetRef, RealRef, Row, Sifted, SiftedRefs
from tasks.scrubbing import SCRUBBER_VERSION, scrub_rows
from tasks.store import open_store, put_sifted
from tasks.taxonomy import Taxonomy


@stage("balance-split", version="2")
def balance_task(
    rows: DatasetRef,
    cells: tuple[Cell, ...],
    config: SplitConfig,
    seed: int,
    taxonomy: Taxonomy,
    similarity: float,
    mixed_share: float,
) -> SiftedRefs:
    """Keep what the plan wants, group it as a whole, divide it, and join some of it into mixed texts."""
    sifted = fill_quotas(open_store().get_rows(rows), cells)
    # Without cells the run is made of real text alone, and there is nothing to divide.
    divided = split_rows(group_rows(sifted.kept, similarity), config, seed) if cells else []
    # Last, so that both halves of a mixed text are of one split.
    return put_sifted(Sifted(join_stances(divided, taxonomy, mixed_share, seed), sifted.rejects))


@stage("read-real", version=SCRUBBER_VERSION, outside=True)
def read_real_task(
    real: RealRef, part: str, taxonomy: Taxonomy, cleaning: CleaningConfig, scrubbing: ScrubbingConfig
) -> SiftedRefs:
    """Real rows, scrubbed like synthetic ones; what is trained on is cleaned like them, too."""
    rows = real_rows(real.source, part, taxonomy)
    cleaned = clean_rows(rows, cleaning) if part == "train" else Sifted(rows)
    scrubbed = scrub_rows(cleaned.kept, scrubbing)
    return put_sifted(Sifted(scrubbed.kept, [*cleaned.rejects, *scrubbed.rejects]))


@stage("mix", version="2")
def mix_task(
    synthetic: DatasetRef,
    real: DatasetRef,
    share: float,
    at_most: int | None,
    config: MixingConfig,
    validation: float,
    seed: int,
) -> DatasetRef:
    """Add real rows to training and validation at the wanted share, and choose the synthetic ones beside."""
    store = open_store()
    rows, people = store.get_rows(synthetic), store.get_rows(real)
    wanted = len(people) if share >= 1 else round(share / (1 - share) * len(rows))
    chosen = np.random.default_rng(seed).permutation(len(people))[: min(wanted, at_most or wanted)]
    n_validation = round(validation * len(chosen))
    parts = ["validation"] * n_validation + ["train"] * (len(chosen) - n_validation)
    drawn = [cast("Row", {**people[i], "split": part}) for i, part in zip(chosen, parts, strict=True)]
    return store.put_rows(join_real(rows, drawn, config, seed))


def join_real(synthetic: Sequence[Row], people: Sequence[Row], config: MixingConfig, seed: int) -> list[Row]:
    """Synthetic and real rows of all parts; in training the synthetic ones are chosen and weighed."""
    ours, theirs = ([row for row in rows if row["split"] == "train"] for rows in (synthetic, people))
    ours = choose_synthetic(ours, theirs, config, seed)
    if config.weigh and ours and theirs:
        one, other = (embed(texts_of(rows), "weigh") for rows in (ours, theirs))
        ours = weigh_rows(ours, theirs, one, other, seed)
    return [*ours, *(row for row in synthetic if row["split"] != "train"), *people]
