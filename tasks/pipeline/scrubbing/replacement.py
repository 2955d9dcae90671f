"""Writes the replacements: words for each finding, no overlaps, one Presidio operator, grammar corrected."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from tasks.config import DemographicCategory as Category
from tasks.pipeline.scrubbing.contact_data import PLACEHOLDERS
from tasks.pipeline.scrubbing.demographics.lexicon import context
from tasks.pipeline.scrubbing.demographics.term_context import Finding, Role
from tasks.pipeline.scrubbing.presidio import (
    AnonymizerEngine,
    ConflictResolutionStrategy,
    Operator,
    OperatorConfig,
    OperatorType,
    RecognizerResult,
)

SEPARATOR = "#"
"""Stands between an entity type and its replacement, since an operator sees neither place nor neighbours."""
# Words that carry no sentiment: VADER scores "certain" +1.1 and "faith" +1.8, these 0.
PREDICATES = {
    Category.nationality: "from a given country",
    Category.race: "of a given background",
    Category.religion: "of a given religion",
    Category.orientation: "of a given orientation",
    Category.disability: "living with a condition",
    Category.age: "of a given age",
    Category.gender: "of a given gender",
    Category.minority: "of a given status",
}
MEMBERS = {Role.child: "child", Role.member: "person", Role.members: "people"}
"""Nouns before a predicate, for terms that stand as nouns or that a text is about."""
ABSTRACTS = {
    Category.religion: "a religion",
    Category.orientation: "an orientation",
    Category.disability: "a condition",
    Category.race: "a given background",
    Category.age: "a given age",
}
DETERMINED = context("determiners") | context("adjectives") - {"and"} | context("of_abstracts")
"""Words behind which an abstract noun has no article of its own: "their condition", "severe dyslexia"."""
ENTITY_TYPES = {
    Category.religion: "RELIGION",
    Category.nationality: "NATIONALITY",
    Category.race: "RACE_ETHNICITY",
    Category.gender: "GENDER",
    Category.orientation: "SEXUAL_ORIENTATION",
    Category.disability: "DISABILITY",
    Category.age: "AGE",
    Category.minority: "MINORITY",
}
RANK = {
    "EMAIL_ADDRESS": 0,
    **dict.fromkeys(("URL", "IBAN_CODE", "CREDIT_CARD", "US_SSN", "UK_NINO", "SORT_CODE", "CRYPTO"), 1),
    **dict.fromkeys(("IP_ADDRESS", "PHONE_NUMBER", "HANDLE", "ID", "ADDRESS", "BIRTH_DATE"), 2),
    "PERSON": 3,
}
"""Who wins where findings overlap, lowest first; demographic terms come last."""
REPLACEMENTS_KEPT = 4_096
NO_NOUNS: Mapping[str, str] = MappingProxyType({})
AS = re.compile(r"(?<!\w)as $", re.IGNORECASE)
ARTICLE = re.compile(r"\b([Aa])(n?)(\s+)$")
VOWEL_SOUND = re.compile(
    r"(?:[aeiou]|honest|honou?r|hour|heir)(?!ni(?:vers|on|qu|form|t)|ne\b|ser|sual|uro)", re.IGNORECASE
)
DOUBLED = re.compile(
    r"\b(people|children|parents|spouses|siblings|partners|performers|servers|grandparents|grandchildren|relatives"
    r"|monarchs|royals|(?:an? )?(?:person|child|parent|sibling|spouse|partner)|they|them|their)"
    r" (?:and|or) \1\b",
    re.IGNORECASE,
)
DOUBLE_BLANK = re.compile(r"(?<=\S) {2,}(?=\S)")
SENTENCE_END = ".!?\n"


class Replaced(NamedTuple):
    """One replacement in the new text."""

    start: int
    end: int
    original: str


def wording(text: str, finding: Finding, nouns: Mapping[str, str] = NO_NOUNS) -> str:
    """Return what replaces a demographic term; empty means that it goes.

    Args:
        text: The normalised text.
        finding: The term.
        nouns: Neutral words of gendered ones, by which a group is named.
    """
    if finding.role is Role.attribute:
        return ""
    if finding.role is Role.predicate:
        words = PREDICATES[finding.category]
        if AS.search(text, max(0, finding.start - 4), finding.start):
            words = f"someone {words}"
        elif text[max(0, finding.start - 7) : finding.start].lower() == "raised ":
            words = words.replace("of ", "in ", 1)
    elif finding.role is Role.abstract:
        words = _abstract(text, finding)
    elif finding.role in MEMBERS:
        noun = nouns.get(finding.noun, finding.noun) or MEMBERS[finding.role]
        words = f"{noun} {PREDICATES[finding.category]}"
    else:
        words = finding.role.value
    return words[0].upper() + words[1:] if opens_sentence(text, finding.start) else words


def _abstract(text: str, finding: Finding) -> str:
    """Return the noun for a condition or religion, with an article where none stands before it."""
    words = ABSTRACTS.get(finding.category, "a background")
    noun = words.partition(" ")[2]
    if finding.noun:
        return f"{'an' if VOWEL_SOUND.match(finding.noun) else 'a'} {finding.noun} {noun}"
    before = text[max(0, finding.start - 24) : finding.start].lower().split()
    return noun if before and before[-1] in DETERMINED else words


def opens_sentence(text: str, start: int) -> bool:
    """Whether the capitalised word at `start` is the first of its sentence."""
    before = text[max(0, start - 3) : start].rstrip(" \"“'(")
    capital = text[start : start + 2].lstrip("[")[:1].isupper()
    return capital and (not before or before[-1] in SENTENCE_END)


def without_overlaps(results: Sequence[Any]) -> list[Any]:
    """Keep the results of highest rank, longer before shorter; sorted by place."""
    if len(results) < 2:
        return list(results)
    demographic = {(r.start, r.end) for r in results if r.entity_type.startswith(("NATIO", "RACE", "RELI"))}
    demographic |= {(start, end - 1) for start, end in demographic}

    def rank(result: Any) -> tuple[int, int, int]:
        shadowed = result.entity_type == "PERSON" and (result.start, result.end) in demographic
        return 9 if shadowed else RANK.get(result.entity_type, 5), result.start - result.end, result.start

    kept: list[Any] = []
    taken = bytearray(max(r.end for r in results))
    for result in sorted(results, key=rank):
        if 1 not in taken[result.start : result.end]:
            taken[result.start : result.end] = b"\1" * (result.end - result.start)
            kept.append(result)
    return sorted(kept, key=lambda r: r.start)


@lru_cache(REPLACEMENTS_KEPT)
def replacement(entity_type: str) -> str:
    """Return the words that `TYPE#words` carries, or the placeholder of a bare type."""
    entity, encoded, words = entity_type.partition(SEPARATOR)
    return words if encoded else PLACEHOLDERS.get(entity, f"[{entity.lower().replace('_', ' ')}]")


class EncodedReplace(Operator):  # type: ignore[misc]
    """Replaces `TYPE#words` by `words`, and a bare type by its placeholder."""

    def operate(self, text: str | None = None, params: dict[str, Any] | None = None) -> str:
        """Return the replacement that the entity type carries."""
        return replacement((params or {})["entity_type"])

    def validate(self, params: dict[str, Any] | None = None) -> None:
        """Accept any parameters: there are none."""

    def operator_name(self) -> str:
        """Return the name under which the operator is registered."""
        return "encoded_replace"

    def operator_type(self) -> OperatorType:
        """Return that this operator anonymises."""
        return OperatorType.Anonymize


def new_anonymizer() -> AnonymizerEngine:
    """Return Presidio's anonymizer with our operator."""
    engine = AnonymizerEngine()
    engine.add_anonymizer(EncodedReplace)
    return engine


