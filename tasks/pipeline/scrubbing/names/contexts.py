"""Names that the words around them give away, whatever their origin, as a table of rules."""

import re
from collections.abc import Iterator
from functools import lru_cache

from tasks.pipeline.scrubbing.demographics.lexicon import is_person_noun
from tasks.pipeline.scrubbing.demographics.rules import first_that_holds
from tasks.pipeline.scrubbing.names.acting import acted
from tasks.pipeline.scrubbing.names.candidate import (
    KNOWN_NAME,
    Candidate,
    CandidateRule,
)
from tasks.pipeline.scrubbing.names.candidates import CONTRACTED, PROPER, is_family
from tasks.pipeline.scrubbing.names.features import (
    Lexicon,
    entry_of,
    group_of,
    shape,
    word_lists,
)
from tasks.pipeline.scrubbing.tokens import WORDS_KEPT, Span, Tokens, lowered

SHORTEST_NAME = 3
FINITE = frozenset({"VBZ", "VBD", "VBP", "NNS"})
STOPS = frozenset(".,!?\n")
BEFORE_NAMES = frozenset({"saw", "under", "for", "of", "to", "with", "the", "The", ":"})
BEHIND_NAMES = frozenset({"made", "makes", "reports", "from", "at", "in", ",", "&", "'", "’"})
"""Words before and behind a name without which, or a verb of people, no rule holds."""
MAY_NAME, MONTH, BEFORE, BEHIND, JOINS = (1 << bit for bit in range(5))
CONTINENTS = frozenset({"africa", "america", "asia"})
NOUNS_OF_APPOSITION = 4
"""Words within which "Pat, the dog walker" comes to its noun for people."""
AGENT_ENDINGS = ("er", "or", "ist", "ian")
"""Endings of nouns for those who do something."""
NAMESAKES = re.compile(
    r"\b([A-Z][\w'’-]{1,20}) ([A-Z][\w'’-]{1,20}) and ([A-Z][\w'’-]{1,20}) \2\b(?= ([a-z]{1,20}))"
)
"""Two people with one surname: "Jimin Park and Will Park called"."""
CHAT_LABEL = re.compile(
    r"^(?:\[\d{1,2}:\d{2}(?::\d{2})?\]\s{0,2}([^\W\d_][\w.'-]{1,30})(?=:)|<([^\W\d_][\w.' -]{1,30})>(?=\s))",
    re.MULTILINE,
)


def names_by_context(text: str, tokens: Tokens, lexicon: Lexicon) -> Iterator[Span]:
    """Yield the names that a rule finds.

    Args:
        text: The normalised text.
        tokens: Its tokens with their parts of speech.
        lexicon: Name lexicon.
    """
    yield from chat_labels(text)
    if " and " in text:
        yield from _namesakes(text)
    words = tokens.words
    traits = list(map(_traits, words))
    around = zip(traits, [0, *traits], [*traits[1:], 0], strict=False)
    for i, (trait, left, right) in enumerate(around):
        if not trait & MAY_NAME or not (trait & MONTH or left & BEFORE or right & BEHIND or left & JOINS):
            continue
        behind = right & BEHIND or left & JOINS
        rules = CONTEXT_RULES if trait & MONTH else BEHIND_RULES if behind else ()
        if left & BEFORE and not trait & MONTH:
            rules = (*rules, *BEFORE_RULES)
        candidate = Candidate(tokens, i, i, lexicon)
        if first_that_holds(rules, candidate):
            first = i - 1 if is_family(candidate) else i  # "the Smiths" are one
            last = i + 1 if _has_surname(candidate) or _has_second_name(candidate) else i
            yield tokens.starts[first], tokens.ends[last]


@lru_cache(WORDS_KEPT)
def _traits(word: str) -> int:
    """Return the bits that tell whether a word may be a name, or makes one of its neighbour."""
    lists = word_lists()
    before = lists["meeting_verbs"] | BEFORE_NAMES
    verb = any(word in lists[name] for name in ("human_verbs", "verbs_of_speech", "finite_verbs"))
    behind = word in BEHIND_NAMES or verb or word.endswith("ed")
    held = (
        (MAY_NAME, word[0].isupper() and len(word) >= SHORTEST_NAME),
        (MONTH, lowered(word) in lists["calendar"]),
        (BEFORE, word in before or is_person_noun(word)),
        (BEHIND, behind),
        (JOINS, word == "&"),
    )
    return sum(bit for bit, holds in held if holds)


def chat_labels(text: str) -> Iterator[Span]:
    """Yield who wrote each line of a chat: "[14:02] sanjay: hey", "<john.smith> lol"."""
    if "[" in text or "<" in text:
        for match in CHAT_LABEL.finditer(text):
            yield match.span(1 if match.group(1) else 2)


