"""Rules that tell words for things from names: how a word is built, and what a sentence says of it."""

import re

from tasks.pipeline.scrubbing.demographics.lexicon import is_person_noun
from tasks.pipeline.scrubbing.names.assets import load_things
from tasks.pipeline.scrubbing.names.candidate import (
    KNOWN_NAME,
    RARELY_CAPITAL,
    SENTENCE_ENDS,
    Candidate,
    CandidateRule,
    acts,
)
from tasks.pipeline.scrubbing.names.features import entry_of, shape, word_lists
from tasks.pipeline.scrubbing.tokens import POSSESSIVES, lowered

STRETCHED = re.compile(r"([^\W\d_])\1\1")
INNER_CAPITAL = re.compile(r"[a-z](?=[A-Z])")
SHORTEST_PART = 3
"""Letters of each half of a compound, at least; one more of the second one."""
LONGEST_FIRST_PART = 4
"""Letters before an inner capital from which a name is none: "FilmGob", not "DeShawn"."""
LONGEST_DESCRIPTION = 6
"""Words between "is" and the noun that says what something is."""
SHORTEST_THING = 5
"""Letters of a word that makes a thing of those before it; "Dang Xuan Loc" is somebody."""
NOUNS = frozenset({"NN", "NNS"})
DESCRIBING = frozenset({"DT", "JJ", "JJR", "JJS", "RB", "RBR", "RBS", "PRP$", "NN", "CD", "VBN", "VBG"})
FINITE = frozenset({"VBZ", "VBD", "VBP", "MD"})
BEFORE_TITLE_WORDS = frozenset({"NN", "NNS", "JJ", "NNP", "NNPS"})


def _is_unlisted(c: Candidate) -> bool:
    """Whether it is one word that no list of names holds."""
    return c.single and not (c.entry.first or c.entry.last)


def _is_hardly_a_name(c: Candidate) -> bool:
    """Whether it is one word that is no frequent name."""
    return c.single and max(c.entry.first, c.entry.last) < KNOWN_NAME


def _is_stretched(c: Candidate) -> bool:
    return c.single and STRETCHED.search(c.low) is not None


def _drops_g(c: Candidate) -> bool:
    return _is_unlisted(c) and c.low.endswith("in") and entry_of(c.low + "g", c.lexicon).common


def _has_inner_capital(c: Candidate) -> bool:
    """Whether a word is written as programs and users are: "AlphaM", "FilmGob"."""
    match = INNER_CAPITAL.search(c.word)
    if not match or not _is_unlisted(c):
        return False
    part = c.word[: match.end()].lower()
    everyday = entry_of(part, c.lexicon).common and part not in word_lists()["particles"]
    return (
        len(part) >= LONGEST_FIRST_PART or (everyday and len(part) >= SHORTEST_PART) or c.word[-1].isupper()
    )


def _is_compound(c: Candidate) -> bool:
    """Whether two everyday words make it up: "Spygate", "Skybound"."""
    return _is_unlisted(c) and not acts(c) and _has_everyday_parts(c, c.low)


def _has_everyday_parts(c: Candidate, word: str, shortest: int = SHORTEST_PART) -> bool:
    cuts = range(shortest, len(word) - shortest + 1) if word.isalpha() else ()
    return any(_is_everyday(c, word[:cut]) and _ends_compound(c, word[cut:]) for cut in cuts)


def _is_everyday(c: Candidate, word: str) -> bool:
    return entry_of(word, c.lexicon).common


def _ends_compound(c: Candidate, word: str) -> bool:
    return word in word_lists()["compound_endings"] or (len(word) > SHORTEST_PART and _is_everyday(c, word))


def _is_hyphenated(c: Candidate) -> bool:
    """Whether everyday words stand around a hyphen: "X-Wing", "Spin-off"; "Sang-min" is a name."""
    first, hyphen, rest = c.low.partition("-")
    lists, last = word_lists(), rest.rpartition("-")[2]
    if (
        not c.single
        or not hyphen
        or not _is_everyday(c, last)
        or entry_of(first, c.lexicon).first >= KNOWN_NAME
    ):
        return False
    prefixed = (
        len(first) == 1
        or first in lists["prefixes"]
        or last in lists["prepositions"]
        or last in lists["adverbs"]
    )
    return prefixed or (_is_everyday(c, first) and min(len(first), len(last)) > SHORTEST_PART)


def _is_in_dictionary(c: Candidate) -> bool:
    word = c.low in load_things().words or (c.entry.common and _is_unlisted(c))
    return c.single and word and not acts(c)


def _is_town(c: Candidate) -> bool:
    return c.single and c.low in load_things().towns and not acts(c)


def _is_rank_alone(c: Candidate) -> bool:
    """Whether a capitalised rank stands without a name: "the role of Admiral"."""
    return c.single and c.word[0].isupper() and is_person_noun(c.low) and _is_hardly_a_name(c)


