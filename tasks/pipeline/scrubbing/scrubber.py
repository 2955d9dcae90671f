"""Takes names, contact data and demographics out of texts and puts neutral words in their place."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks.config import ScrubbingConfig
from tasks.data.language import language_of, words_of
from tasks.pipeline.scrubbing.names.assets import assets_digest, load_lexicon
from tasks.pipeline.scrubbing.names.coreference import link
from tasks.pipeline.scrubbing.names.nlp_engine import BATCH
from tasks.pipeline.scrubbing.names.other_models import engines_for
from tasks.pipeline.scrubbing.normalization import NOT_ENGLISH, as_text, flags_of, normalise
from tasks.pipeline.scrubbing.presidio import (
    AnalyzerEngine,
    BatchAnalyzerEngine,
    EntityRecognizer,
    NlpEngine,
    RecognizerRegistry,
    RecognizerResult,
)
from tasks.pipeline.scrubbing.recognizers import (
    RULE_KEY,
    DemographicRecognizer,
    NameRecognizer,
    NoContext,
    PiiRecognizer,
)
from tasks.pipeline.scrubbing.replacement import SEPARATOR, anonymised, new_anonymizer, without_overlaps

RULES_VERSION = "14"
"""Raised whenever the rules change what comes out."""
SCRUBBER_VERSION = f"{RULES_VERSION}+{assets_digest()}"
"""Recorded with every model: the same version turns the same text into the same text."""
MAX_ROUNDS = 8
"""A changed text is scrubbed again until nothing more is found; two rounds are the rule."""


@dataclass(frozen=True)
class Scrubbed:
    """One text after scrubbing."""

    text: str
    counts: dict[str, int]
    """Replacements per entity type."""
    flags: tuple[str, ...] = ()
    """What was odd about the input: `empty`, `not_text`, `bytes`, `invalid_surrogates`, `mixed_script`,
    `not_english`, `unsettled` (still changing after the last round)."""
    spans: tuple[tuple[int, int, str], ...] = ()
    """(start, end, entity type) of what the first round replaced, in the normalised text."""
    rules: tuple[str, ...] = ()
    """For each span the rule that asked for it; empty where a model or a pattern did."""


class Scrubber:
    """The analyser and anonymiser of Presidio, put together.

    Args:
        config: What is taken out.
        engine: Finds the names, in place of what the configuration names.

    Raises:
        FileNotFoundError: If an asset is missing.
        ValueError: If an asset is damaged.
    """

    def __init__(self, config: ScrubbingConfig | None = None, engine: NlpEngine | None = None) -> None:
        self.config = config or ScrubbingConfig()
        english, foreign = (engine, None) if engine else engines_for(self.config)
        personal = [NameRecognizer(), PiiRecognizer()]
        self._analyzer = _analyzer(english, [*personal, DemographicRecognizer(self.config)])
        self._foreign = _analyzer(foreign, personal) if foreign else None
        self._anonymizer = new_anonymizer()
        self._lexicon = load_lexicon()

    def one(self, text: Any) -> Scrubbed:
        """Scrub one text; the same as `many([text])[0]`."""
        return self.many([text])[0]

    def many(self, texts: Sequence[Any]) -> list[Scrubbed]:
        """Scrub texts, in order; what comes out of one does not depend on the others.

        Anything that is no text comes back empty and flagged. A text in another language comes back as it is,
        flagged `not_english`, unless the name model reads its language (`ScrubbingConfig.name_languages`):
        then names and contact data go, and nothing else.
        """
        read = [as_text(value) for value in texts]
        normal = [normalise(text) for text, _ in read]
        if not self.config.enabled:
            return [Scrubbed(text, {}, flags) for text, flags in read]
        flags = [flags_of(text) for text in normal]
        scrubbed = self._by_language(normal, [NOT_ENGLISH in matches for matches in flags])
        return [
            replace(done, flags=(*odd, *matches, *done.flags))
            for done, matches, (_, odd) in zip(scrubbed, flags, read, strict=True)
        ]

    def _by_language(self, texts: list[str], foreign: list[bool]) -> list[Scrubbed]:
        """Scrub English texts; take names and contact data out of those that the name model reads."""
        done = [Scrubbed(text, {}) for text in texts]
        english = [i for i, other in enumerate(foreign) if not other]
        read = [i for i, other in enumerate(foreign) if other and self._is_read(texts[i])]
        for chosen, analyzer in ((english, self._analyzer), (read, self._foreign)):
            if analyzer:
                for i, new in zip(chosen, self._settled([texts[i] for i in chosen], analyzer), strict=True):
                    done[i] = new
        return done

    def _is_read(self, text: str) -> bool:
        """Whether the name model reads the language of a text that is not English."""
        return self._foreign is not None and language_of(words_of(text)) in self.config.name_languages

    def _settled(self, texts: list[str], analyzer: BatchAnalyzerEngine) -> list[Scrubbed]:
        """Scrub until nothing changes any more, which makes scrubbing twice the same as once."""
        done = self._round(texts, analyzer)
        open_ = [i for i, text in enumerate(texts) if done[i].text != text]
        for _ in range(MAX_ROUNDS - 1):
            again = self._round([normalise(done[i].text) for i in open_], analyzer)
            changed = [i for i, new in zip(open_, again, strict=True) if new.text != done[i].text]
            for i, new in zip(open_, again, strict=True):
                done[i] = replace(done[i], text=new.text, counts=_sum(done[i].counts, new.counts))
            open_ = changed
            if not open_:
                break
        for i in open_:
            done[i] = replace(done[i], flags=("unsettled",))
        return done

    def _round(self, texts: list[str], analyzer: BatchAnalyzerEngine) -> list[Scrubbed]:
        if not texts:
            return []
        analysed = analyzer.analyze_iterator(texts, language="en", batch_size=BATCH, score_threshold=0.0)
        return [self._replaced(text, results) for text, results in zip(texts, analysed, strict=True)]

    def _replaced(self, text: str, results: list[RecognizerResult]) -> Scrubbed:
        if not results:
            return Scrubbed(text, {})
        results = without_overlaps(results)
        persons = [r for r in results if r.entity_type == "PERSON"]
        letters = link(text, [(r.start, r.end) for r in persons], self._lexicon) if persons else []
        for person, letter in zip(persons, letters, strict=True):
            person.entity_type = f"PERSON{SEPARATOR}Person {letter}"
        types = [r.entity_type.partition(SEPARATOR)[0] for r in results]
        spans = tuple((r.start, r.end, kind) for r, kind in zip(results, types, strict=True))
        rules = tuple((r.recognition_metadata or {}).get(RULE_KEY, "") for r in results)
        return Scrubbed(anonymised(self._anonymizer, text, results), dict(Counter(types)), (), spans, rules)


def _analyzer(engine: NlpEngine, recognizers: list[EntityRecognizer]) -> BatchAnalyzerEngine:
    analyzer = AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers, supported_languages=["en"]),
        nlp_engine=engine,
        supported_languages=["en"],
        context_aware_enhancer=NoContext(),
    )
    return BatchAnalyzerEngine(analyzer)


def _sum(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    return dict(Counter(first) + Counter(second)) if second else first
