"""Other models that find names, for the `hub` profile: spaCy, transformers or GLiNER, by folder or hub name.

Each takes the embedded tagger's place, or works beside it: what either finds counts as a name.
"""

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

from tasks.scrubbing.engine import NameEngine, NameFinder
from tasks.scrubbing.tokens import Span

PERSON_LABELS = frozenset({"PER", "PERSON", "person", "B-PER", "I-PER"})
KINDS = ("spacy", "transformers", "gliner")


class SpacyNames:
    """Names by a spaCy pipeline.

    Args:
        model: Folder or package of a pipeline with an entity recogniser.
    """

    def __init__(self, model: str) -> None:
        import spacy

        self.pipeline = spacy.load(model)

    def names(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of the persons of each text."""
        documents = self.pipeline.pipe(texts)
        return [
            [(e.start_char, e.end_char) for e in doc.ents if e.label_ in PERSON_LABELS] for doc in documents
        ]


class TransformersNames:
    """Names by a token classifier.

    Args:
        model: Folder or hub name of a token-classification model.
        revision: Hub revision.
    """

    def __init__(self, model: str, revision: str | None = None) -> None:
        from transformers import pipeline

        self.pipeline: Any = pipeline(
            "token-classification", model=model, revision=revision, aggregation_strategy="simple"
        )

    def names(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of the persons of each text."""
        found = self.pipeline([text or " " for text in texts])
        return [
            joined([(e["start"], e["end"]) for e in entities if e["entity_group"] in PERSON_LABELS])
            for entities in found
        ]


class GlinerNames:
    """Names by a GLiNER model, which needs the package `gliner`.

    Args:
        model: Folder or hub name.
        threshold: Least score, 0 .. 1.
    """

    def __init__(self, model: str, threshold: float = 0.5) -> None:
        self.model: Any = import_module("gliner").GLiNER.from_pretrained(model)
        self.threshold = threshold

    def names(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of the persons of each text."""
        found = self.model.batch_predict_entities(list(texts), ["person"], threshold=self.threshold)
        return [[(e["start"], e["end"]) for e in entities] for entities in found]


def joined(spans: Sequence[Span]) -> list[Span]:
    """Put word pieces back together: spans that touch are one name."""
    if not spans:
        return []
    cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(spans)) if b[0] > a[1]), len(spans)]
    return [(spans[a][0], spans[b - 1][1]) for a, b in pairwise(cuts)]


def engine_with(kind: str, model: str, bias: float = 0.0, union: bool = True) -> NameEngine:
    """Return an engine that runs another model, in union with the embedded tagger or alone.

    Raises:
        ValueError: If the kind is unknown.
    """
    finders = {"spacy": SpacyNames, "transformers": TransformersNames, "gliner": GlinerNames}
    if kind not in finders:
        raise ValueError(f"name engine is {kind!r}; expected one of {', '.join(KINDS)}. Choose one of them.")
    finder: NameFinder = finders[kind](model)
    return NameEngine(bias, [finder], embedded=union)