def _is_called_a_thing(c: Candidate) -> bool:
    """Whether a sentence says that it is a thing: "Bohemian Rhapsody is a horrible song"."""
    follower = lowered(c.after())
    explained = follower == "," and lowered(c.after(2)) in word_lists()["articles"]
    is_ = follower in word_lists()["linking"] or (follower in POSSESSIVES and c.tag_after() == "BES")
    if not (is_ or explained):
        return False
    for distance in range(2, LONGEST_DESCRIPTION + 2):
        word, tag = lowered(c.after(distance)), c.tag_after(distance)
        if tag in NOUNS and word in word_lists()["things"]:
            return c.tag_after(distance + 1) not in NOUNS | {"POS"}
        if tag not in DESCRIBING and word != "of":
            return False
    return False


def _is_introduced(c: Candidate) -> bool:
    """Whether a noun before it says that it is a thing: "the song Delilah", "Government of Alberta"."""
    lists = word_lists()
    kind = c.before() in lists["things"] and c.tag_before in NOUNS and c.written_before.islower()
    if kind:
        known = c.entry.first >= KNOWN_NAME and c.single
        return not known and c.tag_after() not in FINITE and lowered(c.after()) not in POSSESSIVES
    return c.before() == "of" and c.before(2) in lists["ruled_by_place"]


def _is_place(c: Candidate) -> bool:
    """Whether somebody is in it, or on the way to it: "in Rosslyn", "a trip to Almonte"."""
    lists = word_lists()
    owns = lowered(c.after()) in POSSESSIVES or c.after() in {"'", "’"}
    if not c.single or not c.word[0].isupper() or owns:
        return False
    if c.before() == "in":
        index = c.entry.first < KNOWN_NAME and c.entry.last < KNOWN_NAME
        return index and c.before(2) not in lists["before_in_people"] and not acts(c)
    if c.before() == "," and c.before(2) in lists["streets"]:
        return True
    moved = c.before() in {"to", "from"} and c.before(2) in lists["ways"]
    return moved and c.entry.first < KNOWN_NAME


def _is_alone(c: Candidate) -> bool:
    """Whether an everyday word is a sentence of its own, as "Nice"."""
    alone = c.before() in SENTENCE_ENDS - {":"} and c.after()[0] in SENTENCE_ENDS
    return alone and c.entry.common and _is_hardly_a_name(c)


def _is_between_adjective_and_noun(c: Candidate) -> bool:
    """Whether it describes a noun as an adjective before it does: "the next great Orlando team"."""
    index = 2 if c.tag_after() == "JJ" else 1
    verb = any(lowered(c.after()) in word_lists()[name] for name in ("finite_verbs", "human_verbs"))
    return c.single and c.inside and c.tag_before == "JJ" and c.tag_after(index) in NOUNS and not verb


def _last_is_no_surname(c: Candidate) -> bool:
    """Whether the last of several words is known, and not as a surname."""
    last = lowered(c.tokens.words[c.last])
    entry = entry_of(last, c.lexicon)
    return not c.single and not entry.last and (entry.common or last in load_things().words)


def _is_team(c: Candidate) -> bool:
    """Whether several words behind "the" end in a plural or a word: "the Justice Democrats"."""
    last = lowered(c.tokens.words[c.last])
    entry = entry_of(last, c.lexicon)
    word = last.endswith("s") or (entry.case is not None and entry.case <= 0)
    rare = word and entry.last < KNOWN_NAME
    return not c.single and c.before() == "the" and (rare or _last_is_no_surname(c))


def _is_of_a_city(c: Candidate) -> bool:
    """Whether a city's name stands before an everyday word: "Dallas Gang"."""
    return c.entry.city and _last_is_no_surname(c)


def _is_made_of_words(c: Candidate) -> bool:
    """Whether several words are all everyday words, or made of two: "Bubble Bass", "Pathfinder Kingmaker"."""
    words = c.tokens.words[c.first : c.last + 1]
    return not c.single and all(_is_word_of_title(c, lowered(word)) for word in words)


def _is_word_of_title(c: Candidate, word: str) -> bool:
    entry, unnamed = entry_of(word, c.lexicon), not (c.entry.first or c.entry.last)
    named = max(entry.first, entry.last) >= KNOWN_NAME
    if named and (not unnamed or entry.first or (entry.case or 0) > RARELY_CAPITAL):
        return False  # behind "Bubble", "Bass" is no surname
    return entry.common or (not entry.last and _has_everyday_parts(c, word, SHORTEST_PART + 1))


def _ends_in_a_thing(c: Candidate) -> bool:
    """Whether a word that is nobody's surname stands behind one that is no first name: "Creed Odyssey"."""
    long = len(c.tokens.words[c.last]) >= SHORTEST_THING and len(c.word) > 1
    return long and not c.entry.first and _last_is_no_surname(c)


