"""Which found names are no person's, as an ordered table of rules over tokens and parts of speech."""

from tasks.pipeline.scrubbing.demographics.lexicon import is_person_noun, terms
from tasks.pipeline.scrubbing.demographics.rules import first_that_holds
from tasks.pipeline.scrubbing.names.candidate import (
    KNOWN_NAME,
    SENTENCE_ENDS,
    Candidate,
    CandidateRule,
    acts,
)
from tasks.pipeline.scrubbing.names.features import entry_of, word_lists
from tasks.pipeline.scrubbing.names.thing_rules import THING_RULES
from tasks.pipeline.scrubbing.tagging.loading import pos_tagger
from tasks.pipeline.scrubbing.tokens import lowered

NOMINAL = frozenset({"NN", "NNS", "NNP", "NNPS", "FW", "GW", "ADD", "XX", "POS"})
PROPER = frozenset({"NNP", "NNPS"})
CONTRACTED = ("'ll", "'ve", "'d", "'re", "n't", "'m")
LONGEST_ACRONYM = 6


def is_person(candidate: Candidate) -> bool:
    """Whether the first rule that holds says so; a candidate that none speaks of is a person."""
    rule = first_that_holds(CANDIDATE_RULES, candidate)
    return rule is None or rule.person


def _is_contraction(c: Candidate) -> bool:
    low = lowered(c.tokens.words[c.last])
    return low.endswith(CONTRACTED) or low in word_lists()["contractions"]


def _is_only_a_title(c: Candidate) -> bool:
    forms = word_lists()["forms_of_address"] | {"and", "or", "&"}
    return all(lowered(word) in forms for word in c.tokens.words[c.first : c.last + 1])


def _is_acronym(c: Candidate) -> bool:
    capitals = c.single and c.word.isupper() and 1 < len(c.word) <= LONGEST_ACRONYM
    return capitals and not c.shouted and c.entry.first < KNOWN_NAME


def _is_in_address(c: Candidate) -> bool:
    """Whether it follows a digit or a slash without a blank: "4Chan", "r/Austin"."""
    return c.touches and (c.before()[0].isdigit() or c.before() in {"/", "_", "#", "-"})


def _is_unnamed_lower_case(c: Candidate) -> bool:
    if not c.single or not c.word[0].islower():
        return False
    titled = c.before() in word_lists()["titles"] or c.before(2) in word_lists()["titles"]
    named = c.tag in PROPER or c.entry.first > 1
    return not titled and (not named or c.entry.common or c.tag not in NOMINAL)


def _is_thing_word(c: Candidate) -> bool:
    """Whether a list holds it, or what stands before its comma, as a firm, product, place or programme."""
    listed = c.single or "," in c.tokens.words[c.first : c.last]
    return listed and c.low in word_lists()["never_people"]


def _is_beside_a_thing(c: Candidate) -> bool:
    """Whether "and", "or" or a comma joins it to a thing: "Java and Ruby"."""
    things, joints = word_lists()["never_people"], {"and", "or", ","}
    if not c.single:
        return False
    if c.before() in joints and c.before(2) in things:
        return True
    unknown = c.entry.common or not (c.entry.first or c.entry.last)
    return unknown and c.after() in joints and lowered(c.after(2)) in things


def _is_numbered(c: Candidate) -> bool:
    """Whether a number follows: "Apollo 18", "Carthage (397)"."""
    bracketed = c.after() == "(" and c.after(2)[0].isdigit()
    return c.single and c.entry.first < KNOWN_NAME + 1 and (c.after()[0].isdigit() or bracketed)


def _has_article(c: Candidate) -> bool:
    """Whether an article stands before a single word: "the Orville", "an iPhone"."""
    article = c.before() in word_lists()["articles"] and c.tag_before in {"DT", "WDT", "PDT", "CD"}
    return c.single and article


def is_family(c: Candidate) -> bool:
    """Whether it is a surname in the plural behind "the": "the Smiths"."""
    low = c.low
    if c.before() != "the" or not low.endswith("s") or not c.word[0].isupper():
        return False
    for stem in (low[:-1], low[:-2] if low.endswith("es") else ""):
        entry = entry_of(stem, c.lexicon) if stem else None
        if entry and entry.last >= KNOWN_NAME and not entry.common and not entry.city:
            return True
    return False


