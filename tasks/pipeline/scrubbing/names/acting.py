"""Names that open a sentence and are given away by what they did."""

from tasks.pipeline.scrubbing.names.assets import load_weights
from tasks.pipeline.scrubbing.names.candidate import CAPITAL_CASE, KNOWN_NAME, Candidate
from tasks.pipeline.scrubbing.names.candidates import PROPER
from tasks.pipeline.scrubbing.names.features import group_of, name_likeness, shape, word_lists
from tasks.pipeline.scrubbing.names.thing_rules import NOUNS, STRETCHED
from tasks.pipeline.scrubbing.tokens import lowered

LIKE_A_NAME = 2
"""Likeness of spelling, see `name_likeness`, from which an unknown word is a name."""
PAST = frozenset({"VBD", "VBN"})
REACH = 4
"""Words behind a name within which a modal verb comes to its verb: "should not have said"."""


def acted(c: Candidate) -> bool:
    """Whether a first name, or an unknown word spelled like a name, opens a sentence before what it did."""
    lists, verb = word_lists(), lowered(c.after())
    modal = c.tag_after() == "MD"
    past = verb not in lists["auxiliaries"] and (c.tag_after() in PAST or verb in lists["finite_verbs"])
    described = c.tag_after() == "VBN" and c.tag_after(2) in NOUNS | {"NNP"}  # "Hawaiian shaved ice"
    if (
        not (modal or past)
        or described
        or c.after(2) == "its"
        or not c.opens_sentence
        or shape(c.word) != "Xx"
        or c.tag not in PROPER
    ):
        return False
    if any(c.low in lists[name] for name in ("never_people", "countries", "interjections", "calendar")):
        return False
    if group_of(c.low, c.entry) == "-" and not _is_seen_small(c):
        return c.entry.first > 0 or (past and _is_spelled_like_a_name(c))
    return c.entry.first > 1 and _acts_like_a_person(c, verb, modal)


def _is_spelled_like_a_name(c: Candidate) -> bool:
    """Whether a word of which nothing is known is spelled like a name: "Haruka", not "Aaaand" or "Y'all"."""
    if c.entry.last or not c.word.isalpha() or STRETCHED.search(c.low):
        return False
    return name_likeness(c.low, load_weights().letters) >= LIKE_A_NAME


def _acts_like_a_person(c: Candidate, verb: str, modal: bool) -> bool:
    """Whether a name that is also a place or a word does what neither does."""
    lists = word_lists()
    if c.entry.common and (c.entry.case or 0) < 0:  # "Hope kept me alive"
        return False
    if modal:
        coming = {lowered(c.after(distance)) for distance in range(2, REACH + 1)}
        return not coming.isdisjoint(lists["human_verbs"] | lists["verbs_of_speech"])
    involves = c.tag_after(2) in {"PRP", "VBG"} or c.after(2) == "home"
    known = c.entry.first >= KNOWN_NAME and not _is_seen_small(c) and verb not in lists["verbs_of_places"]
    return involves or known or verb in lists["human_verbs"]


def _is_seen_small(c: Candidate) -> bool:
    """Whether a word is also written small now and then: "at dawn", "ivy on the wall"."""
    return c.entry.case is not None and c.entry.case < CAPITAL_CASE
