"""Which gendered nouns give way to neutral ones, as an ordered table of rules."""

import re

from tasks.pipeline.scrubbing.demographics.lexicon import (
    context,
    gender_words,
    is_person_noun,
    neutral_nouns,
)
from tasks.pipeline.scrubbing.demographics.rules import Context, Rule, always
from tasks.pipeline.scrubbing.demographics.sexes import (
    ALL_OF_A_SEX,
    CLOSING_SIGNS,
    COORDINATORS,
    NOUNS,
    ONE_OF_A_SEX,
    OWNERS,
    SEXED,
    SEXES,
    TIMES,
    YOUNG,
    is_anybody,
    is_asked_which,
    is_contrasted,
    is_everybody,
    is_grown_up,
    is_owned,
    is_said_of_somebody,
)
from tasks.pipeline.scrubbing.names.assets import load_verbs
from tasks.pipeline.scrubbing.names.features import word_lists

SEX = "of a given gender"
MODIFIERS = frozenset({"JJ", "JJR", "JJS", "NN", "NNP", "VBG", "VBN"})
"""Parts of speech before a word for kin that make it a noun: "the good dad", "the stay-at-home mom"."""
NEUTRAL = "*"
"""Result of a rule that puts the neutral word of `gender.yaml`."""
ADJECTIVAL = gender_words("adjectival_nouns")
CALLED = gender_words("called_out")
"""Singular nouns that need an article or an owner to mean somebody: "man, this is good", "queen bed"."""
GREETINGS = gender_words("before_address")
BEFORE_GROUPS = GREETINGS | gender_words("before_group")
VOCATIVES = gender_words("vocatives")
PARENTS = frozenset(noun for noun, word in neutral_nouns().items() if word == "parent")
GRANDPARENTS = frozenset(noun for noun, word in neutral_nouns().items() if word == "grandparent")
KIN = PARENTS | GRANDPARENTS
TRADES = gender_words("trades")
"""Nouns that make one of "man" with it: "the delivery man"."""
CURSES = gender_words("before_called_out")
UNSTRETCHED = re.compile(r"(\w)\1{2,}")
"""A letter that is written three times or more."""
ALWAYS_CALLED = frozenset({"bro", "dude"})
THANKS_REACH = 7
"""Words before a vocative within which the thanks stand that it closes."""
FIRST_PERSONS = frozenset({"i", "i'm", "i've", "i'll", "i'd"})
PROPER = frozenset({"NNP", "NNPS"})
TITLE_NEIGHBOURS = PROPER | {"NN", "NNS", "JJ", "VBG", "VBN", "JJS"}
COMPOUND_HEADS = frozenset({"NN", "NNS"})
SENTENCE_ENDS = frozenset(".!?\n")
BEHIND_VOCATIVES = frozenset({"i", "i'm", "lol", "you", "your"})
"""Words that open the clause behind a vocative without a comma: "this is so good man i feel at home"."""
OBJECTS = frozenset({"it", "me", "us"})
"""Pronouns behind which a bare noun speaks to somebody: "love it sister"."""


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
    if context_.tag(1) not in COMPOUND_HEADS or not follower.isalpha() or follower in NOUNS | TIMES:
        return False
    past = follower in word_lists()["finite_verbs"] and not context_.view.shouted
    verb = past or follower in load_verbs()
    return not (verb and is_owned(context_))  # "My aunt spat."


def _is_called(context_: Context) -> bool:
    """Whether nobody is meant: no article, owner or adjective stands before the noun."""
    before = context_.word(-1)
    if before in SENTENCE_ENDS or (before in GREETINGS and not context_.word(-2).isdecimal()):
        return True
    if UNSTRETCHED.sub(r"\1", before) in CURSES | word_lists()["interjections"] and not is_owned(context_):
        return True
    if before in COORDINATORS and context_.word(-2) in NOUNS:
        return _is_called(Context(context_.view, context_.index - 2))
    return context_.tag(-1) not in OWNERS | {"JJ", "JJR", "JJS", "NN", "NNP", "VBG", "VBN"}


def _is_vocative(context_: Context) -> bool:
    """Whether somebody is spoken to at the end of a clause: "great work brother!", "it's all good man"."""
    follower = context_.word(1)
    if follower not in CLOSING_SIGNS | BEHIND_VOCATIVES and not context_.symbol(1):
        return False
    before, neighbour = context_.tag(-1), context_.word(-1)
    if neighbour in {",", "you"} or _is_thanked(context_) or _is_my_man(context_):
        return True
    if neighbour == "same" and context_.word() in ALWAYS_CALLED:
        return True
    if neighbour in OBJECTS or (neighbour, context_.word(-2)) == ("that", "hear"):
        return True
    if neighbour == "one" and context_.tag(-2) == "JJ":
        return True
    if context_.word() == "man" and before == "NN":
        return neighbour not in TRADES and not is_person_noun(neighbour)
    if context_.word() in ALWAYS_CALLED and before in {"NN", "NNS", "RB", "RP", "IN", "JJ", "VBN", "PRP"}:
        return before == "NN" or context_.word(-2) == "all" or not is_owned(context_)
    return before in {"JJ", "VBN", "NN"} and (context_.word(-2) == "all" or not is_owned(context_))


def _is_my_man(context_: Context) -> bool:
    """Whether "my man" stands where no verb or preposition governs it: "not bad my man"."""
    if context_.word() not in {"dude", "man"}:
        return False
    if context_.word() == "dude" or context_.word(-1) == "good":
        return "my" in {context_.word(-1), context_.word(-2)}
    return context_.word(-1) == "my" and context_.tag(-2)[:2] not in {"IN", "TO", "VB"}


