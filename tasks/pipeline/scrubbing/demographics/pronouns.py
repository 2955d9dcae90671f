"""Neutral forms of "he", "she" and their kin, as an ordered table of rules."""

from tasks.pipeline.scrubbing.demographics.lexicon import gender_words
from tasks.pipeline.scrubbing.demographics.rules import Context, Rule, always
from tasks.pipeline.scrubbing.tagging.loading import pos_tagger
from tasks.pipeline.scrubbing.tagging.word_features import base_forms

CLOSING_SIGNS = frozenset("\n!),.:;?”")
AFTER_OBJECT = gender_words("after_object") | CLOSING_SIGNS
"""Words that cannot open what "her" or "his" owns, so that these stand alone before them."""
OWNED_BY_HER = gender_words("owned_by_her")
OWNED_BY_HIS = gender_words("owned_by_his")
QUOTES = frozenset("\"'“‘")
NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
CAUSING_VERBS = gender_words("causing_verbs")
GIVING_VERBS = gender_words("giving_verbs")
MOVING_VERBS = gender_words("moving_verbs")
PARTICIPLES = gender_words("participles")
PERFECT_ADVERBS = gender_words("perfect_adverbs")
JUDGING_VERBS = gender_words("judging_verbs")
SPENDING_VERBS = gender_words("spending_verbs")
PERIODS = gender_words("periods")
BESIDE_HER = frozenset({"by", "from", "to", "with", "without"})
"""Prepositions behind which "her" and a time are two things, as they are not in "in her last year"."""
BARELY_A_NOUN = -1.0
"""Log-odds from which a word that may be a verb or a noun counts as the verb behind "made her"."""
LONGEST_JUDGEMENT = 5
SIDES = frozenset({"back", "front", "left", "right", "side"})
MANY = frozenset({"countless", "dozens", "many", "multiple", "numerous", "several"})


def _is_perfect(context: Context) -> bool:
    """Whether a participle follows that makes "has" of an "s": "hes got it", "shes never been there"."""
    behind = 2 if context.word(1) in PERFECT_ADVERBS else 1
    return context.word(behind) in PARTICIPLES


def _opens_quote(context: Context) -> bool:
    """Whether a quotation mark follows that opens a quotation: his "dear friend"."""
    index = context.index + 1
    if context.word(1) not in QUOTES or index + 1 >= len(context.view):
        return False
    tokens = context.view.tokens
    return tokens.ends[index] == tokens.starts[index + 1] and tokens.starts[index] > tokens.ends[index - 1]


def _his_alone(context: Context) -> bool:
    if _opens_quote(context):
        return False
    follower = context.word(1)
    signed = context.symbol(1) or context.tag(1) == "NFP"
    closes = signed or follower in QUOTES or follower in AFTER_OBJECT - OWNED_BY_HIS
    return closes and follower not in {"and", "or"}


def _her_closes(context: Context) -> bool:
    """Whether nothing follows that "her" could own."""
    if _opens_quote(context):
        return False
    follower = context.word(1)
    if follower in QUOTES or follower in CLOSING_SIGNS or context.symbol(1):
        return True
    compared = follower == "like" and context.word(2) in AFTER_OBJECT
    return compared or (follower in AFTER_OBJECT - OWNED_BY_HER and context.tag(1) not in {"JJ"})


def _her_is_caused(context: Context) -> bool:
    """Whether a verb of causing or perceiving governs "her" and the verb behind it: "made her cry"."""
    verb = context.word(1)
    if context.word(-1) not in CAUSING_VERBS or verb not in base_forms() or context.tag(2) in NOUNS:
        return False
    return context.tag(1) in {"VB", "VBP"} or pos_tagger().leaning(verb, "VB", "NN") > BARELY_A_NOUN


def _her_is_moved(context: Context) -> bool:
    """Whether a place to go follows: "brought her home"."""
    return context.word(1) in {"home", "back"} and context.word(-1) in MOVING_VERBS


def _her_is_given(context: Context) -> bool:
    """Whether an amount follows a verb of giving: "gave her five stars"."""
    return context.tag(1) == "$" or (context.tag(1) == "CD" and context.word(-1) in GIVING_VERBS)


def _her_is_counted(context: Context) -> bool:
    """Whether a number of times follows: "reminded her several times"."""
    return context.word(2) in {"times", "days", "hours", "weeks"} and context.word(1) in MANY


def _her_is_dated(context: Context) -> bool:
    """Whether a time follows, and ends the clause, in which something is done to or with her."""
    dated = context.word(1) in {"last", "next", "one"} and context.word(2) in PERIODS
    if not dated or context.word(3) not in CLOSING_SIGNS | {""}:
        return False
    done = context.tag(-1).startswith("VB") and context.word(-1) not in SPENDING_VERBS
    return done or context.word(-1) in BESIDE_HER


