"""Presidio NLP engine that finds names for a whole batch of texts at once and downloads nothing."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from tasks.pipeline.scrubbing.names.assets import load_clusters, load_lexicon, load_weights
from tasks.pipeline.scrubbing.names.contexts import names_by_context
from tasks.pipeline.scrubbing.names.patterns import CertainNames, name_masks
from tasks.pipeline.scrubbing.names.spans import PLACEHOLDER, refined
from tasks.pipeline.scrubbing.names.tagger import Tagger
from tasks.pipeline.scrubbing.presidio import NlpArtifacts, NlpEngine
from tasks.pipeline.scrubbing.recognizers import NAME_SCORE
from tasks.pipeline.scrubbing.tagging.loading import tagged
from tasks.pipeline.scrubbing.tokens import Span, Tokens, tokens_of

BATCH = 1024
"""Texts whose names are looked for together."""
MAX_TOKENS = 1_500
"""Tokens tagged in one go; longer texts are cut at sentence ends, which bounds the memory."""
SENTENCE_ENDS = frozenset(".!?\n")


class NameFinder(Protocol):
    """Any other model that finds names in many texts."""

    def names(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the sorted spans of the names of each text."""


class Name(NamedTuple):
    """A name, with the attributes that Presidio reads off a spaCy span."""

    start_char: int
    end_char: int
    label_: str = "PERSON"


class NameEngine(NlpEngine):  # type: ignore[misc]
    """Runs one name finder, or several in union, behind Presidio's engine interface.

    Args:
        bias: Added to the score of a name's first word, see `ScrubbingConfig.person_bias`.
        finders: Other models beside the embedded tagger, or in its place.
        embedded: Whether the embedded tagger takes part.
    """

    engine_name = "sentimill_names"
    is_available = True

    def __init__(self, bias: float = 0.0, finders: Sequence[NameFinder] = (), embedded: bool = True) -> None:
        self.bias = bias
        self.finders = list(finders)
        self.embedded = embedded
        self.tagger: Tagger | None = None
        self._loaded = False

    def load(self) -> None:
        """Load the tables."""
        self.lexicon = load_lexicon()
        self.tagger = (
            Tagger(load_weights(), self.lexicon, load_clusters(), self.bias) if self.embedded else None
        )
        self._certain = CertainNames(self.lexicon, load_weights().letters)
        self._loaded = True

    def is_loaded(self) -> bool:
        """Return whether `load` has run."""
        return self._loaded

    def names(self, texts: Sequence[str], documents: Sequence[Tokens]) -> list[list[Span]]:
        """Return the spans of the people's names of each text, which comes with its tokens."""
        raw: list[set[Span]] = [set(name_masks(text)) for text in texts]
        if self.tagger:
            pieces = [(i, piece) for i, tokens in enumerate(documents) for piece in cut(tokens)]
            matches = self.tagger.names_in([piece for _, piece in pieces])
            for (i, _), spans in zip(pieces, matches, strict=True):
                raw[i].update(spans)
            for tokens, known in zip(documents, raw, strict=True):
                known.update(self._certain.spans(tokens))
        trusted: list[set[Span]] = [set() for _ in texts]
        for finder in self.finders:
            for spans, known in zip(finder.names(texts), trusted, strict=True):
                known.update(spans)
        return [
            self._refined(text, tokens, spans, sure)
            for text, tokens, spans, sure in zip(texts, documents, raw, trusted, strict=True)
        ]

    def _refined(self, text: str, tokens: Tokens, spans: set[Span], trusted: set[Span]) -> list[Span]:
        certain = set(names_by_context(text, tokens, self.lexicon)) if self.embedded else set()
        spans = {span for span in spans if not PLACEHOLDER.fullmatch(text, *span)}
        if not spans and not trusted and not certain:
            return name_masks(text)
        matches = refined(text, sorted(spans | trusted), self.lexicon, tokens, trusted, certain)
        return sorted({*matches, *name_masks(text)})

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Return the names of one text."""
        return next(self._artifacts([text]))

    def process_batch(
        self,
        texts: Iterable[Any],
        language: str,
        batch_size: int = BATCH,
        n_process: int = 1,
        as_tuples: bool = False,
        **options: Any,
    ) -> Iterator[tuple[Any, ...]]:
        """Yield (text, artifacts), or (text, artifacts, context) for tuples, in order."""
        source = iter(texts)
        while chunk := list(islice(source, max(batch_size, BATCH))):
            read = [str(item[0] if as_tuples else item) for item in chunk]
            for item, text, artifacts in zip(chunk, read, self._artifacts(read), strict=True):
                yield (item[0], artifacts, item[1]) if as_tuples else (text, artifacts)

    def _artifacts(self, texts: Sequence[str]) -> Iterator[NlpArtifacts]:
        """Yield names and tokens of each text, for the recognisers to share."""
        documents = tagged([tokens_of(text) for text in texts])
        for tokens, spans in zip(documents, self.names(texts, documents), strict=True):
            entities = [Name(start, end) for start, end in spans]
            yield NlpArtifacts(entities, tokens, [], [], self, "en", [NAME_SCORE] * len(spans))

    def is_stopword(self, word: str, language: str) -> bool:
        """Return False: no lemmas are offered."""
        return False

    def is_punct(self, word: str, language: str) -> bool:
        """Return False: no lemmas are offered."""
        return False

    def get_supported_entities(self) -> list[str]:
        """Return `PERSON`."""
        return ["PERSON"]

    def get_supported_languages(self) -> list[str]:
        """Return `en`."""
        return ["en"]


def cut(tokens: Tokens) -> Iterator[Tokens]:
    """Yield the tokens in pieces, cut behind a sentence where there are many."""
    index = 0
    while len(tokens) - index > MAX_TOKENS:
        floor, ceiling = index + MAX_TOKENS // 2, index + MAX_TOKENS
        ends = (i for i in range(ceiling, floor, -1) if tokens.words[i - 1] in SENTENCE_ENDS)
        end = next(ends, ceiling)
        yield tokens.part(index, end)
        index = end
    yield tokens.part(index, len(tokens)) if index else tokens
