"""Tells names of people from names of things: streets, firms, diseases, and words that open a sentence."""

import re
from functools import cache

from tasks.pipeline.scrubbing.demographics.lexicon import describes_people, is_person_noun, terms
from tasks.pipeline.scrubbing.names.assets import load_verbs
from tasks.pipeline.scrubbing.names.features import UNKNOWN, Entry, Lexicon, word_lists
from tasks.pipeline.scrubbing.tokens import lowered

INSTITUTIONS = (
    r"\s+(?:Prize|Awards?|Medal|Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Drive|Park|Square|Bridge"
    r"|River|Lake|Island|Islands|County|Airport|Station|University|College|School|Hospital|Institute|Foundation|Inc"
    r"|Ltd|LLC|Corp|Company|Group|Bank|Hotel|Museum|Stadium|Memorial|Law|Disease|Theorem|Act|Doctrine|Library"
    r"|Center|Centre|Theatre|Theater|Hall|Tower|Building|Bay|Beach|Valley|Creek|Canyon|Falls|Cathedral|Castle"
    r"|Manor|Lodge|Plaza|Crescent|Terrace|Cup|Trophy|Trust|Commission|Committee|Gallery|Estate|Mall|Mountains"
    r"|Academy|Clinic|Airlines|Motors|Records|Studios|Holdings|Industries|Partners|Effect|Syndrome)\b"
)
NAMED_AFTER = re.compile(rf"(?: [A-Z][\w’']{{1,20}})?{INSTITUTIONS}")
"""What a full name can give its name to: "Martin Luther King Boulevard"."""
ENDS_AS_PLACE = re.compile(
    r" (?:Street|Avenue|Ave|Road|Rd|Boulevard|Blvd|Airport|University|College|Hospital|Institute|Ltd)$"
)
THINGS_NAMED_AFTER = re.compile(
    r"(?:['’]s)?\s+(?:disease|syndrome|palsy|laws?|theorem|equation|paradox|razor|comet|constant)\b"
    r"|\s+(?:scale|method|transform|process|chain|machine|test|number|effect|rule|motion|mechanics|dollar|jeans"
    r"|whiskey|telescope|guitars?|pianos?|salad|screwdriver|shirts?|shoes|bags?|wheel|counter)\b"
    rf"|(?:['’]s)?{INSTITUTIONS}"
    r"|\s+&\s+(?!I\b)[A-Z]"
)
PLACE_WORDS = (
    "St.",
    "Saint",
    "San",
    "Santa",
    "Fort",
    "Port",
    "Mount",
    "Lake",
    "Los",
    "Las",
    "Hurricane",
    "Storm",
)
"""Words that make a place, or a storm, of the name behind them."""
PLACE_BEFORE = tuple(f"{word} " for word in PLACE_WORDS)
FIRM_BEFORE = re.compile(r"[A-Z][\w.’']{0,30}\s+&\s+$")
FOREIGN_STREET = re.compile(
    r"\b(?:via|rue|calle|avenida|rua|strada|ulica|viale|corso|piazza|plaza)\s+$", re.IGNORECASE
)
FOLLOWERS = re.compile(r" ([a-z][a-z']{0,20})(?: ([a-z][a-z']{0,20}))?")
CAPITAL_PREFERENCE = 3
"""Names with a stronger preference for capitals are never everyday words (Maria, John)."""
DETERMINER_BEFORE = re.compile(r"\b(?:the|an?|my|our|your|every|this|that)\s$", re.IGNORECASE)
ABBREVIATED = re.compile(r"([^\W\d_]+)\.\s$")
FREQUENT_SURNAME = 3
"""Frequency class from which an everyday word can stand for somebody called so (Rosa Parks: "Parks")."""


def keeps_dot(word: str) -> bool:
    """Whether a dot behind a word may be its own: initials, titles, suffixes."""
    lists = word_lists()
    low = word.lower()
    return len(word) == 1 or low in lists["titles"] or low in lists["suffixes"] or low == "st"


