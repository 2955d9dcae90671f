"""Which gendered nouns give way to neutral ones, as an ordered table of rules."""

import re

from tasks.pipeline.scrubbing.demographics.lexicon import (
    context,
    gender_words,
    is_person_noun,
    neutral_nouns,
)
from tasks.pipeline.scrubbing.demographics.rules import Context, Rule, always
from tasks.pipeline.scrubbing.names.assets import load_verbs

NEUTRAL = "*"
"""Result of a rule that puts the neutral word of `gender.yaml`."""
NOUNS = frozenset(neutral_nouns())
SEXES = frozenset({"male", "female"})
ADJECTIVAL = gender_words("adjectival_nouns")
CALLED = gender_words("called_out")
"""Singular nouns that need an article or an owner to mean somebody: "man, this is good", "queen bed"."""
GREETINGS = gender_words("before_address")
VOCATIVES = gender_words("vocatives")
TRADES = gender_words("trades")
"""Nouns that make one of "man" with it: "the delivery man"."""
CURSES = gender_words("before_called_out")
UNSTRETCHED = re.compile(r"(\w)\1{2,}")
"""A letter that is written three times or more."""
MANY_MEN, MANY_WOMEN = gender_words("many_men"), gender_words("many_women")
SEXED = MANY_MEN | MANY_WOMEN
CONTRAST_REACH = 30
"""Words on either side within which the sexes are set against each other."""
ALWAYS_CALLED = frozenset({"bro", "dude"})
ADULT_CONTEXTS = gender_words("adult_contexts")
CHILD_CONTEXTS = gender_words("child_contexts")
ADULT_REACH = 6
"""Words on either side of "girl" or "boy" that tell whether an adult is meant."""
THANKS_REACH = 7
"""Words before a vocative within which the thanks stand that it closes."""
FIRST_PERSONS = frozenset({"i", "i'm", "i've", "i'll", "i'd"})
OWNERS = frozenset({"DT", "PRP$", "POS", "PDT", "WDT", "WP$", "CD"})
PROPER = frozenset({"NNP", "NNPS"})
TITLE_NEIGHBOURS = PROPER | {"NN", "NNS", "JJ", "VBG", "VBN", "JJS"}
COMPOUND_HEADS = frozenset({"NN", "NNS"})
COORDINATORS = frozenset({"and", "or", "&", "/"})
SENTENCE_ENDS = frozenset(".!?\n")
CLOSING_SIGNS = frozenset(".,!?\n;:)\"'")


def _in_title(context_: Context) -> bool:
    """Whether a capitalised noun stands in a longer name: "Spice Girls", "Prince of Persia"."""
    if not context_.capitalised() or context_.view.shouted:
        return False
    before, after = context_.word(-1), context_.word(1)
    if after == "of" and context_.capitalised(2):
        return True
    if after == "'s" and context_.capitalised(2) and context_.tag(2) in TITLE_NEIGHBOURS:
        return True
    if context_.capitalised(1) and after not in FIRST_PERSONS and context_.tag(1) in TITLE_NEIGHBOURS:
        return True
    if before in COORDINATORS and context_.capitalised(-2) and context_.tag(-2) in PROPER:
        return True  # "Johnson and Sons"
    beside = context_.capitalised(-1) and context_.tag(-1) in TITLE_NEIGHBOURS
    return beside or (before == "the" and context_.tag() in PROPER)


def _drops(context_: Context) -> bool:
    """Whether a noun only says the sex of the person noun behind it: "a woman doctor"."""
    follower = context_.word(1)
    return is_person_noun(follower) and context_.tag(1) in COMPOUND_HEADS


def _in_compound(context_: Context) -> bool:
    """Whether another noun follows that it describes: "queen bed", "dad jokes"."""
    follower = context_.word(1)
    if context_.tag(1) not in COMPOUND_HEADS or not follower.isalpha() or follower in NOUNS:
        return False
    return follower not in load_verbs() or not _is_owned(context_)


def _is_owned(context_: Context) -> bool:
    """Whether an article, an owner or a number stands before the noun and its adjectives."""
    index, view = context_.index - 1, context_.view
    while view.tag(index) in {"JJ", "JJR", "JJS", "VBG", "VBN", "RB", "NN"} and index > context_.index - 6:
        index -= 1
    return view.tag(index) in OWNERS


def _is_called(context_: Context) -> bool:
    """Whether nobody is meant: no article, owner or adjective stands before the noun."""
    before = context_.word(-1)
    if before in GREETINGS or before in SENTENCE_ENDS:
        return True
    if UNSTRETCHED.sub(r"\1", before) in CURSES and not _is_owned(context_):
        return True
    if before in COORDINATORS and context_.word(-2) in NOUNS:
        return _is_called(Context(context_.view, context_.index - 2))
    return context_.tag(-1) not in OWNERS | {"JJ", "JJR", "JJS", "NN", "NNP", "VBG", "VBN"}