def _holds_verb(c: Candidate) -> bool:
    """Whether a verb stands inside several capitalised words: "Lisa Goes West"."""
    return "VBZ" in c.tokens.tags[c.first + 1 : c.last]


def _opens_with_acronym(c: Candidate) -> bool:
    """Whether an acronym stands before an everyday word: "MS Paint"."""
    acronym = c.word.isupper() and 1 < len(c.word) < LONGEST_FIRST_PART and not c.shouted
    return acronym and _last_is_no_surname(c)


def _is_described_as_thing(c: Candidate) -> bool:
    """Whether an adjective of things stands between an owner or article and it: "my favorite Aquaria"."""
    lists = word_lists()
    owned = c.before(2) in lists["owners"] or c.before(2) in lists["articles"]
    return _is_hardly_a_name(c) and owned and c.before() in lists["adjectives_of_things"]


def _is_part_of_title(c: Candidate) -> bool:
    """Whether a capitalised everyday word beside it makes both a title or a firm: "Arkham Origins"."""
    if not c.word[0].isupper():
        return False
    follower = c.after()
    if shape(follower) == "Xx" and c.follows_at_once and _is_title_word(c, follower):
        return c.tag_after() in BEFORE_TITLE_WORDS
    word = c.written_before
    if shape(word) == "Xx" and _is_only_a_place(c, c.before()):
        return c.single and c.entry.first == 0
    beside = shape(word) == "Xx" and _is_title_word(c, word) and c.before(2).isalpha()
    return _is_hardly_a_name(c) and beside and c.tag_before in BEFORE_TITLE_WORDS


def _is_title_of_a_work(c: Candidate) -> bool:
    """Whether "on" and a capitalised everyday noun make a title of it: "Yuri on Ice"."""
    noun = c.after(2)
    if c.after() != "on" or shape(noun) != "Xx" or lowered(noun) in word_lists()["calendar"]:
        return False
    entry = entry_of(lowered(noun), c.lexicon)
    return _is_hardly_a_name(c) and entry.common and max(entry.first, entry.last) < KNOWN_NAME


def _is_only_a_place(c: Candidate, word: str) -> bool:
    entry = entry_of(word, c.lexicon)
    return word in load_things().towns or (entry.city and not (entry.first or entry.last))


def _is_title_word(c: Candidate, word: str) -> bool:
    """Whether a capitalised word is an everyday noun or adjective and nobody's name or title."""
    low, lists = lowered(word), word_lists()
    entry = entry_of(low, c.lexicon)
    if not entry.common or max(entry.first, entry.last) >= KNOWN_NAME or is_person_noun(low):
        return False
    return not any(
        low in lists[name] for name in ("titles", "kin_titles", "not_names", "suffixes", "pronouns")
    )


THING_RULES = (
    CandidateRule("stretched", "Daaang, that hurt.", _is_stretched, False),
    CandidateRule("dropped g", "Holdin on is hard.", _drops_g, False),
    CandidateRule("inner capital", "I use FilmGob.", _has_inner_capital, False),
    CandidateRule("compound", "I remember Spygate.", _is_compound, False),
    CandidateRule("hyphenated", "We saw an old X-Wing.", _is_hyphenated, False),
    CandidateRule("rank alone", "I like the role of Admiral.", _is_rank_alone, False),
    CandidateRule("dictionary word", "I enjoyed Odyssey.", _is_in_dictionary, False),
    CandidateRule("called a thing", "Bohemian Rhapsody is a horrible song.", _is_called_a_thing, False),
    CandidateRule("introduced as a thing", "I like the song Delilah.", _is_introduced, False),
    CandidateRule("sentence of its own", "Nice.", _is_alone, False),
    CandidateRule(
        "between adjective and noun", "He is a great Orlando fan.", _is_between_adjective_and_noun, False
    ),
    CandidateRule("team", "I like the Justice Democrats.", _is_team, False),
    CandidateRule("of a city", "I left Dallas Gang.", _is_of_a_city, False),
    CandidateRule("everyday words", "Bubble Bass should try it.", _is_made_of_words, False),
    CandidateRule("ends in a thing", "I finished Assassins Creed Odyssey.", _ends_in_a_thing, False),
    CandidateRule("sentence as a title", "I saw Lisa Goes West.", _holds_verb, False),
    CandidateRule("acronym and word", "It is MS Paint art.", _opens_with_acronym, False),
    CandidateRule("place", "We stay in Rosslyn.", _is_place, False),
    CandidateRule("town", "Banff was cold.", _is_town, False),
    CandidateRule("thing of its kind", "It is my favorite Aquaria.", _is_described_as_thing, False),
    CandidateRule("title with a noun", "We watched Yuri on Ice.", _is_title_of_a_work, False),
    CandidateRule("part of a title", "I finished Arkham Origins.", _is_part_of_title, False),
)
"""For each candidate that no title and no list speaks of, the first rule that holds."""
