"""Presidio NLP engine that finds names for a whole batch of texts at once and downloads nothing."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from tasks.scrubbing.assets import load_lexicon, load_weights
from tasks.scrubbing.names import name_masks, refined
from tasks.scrubbing.presidio import Doc, NlpArtifacts, NlpEngine, Vocab
from tasks.scrubbing.recognizers import NAME_SCORE
from tasks.scrubbing.tagger import Tagger
from tasks.scrubbing.tokens import Span

BATCH = 1024
"""Texts whose names are looked for together."""
LONGEST_PIECE = 6000
"""Characters tagged in one go; longer texts are cut at sentence ends, which bounds the memory."""
CUT = re.compile(r"[.!?]\s|\n")


class NameFinder(Protocol):
    """Anything that finds names in many texts."""

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
        self._doc: Doc | None = None

    def load(self) -> None:
        """Load the tables."""
        self.lexicon = load_lexicon()
        if self.embedded:
            self.finders.insert(0, Tagger(load_weights(), self.lexicon, self.bias))
        self._doc = Doc(Vocab(), words=[])

    def is_loaded(self) -> bool:
        """Return whether `load` has run."""
        return self._doc is not None

    def names(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return the spans of the people's names of each text."""
        pieces = [(i, offset, piece) for i, text in enumerate(texts) for offset, piece in cut(text)]
        raw: list[set[Span]] = [set(name_masks(text)) for text in texts]
        for finder in self.finders:
            for (i, offset, _), spans in zip(pieces, finder.names([p for *_, p in pieces]), strict=True):
                raw[i].update((start + offset, end + offset) for start, end in spans)
        return [
            sorted({*refined(text, sorted(spans), self.lexicon), *name_masks(text)}) if spans else []
            for text, spans in zip(texts, raw, strict=True)
        ]

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Return the names of one text."""
        return self._artifacts(self.names([text])[0])

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
            found = self.names([str(item[0] if as_tuples else item) for item in chunk])
            for item, spans in zip(chunk, found, strict=True):
                artifacts = self._artifacts(spans)
                yield (item[0], artifacts, item[1]) if as_tuples else (str(item), artifacts)

    def _artifacts(self, spans: list[Span]) -> NlpArtifacts:
        entities = [Name(start, end) for start, end in spans]
        return NlpArtifacts(entities, self._doc, [], [], self, "en", [NAME_SCORE] * len(spans))

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


def cut(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, piece), cut behind a sentence or a blank where the text is long."""
    place = 0
    while len(text) - place > LONGEST_PIECE:
        floor, ceiling = place + LONGEST_PIECE // 2, place + LONGEST_PIECE
        ends = [match.end() for match in CUT.finditer(text, floor, ceiling)]
        end = ends[-1] if ends else text.rfind(" ", floor, ceiling) + 1 or ceiling
        yield place, text[place:end]
        place = end
    yield place, text[place:]