def _namesakes(text: str) -> Iterator[Span]:
    for match in NAMESAKES.finditer(text):
        if match.group(4) in word_lists()["human_verbs"]:
            yield match.start(1), match.end(2)
            yield match.start(3), match.end()


def _may_be_place_name(c: Candidate) -> bool:
    """Whether it is a country, a continent or an everyday word that people are also called."""
    return shape(c.word) == "Xx" and c.entry.first > 1 and not is_person_noun(c.low)


def _may_be_name(c: Candidate) -> bool:
    """Whether nothing but a name is known of a word, not even a list of names."""
    lists = word_lists()
    if shape(c.word) not in {"Xx", "Xm"} or c.low in lists["never_people"] or c.low in lists["countries"]:
        return False
    if ("-" in c.word and not c.word.istitle()) or c.low.endswith(CONTRACTED):
        return False
    named = c.entry.first >= KNOWN_NAME or (c.entry.city and (c.entry.first or c.entry.last) > 0)
    return named or group_of(c.low, c.entry) == "-"


def _has_feelings(c: Candidate) -> bool:
    """Whether a country, a thing or an adjective thinks or feels: "Kenya feels annoyed"."""
    if not c.opens_sentence or not _may_be_place_name(c) or c.low in word_lists()["calendar"]:
        return False
    verb, behind = lowered(c.after()), lowered(c.after(2))
    told = verb in {"told", "tells"} and behind in {"me", "us", "him", "her", "them"}
    felt = verb in {"feels", "felt"} and behind.endswith("ed")
    made = verb in {"made", "makes"} and behind in {"me", "us"} and lowered(c.after(3)) == "feel"
    return (
        told
        or felt
        or (made and not c.entry.common)
        or (verb in word_lists()["opinion_verbs"] and c.entry.common)
    )


def _is_kin(c: Candidate) -> bool:
    """Whether a noun for one person stands before it: "My neighbour Kenya was furious"."""
    index = 3 if c.tag_before_by(2) == "JJ" else 2
    if not is_person_noun(c.before()):
        return False
    owned = c.before(index) in word_lists()["owners"] and c.tag_before == "NN"
    described = c.tag_after() in {"NN", "NNS"}
    if not owned or described or c.tag not in PROPER or shape(c.word) not in {"Xx", "Xm"}:
        return False
    lists = word_lists()
    return c.low not in lists["never_people"] or c.low in lists["countries"] or c.low in CONTINENTS


def _works_together(c: Candidate) -> bool:
    """Whether somebody works or lives with it: "My sister works with Xolani"."""
    together = c.before() == "with" and c.before(2) in word_lists()["shared_verbs"]
    if not together or not _may_be_name(c) or c.tag not in PROPER | {"NN"}:
        return False
    subject = c.before(3)
    return subject in {"i", "we", "he", "she", "they", "who"} or is_person_noun(subject)


def _does_something(c: Candidate) -> bool:
    lists, verb = word_lists(), lowered(c.after())
    human = verb in lists["human_verbs"] or verb in lists["verbs_of_speech"]
    human = human or (verb == "reports" and c.after(2) == "to")
    human = human or (verb in {"made", "makes"} and c.tag_after(2) == "PRP" and c.after(2) != "it")
    if not (human and c.opens_sentence and _may_be_name(c)) or c.low in lists["interjections"]:
        return False
    if verb in {"works", "worked"} and lowered(c.after(2)) in lists["ways_of_working"]:
        return False
    if c.entry.common:  # "Amber waves of grain", "Frank answers are rare"
        acting = c.tag_after() in {"VBZ", "VBD"} and c.after(2) not in {"of", "are", "were"}
        return acting and (c.tag in PROPER or c.entry.first > KNOWN_NAME) and not is_person_noun(c.low)
    return c.tag_after() in FINITE or verb in lists["finite_verbs"]


def _works_in_department(c: Candidate) -> bool:
    if c.after() not in {"from", "at", "in"} or not (c.entry.first or c.entry.last):
        return False
    index = 3 if c.after(2) == "the" else 2
    return lowered(c.after(index)) in word_lists()["departments"]


def _is_explained(c: Candidate) -> bool:
    """Whether a noun for people explains the name: "Pat, the dog walker"."""
    if c.after() != "," or not c.entry.first or not (c.opens_sentence or c.inside):
        return False
    lists = word_lists()
    determiner = lowered(c.after(2))
    if determiner not in lists["articles"] and determiner not in lists["owners"]:
        return False
    nouns = [lowered(c.after(3 + i)) for i in range(NOUNS_OF_APPOSITION) if c.tag_after(3 + i) == "NN"]
    return any(is_person_noun(noun) or noun.endswith(AGENT_ENDINGS) for noun in nouns)


