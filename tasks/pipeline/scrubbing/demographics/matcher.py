"""Finds demographic terms that describe people: "a young Nigerian engineer", not "black coffee".

A term counts when a noun for people (or a name) follows it through adjectives, when it is the predicate of a
person, when it stands behind one ("in a wheelchair"), or when it is itself a noun for people. Everything else
keeps its words, unless the scope is `all`.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from tasks.config import DemographicCategory as Category
from tasks.config import Scope
from tasks.pipeline.scrubbing.demographics.lexicon import (
    Term,
    context,
    exceptions,
    is_person_noun,
    phrases_by_first_word,
    term_triggers,
    terms,
)
from tasks.pipeline.scrubbing.demographics.token_view import Reading


class Role(StrEnum):
    """How a term stands in its sentence, which decides what replaces it."""

    attribute = "attribute"
    predicate = "predicate"
    person = "person"
    people = "people"
    abstract = "abstract"


class Finding(NamedTuple):
    """One demographic term."""

    start: int
    end: int
    category: Category
    role: Role


LOOK_AHEAD = 6
"""Words between a term and the noun for people that it describes, at most."""
SIGNS_BETWEEN = frozenset({"&", ",", "/"})
SENTENCE_SIGNS = frozenset('.,;:!?)"”\n')
JOINERS = frozenset({"and", "or"})
SUBJECT_CONTRACTIONS = context("subject_contractions")
DEGREES = context("degrees")
ORIGIN_DEGREES = context("origin_degrees")
DETERMINERS = context("determiners")
LANGUAGES = context("languages")
NEVER_A_PERSON = context("never_a_person")
"""Adjectives that need a noun: "a French." is a slip, "a German." is a person."""
COLLECTIVES = context("collectives")
COLLECTIVE_VERBS = context("collective_verbs") | frozenset(",.")
IDENTIFYING = frozenset({"identify", "identifies", "identified", "raised"})
OF_ORIGIN = frozenset({Category.nationality, Category.religion, Category.race})
SOMEBODY = frozenset({"anybody", "anyone", "everybody", "everyone", "nobody", "somebody", "someone"})
SENIORITY = frozenset({"senior", "junior"})
SENIOR_PEOPLE = context("senior_people")
ONES = "one|two|three|four|five|six|seven|eight|nine"
TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
TEENS = "ten|eleven|twelve|eighteen|(?:thir|four|fif|six|seven|nine)teen"
AGE = re.compile(
    rf"\b(?:(?:\d{{1,3}}|(?:{TENS})(?:-(?:{ONES}))?|{TEENS}|{ONES})[- ]years?[- ]old"
    rf"|(?:{TENS})-something)s?\b",
    re.IGNORECASE,
)
AGED_THING = re.compile(
    r"\s+(?:contract|building|car|house|company|whisky|whiskey|wine|tree|project|deal|law|policy|problem|system|firm"
    r"|brand|dog|cat|horse|recipe|tradition|laptop|phone|computer|machine|bug|code|version|account|child's)\b",
    re.IGNORECASE,
)
RELIGION_MASK = "[RELIGION]"
"""The mask that GoEmotions puts in place of a religion."""


def find_terms(reading: Reading, scope: Scope, categories: frozenset[Category]) -> list[Finding]:
    """Return the demographic terms of a text, sorted and disjoint."""
    found = list(_lexical(reading, scope, categories))
    if Category.age in categories:
        ages = list(_ages(reading.text))
        found = [f for f in found if not any(f.start < a.end and a.start < f.end for a in ages)] + ages
    if Category.religion in categories:
        found += _religion_masks(reading.text)
    return sorted(found)


def _lexical(reading: Reading, scope: Scope, categories: frozenset[Category]) -> Iterator[Finding]:
    phrases, others, triggers = phrases_by_first_word(), exceptions(), term_triggers()
    place, last = 0, None
    for i, word in [(i, word) for i, word in enumerate(reading.words) if word in triggers]:
        if i < place:
            continue
        other = reading.phrase_at(i, others[word]) if word in others else None
        if other:
            place = i + len(other)
            continue
        phrase = reading.phrase_at(i, phrases[word]) if word in phrases and i not in reading.named else None
        if not phrase or terms()[phrase].category not in categories or _needs_capital(reading, i, phrase):
            continue
        end = i + len(phrase)
        role = role_of(reading, i, end, terms()[phrase], scope, last)
        if role:
            last = Finding(*reading.span(i, end), terms()[phrase].category, role)
            place = end
            yield last


def _needs_capital(reading: Reading, i: int, phrase: tuple[str, ...]) -> bool:
    return len(phrase) == 1 and phrase[0] in context("capital_only") and not reading.capitalised(i)


def role_of(reading: Reading, i: int, j: int, term: Term, scope: Scope, last: Finding | None) -> Role | None:
    """Return how the term in words `i` .. `j` stands, or None where it describes no person.

    Args:
        reading: The text.
        i: First word of the term.
        j: Word behind the term.
        term: Its entry.
        scope: `all` accepts unambiguous terms anywhere.
        last: The term found before, for lists of terms.
    """
    if term.kind == "abstract":
        return Role.abstract
    if term.kind == "complement":
        return _complement_role(reading, i, last)
    if term.kind in {"plural", "singular"}:
        return _noun_role(reading, i, j, term)
    word = reading.words[i]
    if _leads_to_person(reading, i, j, term.category in {Category.nationality, Category.religion}):
        return Role.attribute
    role = (
        _origin_role(reading, i, j, term, last)
        if term.category in OF_ORIGIN
        else _trait_role(reading, i, j, term)
    )
    if role is None and word not in context("ambiguous"):
        unmistakable = term.category in {Category.orientation, Category.disability, Category.minority}
        role = Role.attribute if scope is Scope.all or unmistakable else None
    return role


def _closes(reading: Reading, j: int) -> bool:
    """Whether the term ends its phrase: a sign or a function word follows."""
    return reading.at(j) in SENTENCE_SIGNS or reading.at(j) in context("closed_class")


def _noun_role(reading: Reading, i: int, j: int, term: Term) -> Role | None:
    word, follower = reading.words[i], reading.at(j)
    if term.kind == "singular":
        needs_end = word in {"minority", "pole"} and j == i + 1
        return None if needs_end and not _closes(reading, j) else Role.person
    if word in {"whites", "blacks"} and (
        follower == "of" or not (_closes(reading, j) or reading.capitalised(i))
    ):
        return None
    if word == "seniors" and not _closes(reading, j):
        return None
    return Role.people


def _is_person(reading: Reading, place: int) -> bool:
    """Whether a noun for people, or a name, stands at a place."""
    return is_person_noun(reading.at(place)) or place in reading.named


def _complement_role(reading: Reading, i: int, last: Finding | None) -> Role | None:
    """Judge what stands behind a person, or behind a noun that was itself found to be a term."""
    before = reading.at(i - 1)
    if _is_copula(before):
        return Role.predicate
    called = last is not None and last.end == reading.tokens.ends[i - 1]
    return Role.attribute if called or before in SOMEBODY or _is_person(reading, i - 1) else None


def person_ahead(reading: Reading, j: int) -> int | None:
    """Return the place of the noun for people, or name, that is reached from `j` through adjectives."""
    place = j
    while place < min(len(reading), j + LOOK_AHEAD):
        word = reading.words[place]
        if _is_person(reading, place):
            return place
        phrase = reading.phrase_at(place, phrases_by_first_word().get(word, ()))
        if not (
            word in context("adjectives") or word in SIGNS_BETWEEN or phrase or word.endswith("-american")
        ):
            return None
        place += len(phrase) if phrase else 1
    return None


def _past_terms(reading: Reading, j: int) -> int:
    """Return the place behind a run of further terms."""
    while j < len(reading):
        phrase = reading.phrase_at(j, phrases_by_first_word().get(reading.words[j], ()))
        if not phrase:
            break
        j += len(phrase)
    return j


def _leads_to_person(reading: Reading, i: int, j: int, origin: bool) -> bool:
    ahead = person_ahead(reading, j)
    if ahead is None:
        return origin and reading.at(_past_terms(reading, j)) in context("shared_by_origin")
    word, person = reading.words[i], reading.words[ahead]
    if word == "old" and person in context("old_ties"):
        return False
    if word in SENIORITY and person not in SENIOR_PEOPLE:
        return False
    if reading.at(j) not in JOINERS:
        return True
    before = reading.at(i - 1)
    opens = before in DETERMINERS or before in SENTENCE_SIGNS or before in context("closed_class")
    return ahead - j <= 3 and opens


def _is_copula(word: str) -> bool:
    return word in context("copulas")


def _subject_is_person(reading: Reading, place: int) -> bool:
    return reading.at(place) in context("subjects") or _is_person(reading, place)


def _origin_role(reading: Reading, i: int, j: int, term: Term, last: Finding | None) -> Role | None:
    """Judge a nationality, religion or race that no noun for people follows."""
    word, before, earlier = reading.words[i], reading.at(i - 1), reading.at(i - 2)
    if not _closes(reading, j) or (word in LANGUAGES and before in context("language_verbs")):
        return None
    if _is_copula(before) or (before in ORIGIN_DEGREES and _is_copula(earlier)):
        role = Role.person if before in {"a", "an", "devout"} else Role.predicate
        subject = i - 2 if _is_copula(before) else i - 3
        sure = word not in context("ambiguous") or before in SUBJECT_CONTRACTIONS
        return role if role is Role.person or sure or _subject_is_person(reading, subject) else None
    if before == "the" and word not in context("ambiguous") | {"english", "latin", "arabic"}:
        return Role.people if reading.at(j) in {"are", "were", "have", "who", "and", "love", "say"} else None
    if before in {"a", "an", "another", "every", "devout", "one", "fellow"} and term.kind == "either":
        return None if word in NEVER_A_PERSON else Role.person
    if before == "raised" or (
        before == "as" and earlier in {"identify", "identifies", "identified", "raised"}
    ):
        return Role.predicate
    listed = last is not None and last.category is term.category and last.end >= reading.span(i - 1, i)[0] - 2
    return Role.predicate if listed and before in {",", "and", "or"} else None


def _trait_role(reading: Reading, i: int, j: int, term: Term) -> Role | None:
    """Judge a gender, orientation, disability, age or status that no noun for people follows."""
    if not _closes(reading, j):
        return None
    word, before, earlier = reading.words[i], reading.at(i - 1), reading.at(i - 2)
    ambiguous = word in context("ambiguous")
    if _is_predicate(reading, i) and (not ambiguous or _has_person_subject(reading, i)):
        return Role.predicate
    if before == "as" and earlier == "out":
        return Role.predicate
    if before == "the" and word in COLLECTIVES and reading.at(j) in COLLECTIVE_VERBS:
        return Role.people
    return Role.predicate if not ambiguous and term.kind == "either" else None


def _is_predicate(reading: Reading, i: int) -> bool:
    before, earlier = reading.at(i - 1), reading.at(i - 2)
    if _is_copula(before):
        return True
    if before in DEGREES and (_is_copula(earlier) or earlier in {"out", "came"}):
        return True
    return before == "be" and earlier == "to" and reading.at(i - 3) in {"happen", "happens", "happened"}


def _has_person_subject(reading: Reading, i: int) -> bool:
    before, earlier = reading.at(i - 1), reading.at(i - 2)
    if before in SUBJECT_CONTRACTIONS or earlier in SUBJECT_CONTRACTIONS:
        return True
    return _subject_is_person(reading, i - 2 if _is_copula(before) else i - 3)


def _ages(text: str) -> Iterator[Finding]:
    if "-something" not in text and not ("old" in text and "year" in text):
        return
    for match in AGE.finditer(text):
        if not AGED_THING.match(text, match.end()):
            rest = text[match.end() : match.end() + 24].lower().split()
            noun_follows = rest[:1] != [] and rest[0].isalpha() and rest[0] not in context("closed_class")
            hyphened = "-" in match.group() and noun_follows
            attribute = hyphened or (rest[:1] != [] and is_person_noun(rest[0].strip(".,;:!?")))
            yield Finding(*match.span(), Category.age, Role.attribute if attribute else Role.predicate)


def _religion_masks(text: str) -> Iterator[Finding]:
    """Treat GoEmotions' masks by what stands around them: before a noun, behind "is" or "a", or alone."""
    start = text.find(RELIGION_MASK)
    while start >= 0:
        end = start + len(RELIGION_MASK)
        before = text[max(0, start - 40) : start].lower().split()[-2:]
        after = re.match(r"[ -]?([a-z]+)", text[end : end + 24])
        yield Finding(start, end, Category.religion, _mask_role(before, after))
        start = text.find(RELIGION_MASK, end)


def _mask_role(before: list[str], after: re.Match[str] | None) -> Role:
    if after and after.group(1) not in context("closed_class") | {"so", "not", "because", "you", "i"}:
        return Role.attribute
    if before and _is_copula(before[-1]):
        return Role.predicate
    return Role.person if {"a", "an", "another", "fellow"} & set(before) else Role.abstract
