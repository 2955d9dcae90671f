"""Finds the verbs that agree with "he" or "she", by parts of speech: "she sings and dances"."""

from collections.abc import Iterator
from typing import NamedTuple

from tasks.pipeline.scrubbing.demographics.lexicon import gender_words
from tasks.pipeline.scrubbing.demographics.token_view import Reading
from tasks.pipeline.scrubbing.names.assets import load_verbs


class Verb(NamedTuple):
    """A verb that must change."""

    position: int
    text: str
    """Its form behind "they"."""
    rule: str


class VerbRule(NamedTuple):
    """One way in which a verb belongs to its subject."""

    name: str
    example: str


CONTRACTION = VerbRule("contraction", "She's broken it. -> They've broken it.")
QUESTION_CONTRACTION = VerbRule("question contraction", "Where's he going? -> Where are they going?")
QUESTION = VerbRule("question", "Does she know? -> Do they know?")
VERB = VerbRule("verb", "He never asks. -> They never ask.")
SHARED_SUBJECT = VerbRule("shared subject", "She sings and dances. -> They sing and dance.")
VERB_RULES = (CONTRACTION, QUESTION_CONTRACTION, QUESTION, VERB, SHARED_SUBJECT)
"""Where a verb of "he" or "she" stands."""
IRREGULAR = {
    "is": "are",
    "was": "were",
    "has": "have",
    "does": "do",
    "goes": "go",
    "isn't": "aren't",
    "wasn't": "weren't",
    "hasn't": "haven't",
    "doesn't": "don't",
    "isnt": "arent",
    "wasnt": "werent",
    "hasnt": "havent",
    "doesnt": "dont",
}
SUBJECTS = frozenset({"he", "she"})
AUXILIARY_SUBJECTS = frozenset({"he'd", "she'd", "he'll", "she'll", "hes", "shes"})
"""Subjects that carry their verb; only later ones can agree with them."""
FINITE = frozenset({"VBZ", "VBD", "VBP", "MD", "BES", "HVS"})
SINGULAR = frozenset({"VBZ", "BES", "HVS"})
ADVERBIAL = frozenset({"RB", "RBR", "RBS"})
OBJECTS = frozenset({"DT", "PRP", "PRP$", "CD", "NN", "NNS", "NNP", "NNPS", "JJ", "PDT", "WP"})
"""Tags that open what a participle behind "has" governs: "has broken the lamp"."""
NOT_VERBS = gender_words("not_verbs")
ADVERBS = gender_words("adverbs")
NOT_ADVERBS = gender_words("not_adverbs")
PARTICIPLES = gender_words("participles")
PERFECT_ADVERBS = gender_words("perfect_adverbs")
QUANTIFIERS = gender_words("beside_subjects")
QUESTION_WORDS = gender_words("question_words")
COORDINATORS = frozenset({"and", "or", "but", "then", "yet", "nor", "&", "n"})
OTHER_PERSONS = frozenset({"i", "we", "you", "they", "these", "those"})
"""Subjects whose verbs are no third persons singular, so that a later one is not theirs."""
SENTENCE_ENDS = frozenset(".!?\n;")
OPENING, CLOSING = frozenset("(["), frozenset(")]")
BARE_AUXILIARIES = frozenset({"is", "was", "has", "does"})
"""Verbs that a comma alone does not join on: "the book that she wrote, is good"."""
COORDINATION_REACH = 40
"""Words behind a verb within which another one shares its subject, at most."""
LONGEST_ASIDE = 12
"""Words between the commas of an aside, at most."""
MAX_ADVERBS = 6


def agreeing_verbs(view: Reading, subject: int) -> list[Verb]:
    """Return the verbs that agree with the "he" or "she" at a place."""
    return list(Agreement(view).of(subject))


def plural_form(view: Reading, index: int, surely: bool = False) -> str | None:
    """Return what the word at a place is behind "they", or None where it is no third person singular.

    Args:
        view: The text.
        index: Place of the word.
        surely: Whether a verb is expected there, so that its form is enough.
    """
    word = view.at(index)
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in NOT_VERBS or not word.endswith("s") or not word.isalpha():
        return None
    known = load_verbs().get(word)
    if view.tag(index) == "VBZ":
        return known or _base_by_rule(word)
    return known if surely else None


