"""Which demographic terms describe people, and how they stand in their sentence: an ordered table of rules.

A term counts when a noun for people (or a name) follows it through adjectives, when it is the predicate of a
person, when it stands behind one ("in a wheelchair"), or when it is itself a noun for people.
"""

from functools import cache

from tasks.config import DemographicCategory as Category
from tasks.config import Scope
from tasks.pipeline.scrubbing.demographics.lexicon import (
    Term,
    context,
    is_person_noun,
)
from tasks.pipeline.scrubbing.demographics.term_context import SENTENCE_SIGNS, Role, TermContext, TermRule
from tasks.pipeline.scrubbing.demographics.term_neighbours import (
    GROUP_NOUNS,
    is_determined,
    is_group_noun,
    is_person,
    past_terms,
    person_ahead,
    speaks_of_people,
)

JOINERS = frozenset({"and", "or"})
OF_ORIGIN = frozenset({Category.nationality, Category.religion, Category.race})
UNMISTAKABLE = frozenset({Category.orientation, Category.disability, Category.minority})
CONDITIONS = frozenset({Category.disability, Category.orientation})
TRAITS = frozenset(Category) - OF_ORIGIN
ABSTRACT, COMPLEMENT, SINGULAR, PLURAL, EITHER = (
    frozenset({kind}) for kind in ("abstract", "complement", "singular", "plural", "either")
)
ADJECTIVES = frozenset({"either", "adjective", "abstract", "complement"})
FINITE_PLURAL = frozenset({"VBP", "VBD", "MD"})


@cache
def rules_about(term: Term) -> tuple[TermRule, ...]:
    """Return the rules that are about a kind and a category of terms, in order."""
    kind, category = term.kind, term.category
    return tuple(
        rule
        for rule in TERM_RULES
        if (rule.kinds is None or kind in rule.kinds)
        and (rule.categories is None or category in rule.categories)
    )


def _is_copula(word: str) -> bool:
    return word in context("copulas")


def _abstract_of_person(c: TermContext) -> bool:
    return is_person_noun(c.after)


def _said_of_thing(c: TermContext) -> bool:
    return c.before in {"a", "an"} and _is_copula(c.before2)


def _of_nobody(c: TermContext) -> bool:
    """Whether its sentence is about the condition itself."""
    return not speaks_of_people(c.view, c.first)


def _complement_of_copula(c: TermContext) -> bool:
    return _is_copula(c.before)


def _complement_of_person(c: TermContext) -> bool:
    called = c.last is not None and c.last.end == c.view.tokens.ends[c.first - 1]
    return called or c.before in context("somebody") or is_person(c.view, c.first - 1)


def _always(_: TermContext) -> bool:
    return True


def _singular_of_thing(c: TermContext) -> bool:
    if c.after == "/" and c.view.tag(c.end + 2) in {"NN", "NNS"}:
        return True
    alone = c.word in context("nouns_at_the_end") and c.end == c.first + 1
    compound = (
        c.view.tag(c.end - 1) in {"NN", "JJ"} and c.view.tag(c.end) == "NN" and not is_person_noun(c.after)
    )
    return (alone or compound) and not c.closes


def _plural_of_things(c: TermContext) -> bool:
    if c.word in context("colours_of_things"):
        return c.after == "of" or not (c.closes or c.view.capitalised(c.first))
    return c.word == "seniors" and not c.closes


def _is_group(c: TermContext) -> bool:
    """Whether it makes a group that a text is about, and none of certain people."""
    alone = c.term.kind == "plural" or c.view.words[c.end - 1] in GROUP_NOUNS
    described = is_group_noun(c.view, c.end) and _before_person(c)
    return (alone or described) and not is_determined(c.view, c.first - 1)


def _before_person(c: TermContext) -> bool:
    ahead = person_ahead(c.view, c.end)
    if ahead is None:
        shared = context("shared_by_origin")
        of_origin = c.term.category in {Category.nationality, Category.religion}
        return of_origin and c.view.at(past_terms(c.view, c.end)) in shared
    person = c.view.words[ahead]
    if c.word == "old" and person in context("old_ties"):
        return False
    if c.word in context("seniority") and person not in context("senior_people"):
        return False
    if c.after not in JOINERS:
        return True
    opens = any(
        c.before in words for words in (context("determiners"), SENTENCE_SIGNS, context("closed_class"))
    )
    return ahead - c.end <= 3 and opens


def _of_origin(c: TermContext) -> bool:
    """Whether a nationality, religion or race closes its phrase and is no language."""
    language = c.word in context("languages") and c.before in context("language_verbs")
    return c.closes and not language


def _behind_copula(c: TermContext) -> bool:
    return _is_copula(c.before) or (c.before in context("origin_degrees") and _is_copula(c.before2))


def _origin_noun(c: TermContext) -> bool:
    barely = c.view.tag(c.first - 2) == "RB" and _is_copula(c.view.at(c.first - 3))
    return _of_origin(c) and (barely or _behind_copula(c)) and c.before in {"a", "an", "devout"}


def _origin_predicate(c: TermContext) -> bool:
    if not _of_origin(c) or not _behind_copula(c):
        return False
    subject = c.first - 2 if _is_copula(c.before) else c.first - 3
    sure = not c.ambiguous or c.before in context("subject_contractions")
    return sure or c.view.at(subject) in context("subjects") or is_person(c.view, subject)


def _origin_collective(c: TermContext) -> bool:
    if c.before != "the" or c.ambiguous:
        return False
    verb = c.after in context("collective_followers") or c.view.tag(c.end) in FINITE_PLURAL
    return verb and c.word not in context("rather_languages")