NEAR = 100
"""Characters between two replacements that Presidio writes as one: it takes longer over each than it took
to find it."""
MAX_REPLACEMENTS = 200
"""Replacements written into one piece of a text."""
OPERATORS = {"DEFAULT": OperatorConfig("encoded_replace", {})}


class Run(NamedTuple):
    """Neighbouring replacements, and the words between them, as one."""

    start: int
    end: int
    words: str
    """What stands there afterwards."""
    inside: list[Replaced]
    """The replacements, by their places in `words`."""


def anonymised(engine: AnonymizerEngine, text: str, results: Sequence[RecognizerResult]) -> str:
    """Write the replacements of sorted, disjoint results into the text and correct the grammar."""
    if not results:
        return text
    written, replaced, length = [], [], 0
    for start, end, runs in _pieces(text, list(_runs(text, results))):
        done = engine.anonymize(
            text[start:end],
            [
                RecognizerResult(f"RUN{SEPARATOR}{run.words}", run.start - start, run.end - start, 1.0)
                for run in runs
            ],
            OPERATORS,
            conflict_resolution=ConflictResolutionStrategy.MERGE_SIMILAR_OR_CONTAINED,  # they are disjoint
            merge_entities_with_spaces=False,
        )
        places = sorted((item.start, item.end) for item in done.items)
        for run, (index, _) in zip(runs, places, strict=True):
            by = index + length
            replaced += [Replaced(by + first, by + last, original) for first, last, original in run.inside]
        written.append(done.text)
        length += len(done.text)
    return corrected("".join(written), replaced)


