"""Who stands around a demographic term: the people it describes, the group it makes, its sentence."""

from tasks.pipeline.scrubbing.demographics.lexicon import (
    context,
    is_person_noun,
    phrases_by_first_word,
    terms,
)
from tasks.pipeline.scrubbing.demographics.token_view import Reading

LOOK_AHEAD = 6
"""Words between a term and the noun for people that it describes, at most."""
SIGNS_BETWEEN = frozenset({"&", ",", "/"})
GROUP_NOUNS = frozenset({"people", "folks"})
OWNER_SIGNS = frozenset({"'", "’", "'s", "’s"})
DESCRIBING = frozenset({"JJ", "JJR", "JJS", "RB", "VBN", "VBG", "CC", ","})
DETERMINING = frozenset({"DT", "PDT", "PRP$", "POS", "CD"})
SENTENCE_ENDS = frozenset(".!?\n")
SENTENCE_REACH = 20
"""Words on either side that are looked at of a long sentence."""


def is_person(view: Reading, index: int) -> bool:
    """Whether a noun for people, or a name, stands at a place."""
    return is_person_noun(view.at(index)) or index in view.named


def person_ahead(view: Reading, index: int) -> int | None:
    """Return the place of the noun for people, or name, that is reached from `place` through adjectives."""
    stop = min(len(view), index + LOOK_AHEAD)
    while index < stop:
        word = view.words[index]
        if is_person(view, index):
            return index
        phrase = view.phrase_at(index, phrases_by_first_word().get(word, ()))
        if not (
            word in context("adjectives") or word in SIGNS_BETWEEN or phrase or word.endswith("-american")
        ):
            return None
        index += len(phrase) if phrase else 1
    return None


def past_terms(view: Reading, index: int) -> int:
    """Return the place behind a run of further terms."""
    while index < len(view):
        phrase = view.phrase_at(index, phrases_by_first_word().get(view.words[index], ()))
        if not phrase:
            break
        index += len(phrase)
    return index


def is_group_noun(view: Reading, index: int) -> bool:
    """Whether a plural for people stands at a place, and owns or describes nothing."""
    plural = is_person_noun(view.at(index)) and view.tag(index) in {"NNS", "NNPS"}
    whole = view.tag(index + 1) not in {"NN", "NNS", "POS"} and view.at(index + 1) not in OWNER_SIGNS
    return (plural or view.at(index) in GROUP_NOUNS) and whole


def is_determined(view: Reading, index: int) -> bool:
    """Whether an article, an owner or a number stands before the adjectives that end at a place."""
    for place in range(index, index - LOOK_AHEAD, -1):
        term = (view.at(place),) in terms()
        if view.tag(place) in DETERMINING or (view.at(place) in context("determiners") and not term):
            return True
        if view.tag(place) not in DESCRIBING and not term:
            return False
    return False


def speaks_of_people(view: Reading, index: int) -> bool:
    """Whether a personal pronoun, a noun for people or a name stands in the sentence around a place."""
    first = end = index
    while first > max(0, index - SENTENCE_REACH) and view.at(first - 1) not in SENTENCE_ENDS:
        first -= 1
    while end < min(len(view), index + SENTENCE_REACH) and view.at(end) not in SENTENCE_ENDS:
        end += 1
    return any(view.tag(i).startswith("PRP") or is_person(view, i) for i in range(first, end))