def _base_by_rule(verb: str) -> str:
    """Return the base of a third person singular that no list holds: "yeets", "vibes"."""
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    return verb[:-2] if verb.endswith(("sses", "xes", "zes", "ches", "shes")) else verb[:-1]


def is_adverb(word: str) -> bool:
    """Whether a word may stand between a pronoun and its verb."""
    return word in ADVERBS or (word.endswith("ly") and len(word) > 4 and word not in NOT_ADVERBS)


class Agreement:
    """The verbs of one text."""

    def __init__(self, view: Reading) -> None:
        self.view = view

    def of(self, subject: int) -> Iterator[Verb]:
        """Yield the verbs of the subject at a place, in order."""
        view = self.view
        if view.at(subject) in AUXILIARY_SUBJECTS:
            yield from self._coordinated(subject, past=False)
            return
        if view.at(subject + 1) == "'s":
            yield Verb(subject + 1, self._contracted(subject + 1), CONTRACTION.name)
            yield from self._coordinated(subject + 1, past=False)
            return
        if inverted := self._inverted(subject):
            yield inverted
            yield from self._coordinated(subject, past=view.at(inverted.position).startswith("was"))
            return
        index = self._verb_place(subject + 1)
        if index is None:
            return
        form = plural_form(view, index, surely=True)
        if form and view.tag(index) != "NN":
            yield Verb(index, form, VERB.name)
        yield from self._coordinated(index, past=view.tag(index) == "VBD")

    def _contracted(self, index: int) -> str:
        """Return "'re" for "is", "'ve" for "has"."""
        return "'ve" if self._is_has(index) else "'re"

    def _is_has(self, index: int) -> bool:
        """Whether the "'s" at a place means "has"."""
        view, between, i = self.view, list[str](), index + 1
        while self._is_adverbial(i) and len(between) < MAX_ADVERBS:
            between.append(view.at(i))
            i += 1
        word, tag = view.at(i), view.tag(i)
        if word in PARTICIPLES or (view.tag(index) == "HVS" and not word.endswith("ing")):
            return True
        if tag not in {"VBN", "VBD"}:
            return False
        after = i + 1
        while view.tag(after) == "RP":
            after += 1
        governs = view.tag(after) in OBJECTS and view.at(after) not in {"that", "this"} | SUBJECTS
        return governs or bool(PERFECT_ADVERBS.intersection(between))

    def _inverted(self, subject: int) -> Verb | None:
        """Return the verb before its subject: "is she", "where's he"."""
        view, index = self.view, subject - 1
        word = view.at(index)
        if self._own_verb_follows(subject):
            return None
        if word == "'s" and view.at(index - 1) in QUESTION_WORDS:
            return Verb(index, self._question_verb(subject), QUESTION_CONTRACTION.name)
        if word not in IRREGULAR or word.startswith("goes") or view.at(index - 1) in SUBJECTS:
            return None
        return (
            None
            if view.at(index - 1) in {"it", "that", "this"}
            else Verb(index, IRREGULAR[word], QUESTION.name)
        )

    def _own_verb_follows(self, subject: int) -> bool:
        """Whether the word behind a subject is its verb: "the truth is he lies"."""
        view, index = self.view, subject + 1
        while self._is_adverbial(index) and index < subject + MAX_ADVERBS:
            index += 1
        word = view.at(index)
        return (
            word in IRREGULAR
            or word == "'s"
            or view.tag(index) in {"VBZ", "MD"}
            or (view.tag(index) == "VBD" and word not in PARTICIPLES)
        )

    def _question_verb(self, subject: int) -> str:
        """Return what "'s" means in "where's he": are, have, or do."""
        view, i = self.view, subject + 1
        while self._is_adverbial(i):
            i += 1
        tag = view.tag(i)
        if tag == "VB" or view.at(i) in {"want", "need", "mean", "say", "think", "do"}:
            return " do"
        has = view.at(i) in PARTICIPLES or (tag == "VBN" and view.tag(i + 1) in OBJECTS)
        return " have" if has else " are"

    def _is_adverbial(self, index: int) -> bool:
        """Whether a word may stand between subject and verb."""
        view = self.view
        word = view.at(index)
        if word in QUANTIFIERS or is_adverb(word):
            return True
        if word == "no" and view.at(index + 1) == "longer":
            return True
        joins = word in COORDINATORS and view.tag(index - 1) in ADVERBIAL and view.tag(index + 1) in ADVERBIAL
        return joins or (view.tag(index) in ADVERBIAL and word not in IRREGULAR)

    def _verb_place(self, index: int) -> int | None:
        """Return the place of the verb whose subject ends before a place."""
        view, stop = self.view, index + MAX_ADVERBS
        while index < len(view) and index < stop:
            word = view.at(index)
            if word in {"and", "or", "/"} and not self._is_adverbial(index):
                return None
            if word in {",", "-", "–", "—"} or word in OPENING:
                behind = self._behind_aside(index)
                if behind is None:
                    return None
                index, stop = behind, behind + MAX_ADVERBS
            elif (word in {"who", "that"} and view.tag(index + 1) in FINITE) or self._is_adverbial(index):
                index += 1
            else:
                return index
        return None

    def _behind_aside(self, opening: int) -> int | None:
        """Reach over "he, however, disagrees" and "she (my boss) sings"."""
        view, sign = self.view, self.view.at(opening)
        for i in range(opening + 1, min(opening + LONGEST_ASIDE, len(view))):
            closes = view.at(i) in CLOSING if sign in OPENING else view.at(i) == sign
            if closes and i > opening + 1:
                return i + 1
            if view.at(i) in SENTENCE_ENDS or view.at(i) in SUBJECTS:
                return None
        return None

    def _coordinated(self, verb: int, past: bool) -> Iterator[Verb]:
        """Yield the later verbs that share the subject: "she is kind, never shouts and has patience"."""
        view, other_subject = self.view, False
        i = verb + 1
        while i < min(verb + COORDINATION_REACH, len(view)):
            word = view.at(i)
            if word in SENTENCE_ENDS or (word in SUBJECTS and i > verb + 1):
                return
            index = self._joined_verb(i, verb)
            if index is not None:
                form = self._shared_form(index)
                if form and not other_subject:
                    yield Verb(index, form, SHARED_SUBJECT.name)
                elif view.tag(index) in FINITE and not form:
                    past = view.tag(index) == "VBD"
                verb, i = index, index + 1
                continue
            if view.tag(i) == "VBZ" and view.tag(i - 1) == "RP" and not other_subject:
                yield Verb(i, plural_form(view, i) or view.at(i), SHARED_SUBJECT.name)
            elif view.tag(i) in FINITE and i > verb + 1:
                other_subject = other_subject or self._starts_clause(i, past)
            i += 1

    def _joined_verb(self, i: int, verb: int) -> int | None:
        """Return the place of the finite verb that a comma or "and" at a place joins on to another."""
        view = self.view
        word = view.at(i)
        if word not in COORDINATORS and word != ",":
            return None
        index = i + 1
        while view.at(index) in COORDINATORS or self._is_adverbial(index):
            index += 1
            if index > i + MAX_ADVERBS:
                return None
        if view.at(i + 1) not in COORDINATORS and word == "," and view.at(index) in BARE_AUXILIARIES:
            return index if view.at(index) == view.at(verb) else None
        near = i == verb + 1 or index > i + 1 or view.tag(index + 1) in {"DT", "PRP", "PRP$"}
        beside = near and view.tag(index) == "NNS" and view.at(index) in load_verbs()
        return index if beside or view.tag(index) in FINITE or view.at(index) in IRREGULAR else None

    def _shared_form(self, index: int) -> str | None:
        """Return the plural of a verb that is joined on, where it can be one that shares the subject."""
        view = self.view
        word = view.at(index)
        if word == "'s" or view.tag(index) not in SINGULAR | {"VBD", "NNS"}:
            return None
        return plural_form(view, index, surely=True)

    def _starts_clause(self, verb: int, past: bool) -> bool:
        """Whether a verb has a subject of its own that a later third person singular may share."""
        view, i = self.view, verb - 1
        while i > 0 and self._is_adverbial(i):
            i -= 1
        if view.at(i) in OTHER_PERSONS or view.tag(i) in {"NNS", "NNPS"}:
            return False
        return view.tag(verb) in SINGULAR or (past and view.tag(verb) == "VBD")