def _runs(text: str, results: Sequence[RecognizerResult]) -> Iterator[Run]:
    """Put results together that stand near each other."""
    first = 0
    for i, result in enumerate(results):
        if i + 1 == len(results) or results[i + 1].start - result.end > NEAR:
            yield _run(text, results[first : i + 1])
            first = i + 1


def _run(text: str, results: Sequence[RecognizerResult]) -> Run:
    start = index = results[0].start
    words, inside, length = [], [], 0
    for result in results:
        between, new = text[index : result.start], replacement(result.entity_type)
        length += len(between)
        inside.append(Replaced(length, length + len(new), text[result.start : result.end]))
        words += [between, new]
        length += len(new)
        index = result.end
    return Run(start, index, "".join(words), inside)


def _pieces(text: str, runs: Sequence[Run]) -> Iterator[tuple[int, int, Sequence[Run]]]:
    """Cut a text with many replacements between them: Presidio copies the whole text at each."""
    index = 0
    for first in range(0, len(runs), MAX_REPLACEMENTS):
        group = runs[first : first + MAX_REPLACEMENTS]
        end = group[-1].end if first + MAX_REPLACEMENTS < len(runs) else len(text)
        yield index, end, group
        index = end


def corrected(text: str, replaced: Sequence[Replaced]) -> str:
    """Fix articles, sentence capitals, doubled nouns and blanks around replacements."""
    edits = sorted({edit for item in replaced for edit in (*_article(text, item), *_capital(text, item))})
    pieces, index = [], 0
    for start, end, words in edits:
        if start >= index:
            pieces += [text[index:start], words]
            index = end
    result = "".join([*pieces, text[index:]])
    if " and " in result or " or " in result:
        result = DOUBLED.sub(lambda match: match.group(1), result)
    removed = any(item.start == item.end for item in replaced)
    return DOUBLE_BLANK.sub(" ", result) if removed and "  " in result else result


def _article(text: str, item: Replaced) -> list[tuple[int, int, str]]:
    match = ARTICLE.search(text, max(0, item.start - 4), item.start)
    follower = text[item.start : item.start + 12].lstrip()
    if not match or not follower[:1].isalpha():
        return []
    wanted = "n" if VOWEL_SOUND.match(follower) else ""
    return [] if wanted == match.group(2) else [(match.start(1) + 1, match.end(2), wanted)]


def _capital(text: str, item: Replaced) -> list[tuple[int, int, str]]:
    """Capitalise the word that has moved to the start of its sentence."""
    if item.start != item.end or not item.original[:1].isupper():
        return []
    index = item.start
    while index < len(text) and text[index] == " ":
        index += 1
    before = text[max(0, item.start - 4) : item.start].rstrip(" \"“'(")
    if index < len(text) and text[index].islower() and (not before or before[-1] in SENTENCE_END):
        return [(index, index + 1, text[index].upper())]
    return []
