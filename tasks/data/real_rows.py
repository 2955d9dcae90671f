"""Real text in the labels of a run: mapped, and kept apart from what the model learns from."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tasks.data.real_datasets import LabelledText, read_real
from tasks.data.records import Row
from tasks.taxonomy import Taxonomy


def real_rows(source: str, split: str, taxonomy: Taxonomy) -> list[Row]:
    """Rows of a real data set whose labels map to the taxonomy; others are left out.

    A label of the data set maps to the label of the same name, or else to every label that lists it
    among its control words (so GoEmotions serves `ekman`, SST serves `polarity3`).

    Raises:
        FileNotFoundError: if the data is not there.
        ValueError: if a row is broken, or no label of the data set maps.
    """
    texts = read_real(source, split)
    native = sorted({label for text in texts for label in text.labels})
    mapping = label_mapping(native, taxonomy)
    if not any(mapping.values()):
        raise ValueError(
            f"real data {source!r} has labels {', '.join(native[:5])}; expected some that taxonomy "
            f"{taxonomy.name} knows ({', '.join(taxonomy.names[:5])} ...). Choose data that fits."
        )
    rows = [_row(text, taxonomy, mapping, split) for text in texts]
    return [row for row in rows if row["labels"]]


def label_set_counts(source: str, taxonomy: Taxonomy) -> Counter[tuple[str, ...]]:
    """How often the train part of a real data set carries each set of labels, in label order."""
    return Counter(tuple(row["labels"]) for row in real_rows(source, "train", taxonomy))


def label_mapping(native: Iterable[str], taxonomy: Taxonomy) -> dict[str, tuple[str, ...]]:
    """Labels of the taxonomy for each label of a data set."""
    return {
        name: (name,)
        if name in taxonomy.names
        else tuple(label.name for label in taxonomy.labels if name in label.control)
        for name in native
    }


def _row(text: LabelledText, taxonomy: Taxonomy, mapping: dict[str, tuple[str, ...]], split: str) -> Row:
    mapped = {label for name in text.labels for label in mapping[name]}
    labels = [name for name in taxonomy.names if name in mapped]
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