def _has_owner(c: Candidate) -> bool:
    """Whether a possessive stands before a word that is no frequent first name: "my Roomba"."""
    owned = c.single and c.before() in word_lists()["owners"]
    return owned and c.entry.first < KNOWN_NAME


def _is_season(c: Candidate) -> bool:
    """Whether a month or a season is meant, for nobody does anything."""
    return c.single and c.low in word_lists()["calendar"] and not acts(c)


def _is_other_word(c: Candidate) -> bool:
    """Whether an everyday word stands where its part of speech is no name's."""
    certain = c.inside and c.entry.first >= KNOWN_NAME
    return c.single and c.entry.common and c.tag not in PROPER and not certain and not acts(c)


def _is_no_noun(c: Candidate) -> bool:
    unknown = c.entry.first < KNOWN_NAME and not c.inside
    return c.single and c.tag not in NOMINAL and unknown and not acts(c)


def _is_plural(c: Candidate) -> bool:
    plural = c.single and c.low.endswith("s") and c.tag in {"NNS", "NNPS"}
    return plural and c.entry.first < 2 and not is_family(c)


def _describes(c: Candidate) -> bool:
    """Whether it describes the thing behind it: "Futurama episodes", "Burberry coats"."""
    unknown = max(c.entry.first, c.entry.last) < KNOWN_NAME
    if not c.single or not unknown or c.tag_after() not in {"NN", "NNS"}:
        return False
    follower = lowered(c.after())
    return follower not in word_lists()["human_verbs"] and all(
        pos_tagger().leaning(follower, c.tag_after(), verb) > 0 for verb in ("VB", "VBD", "VBZ")
    )


def _is_demographic(c: Candidate) -> bool:
    """Whether it is a demographic term before a noun for people: "my Christian doctor"."""
    return c.single and (c.low,) in terms() and is_person_noun(lowered(c.after()))


def _is_titled(c: Candidate) -> bool:
    """Whether a capitalised title stands before it."""
    lists = word_lists()
    short = c.before() == "." and c.before(2) in lists["strong_titles"]
    if c.written_before == "MS" and not c.shouted:
        return False
    return c.word[0].isupper() and (short or (c.before() in lists["titles"] and c.before_is_capital))


def _is_greeted(c: Candidate) -> bool:
    """Whether a greeting stands before it and a comma behind it: "Hello Bethlehem, ..."."""
    greeted = c.before() in word_lists()["greetings"] and c.before(2) in SENTENCE_ENDS
    return c.single and greeted and c.after() == "," and not c.entry.common


CANDIDATE_RULES = (
    CandidateRule("family", "We met the Smiths.", is_family, True),
    CandidateRule("contraction", "You'll never find it.", _is_contraction, False),
    CandidateRule("demographic term", "My Christian doctor called.", _is_demographic, False),
    CandidateRule("form of address", "Dear Sir or Madam,", _is_only_a_title, False),
    CandidateRule("acronym", "The OP has an MBA.", _is_acronym, False),
    CandidateRule("part of an address", "I read it on 4Chan.", _is_in_address, False),
    CandidateRule("lower case", "the matrix has you", _is_unnamed_lower_case, False),
    CandidateRule("thing", "This is America.", _is_thing_word, False),
    CandidateRule("beside a thing", "Java and Ruby are slow.", _is_beside_a_thing, False),
    CandidateRule("behind a title", "Foreign Minister Timmermans spoke.", _is_titled, True),
    CandidateRule("greeted", "Hello Bethlehem, it has arrived.", _is_greeted, True),
    *THING_RULES,
    CandidateRule("numbered", "We saw Apollo 18.", _is_numbered, False),
    CandidateRule("behind an article", "I love the Orville.", _has_article, False),
    CandidateRule("owned", "My Roomba broke.", _has_owner, False),
    CandidateRule("month or season", "April was cold.", _is_season, False),
    CandidateRule("everyday word", "Short, succinct, and perfect.", _is_other_word, False),
    CandidateRule("no noun", "Dang. That hurt.", _is_no_noun, False),
    CandidateRule("plural", "The Monsantos of this world.", _is_plural, False),
    CandidateRule("describes a thing", "We saw two Juul ads.", _describes, False),
)
"""For each candidate the first rule that holds."""