def _is_joined(c: Candidate) -> bool:
    """Whether "&" joins two first names that are known as nothing else."""
    other = c.before(2) if c.before() == "&" else lowered(c.after(2)) if c.after() == "&" else ""
    firm = "'s" in {lowered(c.after()), lowered(c.after(3))} or other in {"", c.low}
    return not firm and all(_is_first_name(word, c.lexicon) for word in (c.low, other))


def _is_asked(c: Candidate) -> bool:
    """Whether somebody is asked for something: "Nayeli, could you send it?"."""
    lists = word_lists()
    if (
        c.after() != ","
        or c.entry.common
        or not c.opens_sentence
        or lowered(c.after(2)) not in lists["requests"]
    ):
        return False
    other = any(c.low in lists[name] for name in ("interjections", "requests", "forms_of_address"))
    return _may_be_name(c) and not other and not is_person_noun(c.low)


def _fills_field(c: Candidate) -> bool:
    """Whether it fills a field of a form: "Beneficiary: Yonas Gebre"."""
    return c.before() == ":" and c.before(2) in word_lists()["name_fields"] and _may_be_name(c)


def _is_first_name(word: str, lexicon: Lexicon) -> bool:
    """Whether a lower-case word is known as a first name and as nothing else."""
    entry = entry_of(word, lexicon)
    return entry.first > 0 and group_of(word, entry) == "-"


def _has_surname(c: Candidate) -> bool:
    """Whether a surname follows a month that is also a first name: "April Jones"."""
    if c.low not in word_lists()["calendar"] or not c.entry.first or not c.after()[0].isupper():
        return False
    entry = entry_of(lowered(c.after()), c.lexicon)
    return entry.last >= KNOWN_NAME and not entry.common and not entry.city


def _has_second_name(c: Candidate) -> bool:
    """Whether another name follows a name that a noun explains: "my neighbour Hyun-woo Park"."""
    return (
        (_is_kin(c) or _fills_field(c))
        and c.tag_after() in PROPER
        and shape(c.after()) in {"Xx", "Xm"}
        and c.follows_at_once
    )


def _owns(c: Candidate) -> bool:
    """Whether a first name that ends in "s" owns what follows: "James' proposal"."""
    apostrophe = c.after() in {"'", "’"} and c.tag_after() == "POS" and c.low.endswith("s")
    return apostrophe and c.entry.first >= KNOWN_NAME and not c.entry.common


def _is_booked(c: Candidate) -> bool:
    under = c.before() == "under" and c.before(2) in word_lists()["booked"]
    return under or (c.before() in {"for", "of"} and c.before(2) in {"reservation", "name"})


def _is_met(c: Candidate) -> bool:
    met = c.before() in word_lists()["meeting_verbs"]
    placed = c.after() == "at" and c.after(2) == "the"
    seen = c.before() == "saw" and c.after() in {"in", "at"} and c.after(2) == "the"
    addressed = c.before() in {"to", "with"} and c.before(2) in word_lists()["talking_verbs"]
    ends = c.after() in STOPS or lowered(c.after()) in word_lists()["behind_met"]
    if not (met or seen or addressed) or not ends:
        return False
    if c.tag not in PROPER and not c.entry.common:
        return False
    placed = seen or addressed or (met and placed)
    return _may_be_name(c) or (placed and c.inside and _may_be_place_name(c))


BEHIND_RULES = (
    CandidateRule("has feelings", "Kenya feels annoyed.", _has_feelings, True),
    CandidateRule("does something", "Xolani feels annoyed.", _does_something, True),
    CandidateRule("acted", "Khalid trusted me.", acted, True),
    CandidateRule("asked", "Nayeli, could you send it?", _is_asked, True),
    CandidateRule("department", "Mark from sales agrees.", _works_in_department, True),
    CandidateRule("explained", "Pat, the dog walker, called.", _is_explained, True),
    CandidateRule("joined", "Thx Xiomara & Thabo", _is_joined, True),
    CandidateRule("owner", "James' proposal failed.", _owns, True),
    CandidateRule("month and surname", "April Jones is late.", _has_surname, True),
)
"""Rules that look at the word behind a name."""
BEFORE_RULES = (
    CandidateRule("explained by a noun before it", "My neighbour Kenya was furious.", _is_kin, True),
    CandidateRule("works together", "My sister works with Xolani on Mondays.", _works_together, True),
    CandidateRule("field of a form", "Beneficiary: Yonas Gebre", _fills_field, True),
    CandidateRule("booked", "It is a booking under Nakamura.", _is_booked, True),
    CandidateRule("met", "I saw Xolani in the market.", _is_met, True),
    CandidateRule("family", "The Smiths moved in.", is_family, True),
)
"""Rules that look at the word before a name."""
CONTEXT_RULES = (*BEHIND_RULES, *BEFORE_RULES)
"""A word is a name where any of them holds."""
