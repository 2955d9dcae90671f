"""Whether a text is written in the wanted language, and in words at all."""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MIN_LETTERS = 20
"""Shorter texts are accepted: below it the identifier takes one English comment in forty for foreign."""
MIN_WORDS = 4
MIN_PROBABILITY = 0.03
"""The wanted language's probability below which a text is foreign, provided another language claims it."""
CLAIM = 0.30
"""Probability from which another language claims a text."""
CANDIDATES = """
ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl sv sw
ta te th tl tr uk ur vi zh
"""
"""Languages that a text can turn out to be: those that language models write. Rarer ones would only add
false alarms, since shouting and slang look like anything."""
_ENGLISH = """
the a an and or but of to in on at for with from by is are was were be been am i you he she it we they my
your his her its our their this that these those not no do does did have has had will would can could
just so what who how when why if about all me him them as there i'm it's don't can't that's
"""
FUNCTION_WORDS = {"en": frozenset(_ENGLISH.split())}
"""Frequent words that no other language writes as often; a text with enough of them needs no identifier."""
FAMILIAR = 0.25
"""Share of function words from which a text is taken to be in the language without asking the identifier."""

_LETTERS = re.compile(r"[^\W\d_]{1,100}(?:['’][^\W\d_]{1,10})?")
_PLACEHOLDER = re.compile(r"\[[A-Z_]{1,20}\]|\b[ru]/\w{1,40}|https?://\S{1,300}")


def words_of(text: str) -> list[str]:
    """Lower-case words made of letters, without placeholders, addresses and numbers."""
    return [w.replace("’", "'") for w in _LETTERS.findall(_PLACEHOLDER.sub(" ", text[:2_000]).lower())]


@cache
def _identifier(language: str) -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # half a second and 100 MB

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(sorted({*CANDIDATES.split(), language}))
    return identifier


def is_foreign(words: Sequence[str], language: str | None) -> bool:
    """Whether a text is clearly written in another language than the wanted one.

    Args:
        words: The words of the text, see `words_of`.
        language: ISO 639-1 code; None accepts any language.
    """
    if language is None:
        return False
    joined = " ".join(words)
    if len(words) < MIN_WORDS or len(joined) < MIN_LETTERS:
        return _other_script(joined, language)
    known = FUNCTION_WORDS.get(language, frozenset())
    if sum(word in known for word in words) >= FAMILIAR * len(words):
        return False
    return _claimed(joined, language)


def language_of(words: Sequence[str]) -> str:
    """Return the ISO 639-1 code of the likeliest language of a text's words, see `words_of`."""
    return str(_identifier("en").rank(" ".join(words))[0][0])


def _claimed(joined: str, language: str) -> bool:
    best = _identifier(language).rank(joined)
    probability = dict(best)
    return bool(best[0][1] >= CLAIM and probability[language] < MIN_PROBABILITY)


def _other_script(joined: str, language: str) -> bool:
    """Whether a short English text is mostly written in letters outside the Latin alphabet."""
    return language == "en" and sum(letter > "ɏ" for letter in joined) > len(joined) / 2
