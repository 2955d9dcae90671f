"""Presidio recognisers: names from the engine's batch, contact data, demographic terms."""

import re
from functools import cached_property
from typing import Any

from tasks.config import ScrubbingConfig
from tasks.pipeline.scrubbing.contact_data import PLACEHOLDERS, find_pii
from tasks.pipeline.scrubbing.demographics.gender import Edit, gender_triggers, neutral_edits
from tasks.pipeline.scrubbing.demographics.lexicon import neutral_nouns, phrases_by_first_word, terms
from tasks.pipeline.scrubbing.demographics.matcher import find_terms
from tasks.pipeline.scrubbing.demographics.term_context import Finding
from tasks.pipeline.scrubbing.demographics.token_view import Reading
from tasks.pipeline.scrubbing.presidio import (
    ContextAwareEnhancer,
    EntityRecognizer,
    NlpArtifacts,
    RecognizerResult,
)
from tasks.pipeline.scrubbing.replacement import ENTITY_TYPES, SEPARATOR, wording
from tasks.pipeline.scrubbing.tokens import Span, Tokens, lowered

NAME_SCORE = 0.85
"""Presidio's own score for what an NLP engine finds."""
TERM_SCORE = 0.9
RULE_KEY = "rule"
"""Where a result tells which rule fired."""
HINT = re.compile(
    r"years?[- ]old|-something|\[RELIGION\]|\d ?y/?o\b|\d ?y\.o|yrs? old|\bage of \d|\bturned \d|\d ?[mf]\b"
    r"|\bin \w{2,5} (?:early |mid|late )?(?:\d0|\w{3,7}ties)",
    re.IGNORECASE,
)
"""What the word gate cannot see."""


class Found(RecognizerResult):  # type: ignore[misc]
    """A result that is hashed by its numbers; Presidio's writes them into a string each time."""

    def __eq__(self, other: object) -> bool:
        """Compare as Presidio does."""
        return bool(super().__eq__(other))

    def __hash__(self) -> int:
        """Return the hash of what makes results equal."""
        return hash((self.start, self.end, self.score, self.entity_type))


class _Recognizer(EntityRecognizer):  # type: ignore[misc]
    """What the three recognisers share."""

    def load(self) -> None:
        """Do nothing: the tables are loaded with the engine."""

    def result(
        self, start: int, end: int, entity_type: str, score: float, rule: str = ""
    ) -> RecognizerResult:
        """Return a result that carries this recogniser's name and the rule that fired."""
        origin = self._origins.get(rule) or self._origins.setdefault(rule, self._origin(rule))
        return Found(entity_type, start, end, score, None, origin)

    @cached_property
    def _origins(self) -> dict[str, dict[str, str]]:
        """What Presidio notes on results, by rule; the same for all results of one rule."""
        return {}

    def _origin(self, rule: str) -> dict[str, str]:
        names = {
            RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
        }
        return {**names, RULE_KEY: rule} if rule else names


class NameRecognizer(_Recognizer):
    """Passes on the names that the engine found for the whole batch."""

    def __init__(self) -> None:
        super().__init__(["PERSON"], name="NameRecognizer")

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        """Return one result per name."""
        return [self.result(e.start_char, e.end_char, "PERSON", NAME_SCORE) for e in nlp_artifacts.entities]


class PiiRecognizer(_Recognizer):
    """Finds contact data and account numbers; takes the place of seventeen recognisers."""

    def __init__(self) -> None:
        super().__init__(list(PLACEHOLDERS), name="PiiRecognizer")

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        """Return one result per item."""
        return [self.result(*item) for item in find_pii(text)]


class DemographicRecognizer(_Recognizer):
    """Finds demographic terms, gendered words and verbs that must agree; results carry their replacement."""

    def __init__(self, config: ScrubbingConfig) -> None:
        self.config = config
        self.categories = frozenset(config.categories)
        self._gendered = self.config.neutralise_gender
        self._nouns = neutral_nouns() if self._gendered else {}
        self._gate = frozenset(phrases_by_first_word()) | (gender_triggers() if self._gendered else set())
        super().__init__([*ENTITY_TYPES.values(), "AGREEMENT"], name="DemographicRecognizer")

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        """Return one result per replacement, its words behind the type."""
        persons = _persons(text, nlp_artifacts.entities)
        tokens = nlp_artifacts.tokens if isinstance(nlp_artifacts.tokens, Tokens) else None
        reading = Reading(text, persons, tokens)
        if self._gate.isdisjoint(reading.words) and not HINT.search(text):
            return []
        matches = find_terms(reading, self.config.scope, self.categories)
        results = [self._result(text, finding) for finding in matches]
        if self._gendered:
            skipped = [*persons, *((f.start, f.end) for f in matches)]
            results += [self._edit(text, edit) for edit in neutral_edits(reading, skipped)]
        return results

    def _result(self, text: str, finding: Finding) -> RecognizerResult:
        words = wording(text, finding, self._nouns)
        type_ = ENTITY_TYPES[finding.category]
        return self._edit(text, Edit(finding.start, finding.end, type_, words, finding.rule))

    def _edit(self, text: str, edit: Edit) -> RecognizerResult:
        start, end = edit.start, edit.end
        if not edit.text:
            start, end = _with_blank(text, start, end)
        return self.result(start, end, f"{edit.type}{SEPARATOR}{edit.text}", TERM_SCORE, edit.rule)


def _with_blank(text: str, start: int, end: int) -> Span:
    """Take the blank behind a deleted word along, or the one before it at the end."""
    if text[end : end + 1] == " ":
        return start, end + 1
    return (start - 1, end) if text[start - 1 : start] == " " else (start, end)


def _persons(text: str, entities: list[Any]) -> list[Span]:
    """Return the names that are no demographic terms themselves."""
    spans = [(e.start_char, e.end_char) for e in entities]
    return [(a, b) for a, b in spans if " " in text[a:b] or (lowered(text[a:b]),) not in terms()]


class NoContext(ContextAwareEnhancer):  # type: ignore[misc]
    """Leaves scores alone: our recognisers judge by context, and Presidio's enhancer copies every result."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0, 0, 0)

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        """Return the results as they came."""
        return raw_results