def _her_is_subject(context: Context) -> bool:
    """Whether a form of "be" stands before the noun that "her" owns: "so are her clothes"."""
    verb = context.word(-2) if context.word(-1) == "not" else context.word(-1)
    return verb in {"are", "is", "was", "were"} and (context.tag(1) in NOUNS or context.tag(2) in NOUNS)


def _her_is_behind_preposition(context: Context) -> bool:
    """Whether a preposition stands before "her" and a word that is no verb there: "unsure of her poses"."""
    owned = context.tag(1) in {"NNS", "VBZ"} or context.word(1) in SIDES
    return context.tag(-1) == "IN" and owned and context.word(1) not in AFTER_OBJECT - OWNED_BY_HER


def _her_counts(context: Context) -> bool:
    """Whether "her" owns an amount: "her two brothers"."""
    return context.tag(1) == "CD"


def _her_is_judged(context: Context) -> bool:
    """Whether nothing but adjectives follows: "find her annoying"."""
    index = 1
    while context.tag(index) in {"JJ", "JJR", "JJS", "RB", "RBR", "VBG", "VBN"} and index < LONGEST_JUDGEMENT:
        index += 1
    if index == 1:
        judged = context.word(-1) in JUDGING_VERBS and context.word(1).endswith(("ing", "ed"))
        return judged and context.word(2) in CLOSING_SIGNS
    if context.word(index - 1).endswith("ing") and context.word(-1) not in JUDGING_VERBS:
        return False
    closes = context.word(index) in CLOSING_SIGNS | {"and", "but", "or"}
    return closes or context.tag(index) in {"IN", "TO"}


def _her_is_described(context: Context) -> bool:
    """Whether an adjective and a noun follow that "her" owns: "her singing voice"."""
    index = 1
    while context.tag(index) in {"JJ", "JJS", "VBG"} and index < LONGEST_JUDGEMENT:
        index += 1
    described = index > 1 and context.tag(index) in NOUNS
    return described and context.word(-1) not in GIVING_VERBS | CAUSING_VERBS


def _her_owns(context: Context) -> bool:
    return context.word(1) == "own"


def _her_is_object(context: Context) -> bool:
    return context.tag() == "PRP"


HER = frozenset({"her"})
HIS = frozenset({"his"})
PRONOUN_RULES = (
    Rule("subject", "She left. -> They left.", frozenset({"he", "she"}), always, "they"),
    Rule("subject with had", "She'd left. -> They'd left.", frozenset({"he'd", "she'd"}), always, "they'd"),
    Rule(
        "subject with will", "He'll come. -> They'll come.", frozenset({"he'll", "she'll"}), always, "they'll"
    ),
    Rule(
        "subject with has",
        "hes got it -> theyve got it",
        frozenset({"hes", "shes"}),
        _is_perfect,
        "theyve",
    ),
    Rule("subject with is", "hes late -> theyre late", frozenset({"hes", "shes"}), always, "theyre"),
    Rule("object", "I saw him. -> I saw them.", frozenset({"him"}), always, "them"),
    Rule(
        "reflexive",
        "He hurt himself. -> They hurt themselves.",
        frozenset({"himself", "herself"}),
        always,
        "themselves",
    ),
    Rule("hers", "It is hers. -> It is theirs.", frozenset({"hers"}), always, "theirs"),
    Rule("his alone", "That book is his. -> That book is theirs.", HIS, _his_alone, "theirs"),
    Rule("his before what is owned", "his book -> their book", HIS, always, "their"),
    Rule("her before own", "her own book -> their own book", HER, _her_owns, "their"),
    Rule("her at the end", "I told her that. -> I told them that.", HER, _her_closes, "them"),
    Rule("her and her verb", "They made her cry. -> They made them cry.", HER, _her_is_caused, "them"),
    Rule("her and a place", "We took her home. -> We took them home.", HER, _her_is_moved, "them"),
    Rule(
        "her behind a preposition",
        "It is at her back. -> It is at their back.",
        HER,
        _her_is_behind_preposition,
        "their",
    ),
    Rule("her and times", "I told her many times. -> I told them many times.", HER, _her_is_counted, "them"),
    Rule("her and a time", "I met her one day. -> I met them one day.", HER, _her_is_dated, "them"),
    Rule("her behind a verb", "So are her shoes. -> So are their shoes.", HER, _her_is_subject, "their"),
    Rule("her and an amount", "I gave her $5. -> I gave them $5.", HER, _her_is_given, "them"),
    Rule("her before an amount", "her two dogs -> their two dogs", HER, _her_counts, "their"),
    Rule("her judged", "I find her annoying. -> I find them annoying.", HER, _her_is_judged, "them"),
    Rule("her before adjective and noun", "her new car -> their new car", HER, _her_is_described, "their"),
    Rule("her as object", "Let her go. -> Let them go.", HER, _her_is_object, "them"),
    Rule("her before what is owned", "her book -> their book", HER, always, "their"),
)
"""For each pronoun the first rule that holds."""
