"""Other models that find names, for the `hub` profile: spaCy, transformers or GLiNER, by folder or hub name.

Each takes the embedded tagger's place, or works beside it: what either finds counts as a name. These models
read a bounded number of words and cut the rest off in silence, so they are given long texts in pieces.
"""

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any

from tasks.config import NameEngineKind, ScrubbingConfig
from tasks.pipeline.scrubbing.names.nlp_engine import NameEngine, NameFinder
from tasks.pipeline.scrubbing.tokens import Span

PERSON_LABELS = frozenset({"PER", "PERSON", "person"})
MAX_CHARACTERS = 1_000
"""Longest piece: 200 words, within the 512 word pieces of BERT and the 384 words of GLiNER."""
PIECE_END = re.compile(r"[.!?]\s|\n")


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
        matches = self.pipeline(list(texts)) if texts else []
        return [
            joined([(e["start"], e["end"]) for e in entities if e["entity_group"] in PERSON_LABELS])
            for entities in matches
        ]


class GlinerNames:
    """Names by a GLiNER model, which needs the package `gliner`.

    Args:
        model: Folder or hub name.
        revision: Hub revision.
        threshold: Least score, 0 .. 1.
    """

    def __init__(self, model: str, revision: str | None = None, threshold: float = 0.5) -> None:
        try:
            gliner = import_module("gliner")
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "package gliner is missing; expected it for scrubbing.name_engine gliner. "
                "Run `pip install gliner`, or choose another engine."
            ) from error
        self.model: Any = gliner.GLiNER.from_pretrained(model, revision=revision)
        self.threshold = threshold

    def names(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of the persons of each text."""
        matches = self.model.inference(list(texts), ["person"], threshold=self.threshold) if texts else []
        return [[(e["start"], e["end"]) for e in entities] for entities in matches]


class InPieces:
    """Runs a model over pieces of texts that it can read as a whole."""

    def __init__(self, finder: NameFinder) -> None:
        self.finder = finder

    def names(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of the persons of each text."""
        matches: list[list[Span]] = [[] for _ in texts]
        pieces = [(i, offset, piece) for i, text in enumerate(texts) for offset, piece in cut_text(text)]
        for (i, offset, _), spans in zip(pieces, self.finder.names([p for *_, p in pieces]), strict=True):
            matches[i] += [(start + offset, end + offset) for start, end in spans]
        return matches


def cut_text(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, piece) without blank pieces, cut behind a sentence or a blank where the text is long."""
    index = 0
    while len(text) - index > MAX_CHARACTERS:
        floor, ceiling = index + MAX_CHARACTERS // 2, index + MAX_CHARACTERS
        ends = [match.end() for match in PIECE_END.finditer(text, floor, ceiling)]
        end = ends[-1] if ends else text.rfind(" ", floor, ceiling) + 1 or ceiling
        if text[index:end].strip():
            yield index, text[index:end]
        index = end
    if text[index:].strip():
        yield index, text[index:]


def joined(spans: Sequence[Span]) -> list[Span]:
    """Put word pieces back together: spans that touch are one name."""
    if not spans:
        return []
    cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(spans)) if b[0] > a[1]), len(spans)]
    return [(spans[a][0], spans[b - 1][1]) for a, b in pairwise(cuts)]


def engines_for(config: ScrubbingConfig) -> tuple[NameEngine, NameEngine | None]:
    """Return the engine for English texts (the embedded tagger, another model, or both) and for others.

    Raises:
        ModuleNotFoundError: If the engine's package is missing.
        OSError: If the model cannot be found.
    """
    if config.name_model is None:
        return NameEngine(config.person_bias), None
    finders = [InPieces(_finder(config.name_engine, config.name_model, config.name_revision))]
    foreign = NameEngine(config.person_bias, finders, embedded=False) if config.name_languages else None
    return NameEngine(config.person_bias, finders, embedded=config.name_union), foreign


def _finder(kind: NameEngineKind, model: str, revision: str | None) -> NameFinder:
    if kind is NameEngineKind.spacy:
        return SpacyNames(model)
    if kind is NameEngineKind.transformers:
        return TransformersNames(model, revision)
    return GlinerNames(model, revision)
