"""Ages in figures and words, and GoEmotions' masks of religions."""

import re
from collections.abc import Iterator

from tasks.config import DemographicCategory as Category
from tasks.pipeline.scrubbing.demographics.lexicon import context, is_person_noun
from tasks.pipeline.scrubbing.demographics.term_context import Finding, Role
from tasks.pipeline.scrubbing.names.assets import load_verbs

ONES = "one|two|three|four|five|six|seven|eight|nine"
TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
TEENS = "ten|eleven|twelve|eighteen|(?:thir|four|fif|six|seven|nine)teen"
AGE = re.compile(
    rf"(?<![\w-])(?:(?:(?:\d{{1,3}}-)?\d{{1,3}}|(?:{TENS})(?:-(?:{ONES}))?|{TEENS}|{ONES})[- ]years?[- ]old"
    rf"|\d{{1,3}} ?(?:yo|y/o|y\.o\.|yrs? old)|(?:{TENS})-something)s?\b",
    re.IGNORECASE,
)
AGED_THING = re.compile(
    r"\s+(?:contract|building|car|house|company|whisky|whiskey|wine|tree|project|deal|law|policy|problem|system|firm"
    r"|brand|dog|cat|horse|recipe|tradition|laptop|phone|computer|machine|bug|code|version|account|child's)\b",
    re.IGNORECASE,
)
OLDER_THAN_PEOPLE = re.compile(r"(?:1[2-9]|[2-9]\d)\d\b")
DECADE = re.compile(
    r"\bin (?:my|his|her|their|your|our) (?:early |mid[- ]?|late )?(?:[2-9]0['’]?s|teens|"
    rf"{TENS.replace('y', 'ies')})\b",
    re.IGNORECASE,
)
BRACKETED = re.compile(
    r"(?<=[(\[])\d{2} ?[MF](?=[)\],])|(?<=\bI )\d{2} ?[MF]\b|\b\d{2} ?[MF](?= here\b)", re.IGNORECASE
)
"""Age and sex as forums write them: "I (34F)"."""
AFTER_AGES = frozenset(
    {"so", "then", "here", "now", "too", "today", "again", "already", "because", "if", "when"}
)
"""Words that no age describes: "I play with 20 year olds so ..."."""
NOUN_AGE = re.compile(r"olds?$", re.IGNORECASE)
"""The end of an age that can be a noun."""
OWNERS = frozenset({"my", "your", "his", "her", "our", "their"})
ARTICLES = frozenset({"a", "an", "the", "this", "that", "every", "any"})
GROUP = re.compile(r" (?:people|folks)\b", re.IGNORECASE)
DETERMINED = re.compile(r"\b(?:the|these|those|my|your|his|her|our|their|some|many|all|\d+) $", re.IGNORECASE)
"""Words before an age that make certain people of "people"."""
AGE_WORD = re.compile(r"years?[- ]old|yrs? old|-something")
SHORT_AGE = re.compile(r"\d ?y(?:o|/o|\.o|rs?)")
FORUM_AGE = re.compile(r"\d ?[mf]\b")
FIGURE = re.compile(
    r"\b(?:at (the age of \d{1,3})|(?:just |have |has |had |he |she |they |I |who )turned (\d{1,3}))\b"
    r"(?![.,]?\d|\s?%)",
    re.IGNORECASE,
)
RELIGION_MASK = "[RELIGION]"
"""The mask that GoEmotions puts in place of a religion."""


def ages(text: str) -> Iterator[Finding]:
    """Yield the ages of people."""
    low = text.lower()
    figures = any(map(str.isdigit, text))
    if AGE_WORD.search(low) or (figures and SHORT_AGE.search(low)):
        yield from _spelled_out(text)
    if "0s" in low or "0's" in low or "ties" in low or "teens" in low:
        for match in DECADE.finditer(text):
            yield Finding(*match.span(), Category.age, _role_of_decade(text, match.start()), "decade")
    if figures:
        yield from _in_figures(text, low)


