"""Finds demographic terms that describe people: "a young Nigerian engineer", not "black coffee"."""

from collections.abc import Iterator

from tasks.config import DemographicCategory as Category
from tasks.config import Scope
from tasks.pipeline.scrubbing.demographics.ages import ages, religion_masks
from tasks.pipeline.scrubbing.demographics.lexicon import (
    context,
    exceptions,
    phrases_by_first_word,
    term_triggers,
    terms,
)
from tasks.pipeline.scrubbing.demographics.rules import first_that_holds
from tasks.pipeline.scrubbing.demographics.term_context import Finding, Role, TermContext
from tasks.pipeline.scrubbing.demographics.term_neighbours import is_group_noun
from tasks.pipeline.scrubbing.demographics.term_rules import rules_about
from tasks.pipeline.scrubbing.demographics.token_view import Reading

JOINTS = frozenset({" and ", " or ", " & ", ", ", ", and ", ", or "})
"""What joins two adjectives."""


def find_terms(reading: Reading, scope: Scope, categories: frozenset[Category]) -> list[Finding]:
    """Return the demographic terms of a text, sorted and disjoint."""
    matches = list(_lexical(reading, scope, categories))
    if Category.age in categories:
        matches = _disjoint(matches, list(ages(reading.text)))
    if Category.religion in categories:
        matches += religion_masks(reading.text)
    return _without_joints(reading.text, sorted(matches))


def _without_joints(text: str, matches: list[Finding]) -> list[Finding]:
    """Let the first of two adjectives that go take along what joins them: "the black and Asian nurses".

    A stroke makes one of both: "gay/trans people".
    """
    kept = matches[:1]
    for second in matches[1:]:
        first = kept[-1]
        between = text[first.end : second.start]
        goes = first.role is Role.attribute and second.role in {Role.attribute, Role.members}
        if goes and between == "/":
            kept[-1] = second._replace(start=first.start)
            continue
        if goes and between in JOINTS:
            kept[-1] = first._replace(end=second.start - 1)
        kept.append(second)
    return kept


def _disjoint(matches: list[Finding], sure: list[Finding]) -> list[Finding]:
    """Return `sure` and those of `found` that do not overlap them."""
    apart = [f for f in matches if not any(f.start < s.end and s.start < f.end for s in sure)]
    return apart + sure


def _lexical(reading: Reading, scope: Scope, categories: frozenset[Category]) -> Iterator[Finding]:
    index, last, triggers = 0, None, term_triggers()
    for i in [i for i, word in enumerate(reading.words) if word in triggers]:
        if i < index:
            continue
        word = reading.words[i]
        other = reading.phrase_at(i, exceptions().get(word, ()))
        if other:
            index = i + len(other)
            continue
        phrase = _term_at(reading, i, categories)
        if not phrase:
            continue
        end, term = i + len(phrase), terms()[phrase]
        rule = first_that_holds(rules_about(term), TermContext(reading, i, end, term, scope, last))
        if rule and rule.role:
            noun = ""
            if rule.role is Role.members and is_group_noun(reading, end):
                noun = reading.at(end)
                end += 1
            first = i - 1 if _goes_along(reading, i - 1, rule.role) else i
            if rule.role is Role.abstract and _is_bare_adjective(reading, i - 1):
                first, noun = i - 1, reading.at(i - 1)
            last = Finding(*reading.span(first, end), term.category, rule.role, rule.name, noun)
            index = end
            yield last


def _is_bare_adjective(reading: Reading, index: int) -> bool:
    """Whether an adjective without a determiner stands at a place: "I have severe dyslexia"."""
    bare = reading.at(index - 1) not in context("determiners") | context("of_abstracts")
    return bare and reading.at(index) in context("of_abstracts")


def _goes_along(reading: Reading, index: int, role: Role) -> bool:
    """Whether an adverb of degree goes with its adjective: "you are so young", "very young nurses"."""
    if reading.at(index) not in context("dropped_degrees"):
        return False
    if role in {Role.attribute, Role.members}:
        adverb = reading.tag(index) == "RB" and reading.at(index) != "pretty"  # "a pretty young lady"
        return adverb and reading.tag(index + 1) == "JJ"
    verb = reading.tag(index - 1)[:2] in {"VB", "BE"} or reading.at(index - 1) in context("copulas")
    return role is Role.predicate and verb


def _term_at(reading: Reading, i: int, categories: frozenset[Category]) -> tuple[str, ...] | None:
    """Return the term that begins at a place, unless it belongs to a name or lacks its capital."""
    if i in reading.named:
        return None
    phrase = reading.phrase_at(i, phrases_by_first_word().get(reading.words[i], ()))
    if not phrase or terms()[phrase].category not in categories:
        return None
    lacks_capital = len(phrase) == 1 and phrase[0] in context("capital_only") and not reading.capitalised(i)
    return None if lacks_capital else phrase
