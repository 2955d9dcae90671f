"""Whether a gendered noun means the sex itself, and whether "girl" and "boy" mean children."""

from tasks.pipeline.scrubbing.demographics.lexicon import context, gender_words, neutral_nouns
from tasks.pipeline.scrubbing.demographics.rules import Context

NOUNS = frozenset(neutral_nouns())
MANY_MEN, MANY_WOMEN = gender_words("many_men"), gender_words("many_women")
SEXES = frozenset({"male", "female"})
SEXED = MANY_MEN | MANY_WOMEN
ONE_MAN, ONE_WOMAN = gender_words("one_man"), gender_words("one_woman")
ONE_OF_A_SEX = ONE_MAN | ONE_WOMAN
YOUNG = frozenset({"boys", "girls"})
ALL_OF_A_SEX = SEXED - {"blokes", "dudes", "guys"}
"""Plurals that speak of a sex where no article stands before them; "guys" are people."""
CONTRAST_REACH = 30
"""Words on either side within which the sexes are set against each other."""
OWNERS = frozenset({"DT", "PRP$", "POS", "PDT", "WDT", "WP$", "CD"})
DESCRIBING = frozenset({"JJ", "JJR", "JJS", "VBG", "VBN", "RB", "NN"})
LONGEST_DESCRIPTION = 6
COORDINATORS = frozenset({"and", "or", "&", "/"})
ARTICLES = frozenset({"a", "an"})
QUANTIFIERS = gender_words("quantifiers")
CLOSING_SIGNS = frozenset(".,!?\n;:)\"'")
BEHIND_PREDICATES = frozenset({"CC", "MD", "VBZ", "VBP", "VBD", "VBG", "PRP", "RB", "UH", "NFP"})
"""Parts of speech that go on behind "I am a woman" without a word on which one."""
SENTENCE_ENDS = frozenset(".!?\n")
TIMES = frozenset({"everyday", "today", "tomorrow", "tonight", "yesterday"})
NEGATION_REACH = 8
ADULT_CONTEXTS = gender_words("adult_contexts")
CHILD_CONTEXTS = gender_words("child_contexts")
ADULT_REACH = 6
"""Words on either side of "girl" or "boy" that tell whether an adult is meant."""
YEARS = frozenset({"year", "years", "yo", "yr", "yrs"})
ADULT_AGE = 18


def determiner(context_: Context) -> int:
    """Return the distance to what stands before the noun and its adjectives."""
    distance = -1
    while context_.tag(distance) in DESCRIBING and distance > -LONGEST_DESCRIPTION:
        distance -= 1
    return distance


def is_owned(context_: Context) -> bool:
    """Whether an article, an owner or a number stands before the noun and its adjectives."""
    return context_.tag(determiner(context_)) in OWNERS


def is_joined(context_: Context) -> bool:
    """Whether another gendered noun stands beside it: "boys and girls", "a man or a woman"."""
    joints = COORDINATORS | {","}
    behind = 3 if context_.word(2) in ARTICLES else 2
    before = -3 if context_.word(-1) in ARTICLES else -2
    return (context_.word(1) in joints and context_.word(behind) in NOUNS) or (
        context_.word(before + 1) in joints and context_.word(before) in NOUNS
    )


def is_generic(context_: Context) -> bool:
    """Whether a plural speaks of all of a kind: no article, owner or number stands before it."""
    owned = is_owned(context_) and context_.word(-1) != "that"  # "that" opens a clause before a plural
    return not owned and not is_joined(context_) and context_.word(1) not in {"'", "’", "'s", "’s"}


def is_contrasted(context_: Context) -> bool:
    """Whether a class of people is set against that of the other sex: "What do men have that women lack?"."""
    if (context_.tag(-1) in OWNERS and context_.word(-1) != "that") or is_joined(context_):
        return False
    view, index = context_.view, context_.index
    near = range(max(0, index - CONTRAST_REACH), min(len(view), index + CONTRAST_REACH + 1))
    classes = {view.words[i] for i in near if view.words[i] in SEXED and is_generic(Context(view, i))}
    return not (classes.isdisjoint(MANY_MEN) or classes.isdisjoint(MANY_WOMEN))