def _is_thanked(context_: Context) -> bool:
    """Whether thanks open the sentence that the noun closes: "Thanks for the laugh man."."""
    for distance in range(2, THANKS_REACH):
        word = context_.word(-distance)
        if word in {".", "!", "?", "\n"}:
            return False
        if word in {"thanks", "thank"}:
            return context_.word(1 - distance) in {"for", "you"}
    return False


def _is_addressed(context_: Context) -> bool:
    """Whether a group is spoken to: "thanks guys", "you guys"."""
    opens = context_.word(-1) in {",", "\n", ".", "!", "?"}
    called = opens and (context_.word(1) in CLOSING_SIGNS or context_.word(1) == "you")
    return called or context_.word(-1) in GREETINGS | word_lists()["interjections"]


def _is_group_called(context_: Context) -> bool:
    """Whether all who listen are spoken to by their sex: "Good job boys!", "Sorry ladies."."""
    closes = context_.word(1) in CLOSING_SIGNS - {"'"}
    opened = context_.word(-1) in BEFORE_GROUPS | word_lists()["interjections"]
    return closes and opened and context_.tag(-1) != "IN" and not is_owned(context_)


def _is_masked(context_: Context) -> bool:
    """Whether an asterisk makes it the end of another word: "F*king"."""
    return context_.word(-1) == "*" and context_.touches() and context_.touches(-1)


def _is_predicate(context_: Context) -> bool:
    """Whether a sex stands as an adjective without a noun: "she is female", "assigned female at birth"."""
    return not is_owned(context_) and context_.tag(-1) not in {"JJ", "NN", "NNP", "IN"}


def _are_all_children(context_: Context) -> bool:
    return is_everybody(context_) and not is_grown_up(context_)


def _is_kin_called(context_: Context) -> bool:
    """Whether a word for kin speaks to somebody: "Thanks grandma", "Grandma, the war is over"."""
    before, opens = context_.word(-1), context_.word(-1) in SENTENCE_ENDS | {'"', "“"}
    greeted = before in GREETINGS | CURSES | word_lists()["interjections"] | {"alright"}
    return greeted or (opens and context_.word(1) in {",", "!"})


def _is_kin_named(context_: Context) -> bool:
    """Whether a word for kin stands as a name does: "Dad had a heart attack"."""
    bare = context_.word(-1) != "]" and context_.tag(-1) not in OWNERS | MODIFIERS
    return bare and context_.tag(1) in {"VBD", "VBZ", "MD", "BES"}


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
    Rule("sex as predicate", "She is female. -> She is of a given gender.", SEXES, _is_predicate, SEX),
    Rule("noun before a person", "a woman doctor -> a doctor", ADJECTIVAL, _drops, ""),
    Rule("end of another word", "F*king cold! -> F*king cold!", NOUNS, _is_masked, None),
    Rule("part of a title", "the Spice Girls -> the Spice Girls", NOUNS, _in_title, None),
    Rule("part of a compound", "a queen bed -> a queen bed", NOUNS, _in_compound, None),
    Rule("called out", "Man, this is good. -> Man, this is good.", CALLED, _is_called, None),
    Rule("vocative", "Great work brother! -> Great work brother!", VOCATIVES, _is_vocative, None),
    Rule(
        "sexes contrasted",
        "Men earn more than women. -> Men earn more than women.",
        SEXED,
        is_contrasted,
        None,
    ),
    Rule("group addressed", "Thanks guys! -> Thanks guys!", frozenset({"guys"}), _is_addressed, None),
    Rule(
        "all who listen",
        "Good job boys! -> Good job everyone!",
        ALL_OF_A_SEX,
        _is_group_called,
        "everyone",
    ),
    Rule(
        "asked which",
        "Is it a boy or a girl? -> Is it a boy or a girl?",
        ONE_OF_A_SEX,
        is_asked_which,
        None,
    ),
    Rule(
        "said of somebody",
        "I speak as a man. -> I speak as a person of a given gender.",
        ONE_OF_A_SEX,
        is_said_of_somebody,
        f"person {SEX}",
    ),
    Rule(
        "nobody certain",
        "Never lie to a woman. -> Never lie to a person of a given gender.",
        ONE_OF_A_SEX,
        is_anybody,
        f"person {SEX}",
    ),
    Rule(
        "all children of a sex",
        "Little girls are loud. -> Little children of a given gender are loud.",
        YOUNG,
        _are_all_children,
        f"children {SEX}",
    ),
    Rule(
        "all of a sex",
        "Women are paid less. -> People of a given gender are paid less.",
        ALL_OF_A_SEX,
        is_everybody,
        f"people {SEX}",
    ),
    Rule(
        "girl or boy of age",
        "I know that girl. -> I know that person.",
        frozenset({"girl", "boy"}),
        is_grown_up,
        "person",
    ),
    Rule(
        "girls or boys of age",
        "The girls who are hot dance. -> The people who are hot dance.",
        frozenset({"girls", "boys"}),
        is_grown_up,
        "people",
    ),
    Rule("kin called", "Thanks grandma! -> Thanks grandma!", KIN, _is_kin_called, None),
    Rule("parent named", "Dad left. -> My parent left.", PARENTS, _is_kin_named, "my parent"),
    Rule(
        "grandparent named",
        "Grandma left. -> My grandparent left.",
        GRANDPARENTS,
        _is_kin_named,
        "my grandparent",
    ),
    Rule("gendered noun", "My mother is a waitress. -> My parent is a server.", NOUNS, always, NEUTRAL),
)
"""For each gendered noun the first rule that holds."""