def _is_vocative(context_: Context) -> bool:
    """Whether somebody is spoken to at the end of a clause: "great work brother!", "it's all good man"."""
    if context_.word(1) not in CLOSING_SIGNS:
        return False
    before, neighbour = context_.tag(-1), context_.word(-1)
    if neighbour in {",", "you"} or _is_thanked(context_):
        return True
    if neighbour == "my" and context_.word() == "dude":
        return True
    if context_.word() == "man" and before == "NN":
        return neighbour not in TRADES and not is_person_noun(neighbour)
    if context_.word() in ALWAYS_CALLED and before in {"NN", "NNS", "RB", "RP", "IN", "JJ", "VBN", "PRP"}:
        return before == "NN" or context_.word(-2) == "all" or not _is_owned(context_)
    return before in {"JJ", "VBN", "NN"} and (context_.word(-2) == "all" or not _is_owned(context_))


def _is_thanked(context_: Context) -> bool:
    """Whether thanks open the sentence that the noun closes: "Thanks for the laugh man."."""
    for distance in range(2, THANKS_REACH):
        word = context_.word(-distance)
        if word in {".", "!", "?", "\n"}:
            return False
        if word in {"thanks", "thank"}:
            return context_.word(1 - distance) in {"for", "you"}
    return False


def _is_joined(context_: Context) -> bool:
    """Whether another gendered noun stands beside it: "boys and girls"."""
    behind = context_.word(1) in COORDINATORS and context_.word(2) in NOUNS
    return behind or (context_.word(-1) in COORDINATORS and context_.word(-2) in NOUNS)


def _is_generic(context_: Context) -> bool:
    """Whether a plural speaks of all of a kind: no article, owner or number stands before it."""
    owned = _is_owned(context_) and context_.word(-1) != "that"  # "that" opens a clause before a plural
    return not owned and not _is_joined(context_) and context_.word(1) not in {"'", "’"}


def _is_contrasted(context_: Context) -> bool:
    """Whether a class of people is set against that of the other sex: "What do men have that women lack?"."""
    if (context_.tag(-1) in OWNERS and context_.word(-1) != "that") or _is_joined(context_):
        return False
    view, index = context_.view, context_.index
    near = range(max(0, index - CONTRAST_REACH), min(len(view), index + CONTRAST_REACH + 1))
    classes = {view.words[i] for i in near if view.words[i] in SEXED and _is_generic(Context(view, i))}
    return not (classes.isdisjoint(MANY_MEN) or classes.isdisjoint(MANY_WOMEN))


def _is_grown_up(context_: Context) -> bool:
    """Whether a word near "girl" or "boy" is about adults: "girls who are hot"."""
    near = {context_.word(distance) for distance in range(-ADULT_REACH, ADULT_REACH + 1)}
    if not near.isdisjoint(CHILD_CONTEXTS):
        return False
    return not near.isdisjoint(ADULT_CONTEXTS) or (context_.word().endswith("s") and _is_generic(context_))


def _is_addressed(context_: Context) -> bool:
    """Whether a group is spoken to: "thanks guys", "you guys"."""
    opens = context_.word(-1) in {",", "\n", ".", "!", "?"}
    called = opens and (context_.word(1) in CLOSING_SIGNS or context_.word(1) == "you")
    return context_.word(-1) in GREETINGS or called


def _before_noun(context_: Context) -> bool:
    follower = context_.word(1)
    if follower in COORDINATORS:
        return context_.word(2) in SEXES and _before_noun(Context(context_.view, context_.index + 2))
    return is_person_noun(follower) or follower in context("adjectives")


def _of_thing(context_: Context) -> bool:
    follower = context_.word(1)
    return (
        context_.tag(1) in COMPOUND_HEADS and follower not in context("closed_class") and follower.isalpha()
    )


NOUN_RULES = (
    Rule("sex before a person", "a female nurse -> a nurse", SEXES, _before_noun, ""),
    Rule("sex of a thing", "a male plug -> a male plug", SEXES, _of_thing, None),
    Rule("noun before a person", "a woman doctor -> a doctor", ADJECTIVAL, _drops, ""),
    Rule("part of a title", "the Spice Girls -> the Spice Girls", NOUNS, _in_title, None),
    Rule("part of a compound", "a queen bed -> a queen bed", NOUNS, _in_compound, None),
    Rule("called out", "Man, this is good. -> Man, this is good.", CALLED, _is_called, None),
    Rule("vocative", "Great work brother! -> Great work brother!", VOCATIVES, _is_vocative, None),
    Rule(
        "sexes contrasted",
        "Men earn more than women. -> Men earn more than women.",
        SEXED,
        _is_contrasted,
        None,
    ),
    Rule("group addressed", "Thanks guys! -> Thanks guys!", frozenset({"guys"}), _is_addressed, None),
    Rule(
        "girl or boy of age",
        "I date a girl. -> I date a person.",
        frozenset({"girl", "boy"}),
        _is_grown_up,
        "person",
    ),
    Rule(
        "girls or boys of age",
        "Girls who are hot dance. -> People who are hot dance.",
        frozenset({"girls", "boys"}),
        _is_grown_up,
        "people",
    ),
    Rule("gendered noun", "My mother is a waitress. -> My parent is a server.", NOUNS, always, NEUTRAL),
)
"""For each gendered noun the first rule that holds."""