def is_asked_which(context_: Context) -> bool:
    """Whether a text asks for the sex: "Is it a boy or a girl?"."""
    for first, second in ((0, 3), (-3, 0)):
        pair = {context_.word(first), context_.word(second)}
        articles = {context_.word(first - 1), context_.word(second - 1)} <= ARTICLES
        if articles and context_.word(first + 1) == "or" and not pair.isdisjoint(ONE_MAN):
            return not pair.isdisjoint(ONE_WOMAN)
    return False


def is_said_of_somebody(context_: Context) -> bool:
    """Whether somebody is said to be of a sex, and nothing more: "speaking as a man", "I'm a woman."."""
    before, copulas = context_.word(-2), context("copulas") | {"as", "hes", "its", "shes", "theyre"}
    if before in {"and", "or"} and context_.word(-4) in ARTICLES:
        before = context_.word(-5)  # "you are a liberal and a woman"
    elif before in {"and", "or"} and context_.tag(-3) in {"CD", "JJ"}:
        before = context_.word(-4)  # "you are 18 and a woman"
    if context_.word(-1) not in ARTICLES | {"no"} or is_joined(context_):
        return False
    if before in SENTENCE_ENDS and context_.word(1) in SENTENCE_ENDS:
        return True
    if before not in copulas:
        return False
    return (
        context_.word(1) in CLOSING_SIGNS | TIMES
        or context_.symbol(1)
        or context_.tag(1) in BEHIND_PREDICATES
    )


def is_anybody(context_: Context) -> bool:
    """Whether nobody certain is meant: "any woman", "never lie to a woman"."""
    place = determiner(context_)
    word, before = context_.word(place), context_.word(place - 1)
    if is_joined(context_) or before in context("copulas") | {"not", "as"}:
        return False
    if word in QUANTIFIERS:
        return True
    return word in {"a", "an", "some"} and (_is_denied(context_, place) or context_.word(2) == "ever")


def _is_denied(context_: Context, distance: int) -> bool:
    """Whether a negation stands before a distance in the same clause."""
    for i in range(distance - 1, distance - NEGATION_REACH, -1):
        word = context_.word(i)
        if word in CLOSING_SIGNS or word in {"and", "but", "that", "who"}:
            return False
        if word in {"never", "ever", "not", "n't", "dont"} or word.endswith("n't"):
            return True
    return False


def is_everybody(context_: Context) -> bool:
    """Whether a plural speaks of all of a sex: "women are paid less", "some women enjoy it"."""
    joined = is_joined(context_) or context_.word(1) in {"'", "’", "'s", "’s"}
    return not joined and (is_generic(context_) or context_.word(determiner(context_)) in QUANTIFIERS)


def is_grown_up(context_: Context) -> bool:
    """Whether "girl", "boy" or a plural of them is about adults, or about nobody of a known age."""
    if (age := _age(context_)) is not None:
        return age >= ADULT_AGE
    near = {context_.word(distance) for distance in range(-ADULT_REACH, ADULT_REACH + 1) if distance}
    if not near.isdisjoint(CHILD_CONTEXTS):
        return False
    if not near.isdisjoint(ADULT_CONTEXTS) or not near.isdisjoint(ONE_OF_A_SEX - {"boy", "girl"}):
        return True
    singular = not context_.word().endswith("s")
    return singular or is_generic(context_) or context_.word(determiner(context_)) in QUANTIFIERS


def _age(context_: Context) -> int | None:
    """Return the age that stands before a noun: "a 14 year old girl"."""
    for distance in range(-ADULT_REACH, -1):
        years = {context_.word(distance + 1), context_.word(distance + 2)}
        if context_.word(distance).isdecimal() and not years.isdisjoint(YEARS):
            return int(context_.word(distance)[:3])
    return None