def names_a_thing(text: str, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether a capitalised span is called after a person, or is a place, a firm or an everyday word."""
    name = text[start:end]
    if FOREIGN_STREET.search(text, max(0, start - 12), start):
        return True
    if _is_firm(name, text[end : end + 2]) or _is_country(text, start, name):
        return True
    if " " in name:
        *_, before, last = name.split(" ")
        if last.islower() and is_person_noun(last) and (lowered(before),) in terms():
            return True  # "Christian doctor"
        index = name.startswith(PLACE_BEFORE) or ENDS_AS_PLACE.search(name) or NAMED_AFTER.match(text, end)
        return bool(index) or describes_people(lowered(last), unlisted=False)
    return _is_no_person(text, start, end, lexicon)


def _is_no_person(text: str, start: int, end: int, lexicon: Lexicon) -> bool:
    """Judge a single word by what stands around it."""
    name = text[start:end]
    if text.endswith(PLACE_BEFORE, max(0, start - 10), start):
        return True
    if name.islower() and is_person_noun(name) and DETERMINER_BEFORE.search(text, max(0, start - 8), start):
        return True
    if THINGS_NAMED_AFTER.match(text, end) or FIRM_BEFORE.search(text, max(0, start - 34), start):
        return True
    low = lowered(name)
    entry = lexicon.get(low, UNKNOWN)
    if entry.first < 2 and low in word_lists()["not_names"]:
        return True
    if name.islower() and entry.common and not text.islower():
        return True  # where people write capitals, a word without one is a word: "they gave chase"
    if _may_be_a_word(entry) and opens_sentence(text, start) and reads_as_word(text, end):
        return True
    return describes_people(low, max(entry.first, entry.last) < FREQUENT_SURNAME)


def _is_country(text: str, start: int, name: str) -> bool:
    """Whether a name is a country's and not somebody's who acts: "Kenya smiled"."""
    low = _as_listed(name)
    if low not in word_lists()["countries"]:
        return False
    if "-" in low or name.islower() or not opens_sentence(text, start):
        return True
    follower = FOLLOWERS.match(text, start + len(name))
    return follower is None or follower.group(1) not in word_lists()["human_verbs"]


def _is_firm(name: str, behind: str) -> bool:
    """Whether a name is a firm's or an illness's own: Morgan Stanley, Denny's, Parkinson's."""
    low, lists = _as_listed(name), word_lists()
    owned = f"{low}{lowered(behind)}"
    ill = owned.rpartition("-")[2] in lists["illnesses"]
    return ill or low in lists["firms"] or owned in lists["firms"]


def _as_listed(name: str) -> str:
    """A name as the lists of countries and firms write it."""
    return lowered(name).replace(" ", "-")


def _may_be_a_word(entry: Entry) -> bool:
    return entry.common or (entry.case is not None and entry.case <= CAPITAL_PREFERENCE)


def opens_sentence(text: str, start: int) -> bool:
    """Whether a word is the first of its sentence."""
    before = text[max(0, start - 3) : start].rstrip(' "“(')
    if before[-1:] == "." and (word := ABBREVIATED.search(text, max(0, start - 14), start)):
        return not keeps_dot(word.group(1))
    return not before or before[-1] in ".!?\n"


def reads_as_word(text: str, end: int) -> bool:
    """Whether the capital of a sentence's first word is the sentence's own: "Frank discussion is welcome".

    A person is followed by a verb, an adverb or a function word; a plural that is also a verb ("eggs") counts
    as a noun where a verb follows it.
    """
    follower = FOLLOWERS.match(text, end)
    if not follower:
        return False
    lists, word, second = word_lists(), follower.group(1), follower.group(2) or ""
    if word in lists["after_names"] or word in lists["finite_verbs"] or word.endswith(("ed", "ly", "ing")):
        return False
    return word not in load_verbs() or second in lists["finite_verbs"] or second.endswith("ed")


@cache
def phrase_words() -> frozenset[str]:
    """Return the longest word of each phrase as tokens may hold it; without it the phrase cannot stand."""
    longest = set(map(_longest_word, word_lists()["phrases"]))
    return frozenset(longest | {word.title() for word in longest} | {word.upper() for word in longest})


def _longest_word(phrase: str) -> str:
    return max(phrase.split("-"), key=len).split("'")[0].strip(",")


@cache
def phrases_with(word: str) -> re.Pattern[str]:
    """Return the phrases of one longest word in which a name names nobody: "for Pete's sake"."""
    listed = sorted((p for p in word_lists()["phrases"] if _longest_word(p) == word), key=len, reverse=True)
    any_of = "|".join(re.escape(phrase.replace("-", " ")).replace("'", "['’]") for phrase in listed)
    return re.compile(rf"\b(?:{any_of})\b", re.IGNORECASE)
