"""spaCy component for a Sentimill classifier: `doc.cats` are probabilities, `doc._.labels` decided labels.

Import this module before `spacy.load`. It imports nothing of Sentimill.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

COMPONENT = "sentimill_classifier"
FILES = ("model.onnx", "tokenizer.json")
BATCH = 8

if not Doc.has_extension("labels"):
    Doc.set_extension("labels", default=())


class SentimillClassifier:
    """Runs the ONNX file of its folder on the texts of documents.

    Attributes:
        labels: Names in the order of the thresholds.
    """

    def __init__(
        self, name: str, labels: list[str], thresholds: list[float], none_below: float = 0.0
    ) -> None:
        self.name, self.labels, self._thresholds = name, labels, np.array(thresholds)
        self._none_below = none_below
        self._folder: Path | None = None

    def __call__(self, doc: Doc) -> Doc:
        """Label a document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = BATCH) -> Iterator[Doc]:
        """Label documents, `BATCH` at a time: larger batches would only add padding."""
        waiting: list[Doc] = []
        for doc in stream:
            waiting.append(doc)
            if len(waiting) == BATCH:
                yield from self._labelled(waiting)
                waiting = []
        yield from self._labelled(waiting)

    def _labelled(self, docs: list[Doc]) -> list[Doc]:
        if not docs:
            return []
        encoded = self._tokenizer.encode_batch([doc.text for doc in docs])
        inputs = {
            "input_ids": np.array([one.ids for one in encoded]),
            "attention_mask": np.array([one.attention_mask for one in encoded]),
        }
        probabilities = self._session.run(["probabilities"], inputs)[0].astype(float)
        shares = probabilities / self._thresholds
        decided = shares >= np.clip(shares.max(axis=1, keepdims=True), self._none_below, 1)
        for doc, row, chosen in zip(docs, probabilities.tolist(), decided, strict=True):
            doc.cats = dict(zip(self.labels, row, strict=True))
            doc._.labels = tuple(name for name, yes in zip(self.labels, chosen, strict=True) if yes)
        return docs

    def to_disk(self, path: Any, *, exclude: Any = ()) -> None:
        """Write model and tokenizer."""
        if self._folder is None:
            raise ValueError("the component has no model; expected one. Call from_disk first.")
        Path(path).mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if Path(path).resolve() != self._folder.resolve():
                shutil.copy(self._folder / name, path)

    def from_disk(self, path: Any, *, exclude: Any = ()) -> "SentimillClassifier":
        """Read model and tokenizer; the folder has to stay."""
        import onnxruntime
        from tokenizers import Tokenizer

        self._folder = Path(path)
        self._tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        self._session = onnxruntime.InferenceSession(
            str(self._folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        return self


@Language.factory(
    COMPONENT, default_config={"labels": [], "thresholds": [], "none_below": 0.0, "calibration": {}}
)
def make_classifier(
    nlp: Language,
    name: str,
    labels: list[str],
    thresholds: list[float],
    none_below: float,
    calibration: dict[str, Any],
) -> SentimillClassifier:
    """Make the component; `calibration` is part of the weights and told for information."""
    return SentimillClassifier(name, labels, thresholds, none_below)
