"""The classifier as a SentenceTransformer and as a spaCy pipeline."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.pipeline.exporting import sentimill_spacy
from tasks.pipeline.exporting.running import Judge, Judged
from tasks.pipeline.exporting.sentimill_spacy import COMPONENT

__all__ = [
    "COMPONENT",
    "open_sentence_transformers",
    "open_spacy",
    "write_sentence_transformers",
    "write_spacy",
]


def write_sentence_transformers(
    model: Any, tokenizer: Any, settings: Mapping[str, Any], folder: Path
) -> None:
    """Write encoder, mean pooling and the head as a dense layer with a sigmoid: `encode` gives probabilities.

    Only modules of Sentence Transformers itself, so that no code of ours is needed. A head for a scale is not
    part of it.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from torch import nn

    with tempfile.TemporaryDirectory() as scratch:
        model.encoder.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        encoder = Transformer(scratch, max_seq_length=settings["max_length"])
    n_hidden, n_labels = model.head.in_features, model.head.out_features
    head = Dense(n_hidden, n_labels, activation_function=nn.Sigmoid())
    head.linear.load_state_dict(model.head.state_dict())
    whole = SentenceTransformer(modules=[encoder, Pooling(n_hidden, "mean"), head], device="cpu")
    whole.save_pretrained(str(folder), create_model_card=False)


def open_sentence_transformers(folder: Path) -> Judge:
    """A `Judge` that is loaded and asked as a user of the library does it."""
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def judge(texts: Sequence[str]) -> Judged:
        found = loaded.encode(list(texts), batch_size=8, show_progress_bar=False)
        return Judged(found.astype(float), None, [])

    return judge


def write_spacy(settings: Mapping[str, Any], folder: Path) -> None:
    """Write a spaCy pipeline around the ONNX file that lies in the folder of its component.

    `sentimill_spacy.py` beside it defines the component and imports spaCy, NumPy, tokenizers and onnxruntime.
    """
    import spacy

    nlp = spacy.blank("xx")  # the classifier has a tokenizer of its own; spaCy's is for the document
    inner = folder / COMPONENT
    rule = {
        "labels": list(settings["labels"]),
        "thresholds": list(settings["thresholds"]),
        "none_below": settings.get("none_below", 0.0),
        "calibration": settings.get("calibration", {}),
    }
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(shutil.copytree(inner, Path(scratch) / COMPONENT))
        component: Any = nlp.add_pipe(COMPONENT, config=rule)
        component.from_disk(kept)
        nlp.to_disk(folder)
    shutil.copy(sentimill_spacy.__file__, folder)


def open_spacy(folder: Path) -> Judge:
    """A `Judge` that is loaded and asked as a user of spaCy does it."""
    import spacy

    nlp = spacy.load(folder)
    component: Any = nlp.get_pipe(COMPONENT)
    labels = component.labels

    def judge(texts: Sequence[str]) -> Judged:
        found = [[doc.cats[name] for name in labels] for doc in nlp.pipe(texts)]
        return Judged(np.array(found, dtype=float).reshape(len(texts), len(labels)), None, [])

    return judge