def _origin_no_noun(c: TermContext) -> bool:
    return _origin_article(c) and c.word in context("never_a_person")


def _origin_article(c: TermContext) -> bool:
    return _of_origin(c) and c.before in context("one_of_origin")


def _identified(c: TermContext) -> bool:
    as_ = c.before == "as" and c.before2 in context("identifying")
    return _of_origin(c) and (c.before == "raised" or as_)


def _listed(c: TermContext) -> bool:
    if not _of_origin(c) or c.last is None or c.last.category is not c.term.category:
        return False
    near = c.last.end >= c.view.span(c.first - 1, c.first)[0] - 2
    return near and c.before in {",", "and", "or"}


def _trait_predicate(c: TermContext) -> bool:
    if not c.closes or not _is_predicate(c):
        return False
    contracted = {c.before, c.before2} & context("subject_contractions")
    subject = c.first - 2 if _is_copula(c.before) else c.first - 3
    known = c.view.at(subject) in context("subjects") or is_person(c.view, subject)
    return not c.ambiguous or bool(contracted) or known


def _is_predicate(c: TermContext) -> bool:
    if _is_copula(c.before):
        return True
    if c.before in context("degrees") and (_is_copula(c.before2) or c.before2 in {"out", "came"}):
        return True
    happens = c.view.at(c.first - 3) in {"happen", "happens", "happened"}
    return c.before == "be" and c.before2 == "to" and happens


def _one_of_group(c: TermContext) -> bool:
    return c.closes and not c.ambiguous and c.before in context("one_of_origin")


def _is_named(c: TermContext) -> bool:
    return c.closes and c.before in context("naming")


def _came_out(c: TermContext) -> bool:
    return c.closes and c.before == "as" and c.before2 == "out"


def _trait_collective(c: TermContext) -> bool:
    followed = c.after in context("collective_verbs") | {",", "."}
    return c.closes and c.before == "the" and c.word in context("collectives") and followed


def _trait_noun(c: TermContext) -> bool:
    return c.closes and not c.ambiguous


def _unmistakable(c: TermContext) -> bool:
    return not c.ambiguous


def _any_thing(c: TermContext) -> bool:
    return not c.ambiguous and c.scope is Scope.all


TERM_RULES = (
    TermRule("condition before a person", "my autism son", _abstract_of_person, Role.attribute, ABSTRACT),
    TermRule("condition of a thing", "Shyness isn't a disability.", _said_of_thing, None, ABSTRACT),
    TermRule("condition of nobody", "Is autism a disease?", _of_nobody, None, ABSTRACT, CONDITIONS),
    TermRule("condition or religion", "They study Islam.", _always, Role.abstract, ABSTRACT),
    TermRule(
        "complement as predicate",
        "She is in a wheelchair.",
        _complement_of_copula,
        Role.predicate,
        COMPLEMENT,
    ),
    TermRule(
        "complement of a person", "a man in a wheelchair", _complement_of_person, Role.attribute, COMPLEMENT
    ),
    TermRule("complement of a thing", "the ghost in a wheelchair", _always, None, COMPLEMENT),
    TermRule("noun before a thing", "a minority stake", _singular_of_thing, None, SINGULAR),
    TermRule("said of one", "I am a Jew.", _origin_noun, Role.member, SINGULAR),
    TermRule("one person", "a Jew", _always, Role.person, SINGULAR),
    TermRule("colours and classes", "the whites of two eggs", _plural_of_things, None, PLURAL),
    TermRule("group", "They fear old people.", _is_group, Role.members),
    TermRule("several people", "Many Germans disagreed.", _always, Role.people, PLURAL),
    TermRule("before a person", "a young Nigerian engineer", _before_person, Role.attribute),
    TermRule("origin as noun", "She is a German.", _origin_noun, Role.member, None, OF_ORIGIN),
    TermRule("origin as predicate", "He is Jewish.", _origin_predicate, Role.predicate, None, OF_ORIGIN),
    TermRule("origin of a people", "The French know food.", _origin_collective, Role.people, None, OF_ORIGIN),
    TermRule("origin that is no noun", "a French.", _origin_no_noun, None, EITHER, OF_ORIGIN),
    TermRule("origin behind an article", "I met a German.", _origin_article, Role.person, EITHER, OF_ORIGIN),
    TermRule("identified", "They identify as Hindu.", _identified, Role.predicate, None, OF_ORIGIN),
    TermRule("listed", "They are Sikh or Hindu.", _listed, Role.predicate, None, OF_ORIGIN),
    TermRule("named as a word", "This means bisexual.", _is_named, None, None, TRAITS),
    TermRule("one of a group", "I, a homosexual, agree.", _one_of_group, Role.member, EITHER, TRAITS),
    TermRule("trait as predicate", "She is deaf.", _trait_predicate, Role.predicate, ADJECTIVES, TRAITS),
    TermRule("came out", "He came out as gay.", _came_out, Role.predicate, ADJECTIVES, TRAITS),
    TermRule("trait of a group", "the elderly are", _trait_collective, Role.people, ADJECTIVES, TRAITS),
    TermRule("trait", "transgender and proud", _trait_noun, Role.predicate, EITHER, TRAITS),
    TermRule("trait before a thing", "a queer bookshop", _unmistakable, Role.attribute, None, UNMISTAKABLE),
    TermRule("scope of all things", "Mexican food", _any_thing, Role.attribute),
)
"""For each term the first rule that holds; where none does, it stays."""
