"""Real text in the labels of a run: mapped, and kept apart from what the model learns from."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import cast

from tasks.config.real import RealConfig
from tasks.data.reading import LabelledText, map_labels, mapped, read_dataset, require_mapped
from tasks.data.records import UNLABELLED, FilterResult, Row, reject
from tasks.taxonomy import Taxonomy

UNMAPPED = "no label of the taxonomy"


def read_real_rows(source: RealConfig | str, split: str, taxonomy: Taxonomy) -> FilterResult:
    """Rows of a human data set in the labels of a taxonomy, and those that none of its labels can have.

    Args:
        source: Where the data is, and what the user said about it.
        split: `train` or `test`.
        taxonomy: Labels of the run; `tasks.data.reading.mapping` says how the data's map to them.

    Raises:
        FileNotFoundError: The data is not there.
        ValueError: It cannot be read, or has labels that do not map and are not to be dropped.
    """
    source = RealConfig.model_validate(source)
    data = read_dataset(source)
    mapping = map_labels(data, taxonomy)
    require_mapped(data, mapping, taxonomy, drop=source.unmapped == "drop")
    kept, lost = list[Row](), list[Row]()
    for text in data.texts(split):
        labels = mapped(text, mapping, taxonomy)
        (lost if labels is None else kept).append(_row(text, list(labels or ()), taxonomy, split))
    if data.is_cross_validated and split == "train":
        lost = []  # the same rows are counted where they are measured on
    return FilterResult(kept, reject(lost, "load-real-data", UNMAPPED))


def real_rows(source: RealConfig | str, split: str, taxonomy: Taxonomy) -> list[Row]:
    """Rows of a human data set in the labels of a taxonomy, see `read_real_rows`."""
    return read_real_rows(source, split, taxonomy).kept


def label_set_counts(source: RealConfig | str, taxonomy: Taxonomy) -> Counter[tuple[str, ...]]:
    """How often the train part of a real data set carries each set of labels, in label order."""
    sets = (tuple(row["labels"]) for row in real_rows(source, "train", taxonomy))
    return Counter(labels for labels in sets if labels)


def _row(text: LabelledText, labels: list[str], taxonomy: Taxonomy, split: str) -> Row:
    return Row(
        id=text.id,
        text=text.text,
        labels=labels,
        level=taxonomy.level_of(labels),
        targets=taxonomy.targets_of(labels),
        weight=1.0,
        topic="",
        scenario="",
        style="",
        prompt_id="",
        prompt="",
        generator="",
        revision="",
        seed=0,
        round=0,
        source="real",
        votes={},
        scrubbed={},
        group="",
        split=split,
        segments=[],
    )


def unlabelled_row(text: str, taxonomy: Taxonomy) -> Row:
    """A row of a text that nobody has labelled; its id is that of its text."""
    id_ = hashlib.sha256(text.encode()).hexdigest()[:16]
    return cast("Row", {**_row(LabelledText(text, (), id_), [], taxonomy, ""), "source": UNLABELLED})


def leakage_key(text: str) -> str:
    """Letters and digits alone, lower case: what two texts share when people would call them the same.

    A text without any, such as one of emoji, stands for itself.
    """
    return re.sub(r"[^\w\[\] ]|_", "", text.lower()).strip() or text


def without_seen(test: Sequence[Row], train: Sequence[Row]) -> tuple[list[Row], int]:
    """Test rows whose text does not stand in training, and the number of those that did.

    108 of GoEmotions' test texts stand in its train file; measured with them, memory looks like skill.
    """
    seen = {_fingerprint(row["text"]) for row in train}
    kept = [row for row in test if _fingerprint(row["text"]) not in seen]
    return kept, len(test) - len(kept)


def _fingerprint(text: str) -> bytes:
    return hashlib.blake2b(leakage_key(text).encode(), digest_size=12).digest()