def _spelled_out(text: str) -> Iterator[Finding]:
    for match in AGE.finditer(text):
        if not AGED_THING.match(text, match.end()) and not OLDER_THAN_PEOPLE.match(match.group()):
            role, end = _role_of_age(text, match), match.end()
            group = GROUP.match(text, end) if role is Role.attribute else None
            if group and not DETERMINED.search(text, max(0, match.start() - 8), match.start()):
                role, end = Role.members, group.end()
            yield Finding(match.start(), end, Category.age, role, "age")


def _role_of_decade(text: str, start: int) -> Role:
    """Return how "in my 40s" stands: of somebody behind "am" or a noun for people, else as a time."""
    before = text[max(0, start - 24) : start].lower().replace("’", "'").split()[-1:]
    of_somebody = before and (before[0] in context("copulas") or is_person_noun(before[0]))
    return Role.predicate if of_somebody else Role.time


def _in_figures(text: str, low: str) -> Iterator[Finding]:
    if FORUM_AGE.search(low):
        for match in BRACKETED.finditer(text):
            yield Finding(*match.span(), Category.age, Role.predicate, "age and sex")
    if "turned " in low or "age of " in low:
        for match in FIGURE.finditer(text):
            group = 1 if match.group(1) else 2
            yield Finding(*match.span(group), Category.age, Role.abstract, "age in figures")


def _role_of_age(text: str, match: re.Match[str]) -> Role:
    """Return how an age stands: before a noun, as a noun ("a 5 year old", "20 year olds"), or behind "is"."""
    before = text[max(0, match.start() - 12) : match.start()].lower().split()[-1:]
    if _describes(text, match, *before):
        return Role.attribute
    if match.group().endswith("s") and NOUN_AGE.search(match.group()):
        return Role.members
    if before and NOUN_AGE.search(match.group()):
        return Role.child if before[0] in OWNERS else Role.member if before[0] in ARTICLES else Role.predicate
    return Role.predicate


def _describes(text: str, match: re.Match[str], before: str = "") -> bool:
    """Whether an age describes the noun behind it: "a 31-year-old nurse"."""
    rest = text[match.end() : match.end() + 24].lower().split()
    if not rest:
        return False
    noun = rest[0].strip(".,;:!?)")
    if noun in AFTER_AGES or (noun in load_verbs() and before not in {"the", "our", "your", "their"}):
        return False
    if before in OWNERS | ARTICLES:
        return noun.isalpha() and noun not in context("closed_class")
    hyphened = "-" in match.group() and rest[0].isalpha() and noun not in context("closed_class")
    return hyphened or is_person_noun(noun) or noun in {"male", "female"}


def religion_masks(text: str) -> Iterator[Finding]:
    """Treat GoEmotions' masks by what stands around them: before a noun, behind "is" or "a", or alone."""
    start = text.find(RELIGION_MASK)
    while start >= 0:
        end = start + len(RELIGION_MASK)
        before = text[max(0, start - 40) : start].lower().split()[-2:]
        after = re.match(r"[ -]?([a-z]+)", text[end : end + 24])
        role = _mask_role(before, after)
        if after and (group := _masked_group(before[-1:], after.group(1))):
            role, end = group, end + after.end()
        yield Finding(start, end, Category.religion, role, "masked religion")
        start = text.find(RELIGION_MASK, end)


def _masked_group(before: list[str], noun: str) -> Role | None:
    """Return the role of a mask that makes a group, or anyone of it: "any [RELIGION] woman"."""
    if noun in {"men", "people", "women"}:
        return None if before and before[0] in context("determiners") else Role.members
    anyone = noun in {"man", "person", "woman"} and before and before[0] in {"any", "each", "every", "no"}
    return Role.member if anyone else None


def _mask_role(before: list[str], after: re.Match[str] | None) -> Role:
    if after and after.group(1) not in context("closed_class") | {"so", "not", "because", "you", "i"}:
        return Role.attribute
    if before and before[-1] in context("copulas"):
        return Role.predicate
    return Role.person if {"a", "an", "another", "fellow"} & set(before) else Role.abstract
