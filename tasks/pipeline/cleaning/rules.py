"""What cannot be saved: one named rule per fault, tried in order on the stripped text.

The rules and their limits follow what goes wrong in practice with generated text; every one is measured for
false rejects on text that people wrote (tests/benchmarks/bench_quality.py).
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from tasks.config import CleaningConfig
from tasks.data.language import is_foreign, words_of
from tasks.pipeline.cleaning.lists import holds_several
from tasks.pipeline.cleaning.profanity import PROFANITY
from tasks.pipeline.cleaning.refusals import (
    has_placeholder,
    is_dialogue,
    is_instruction_echo,
    is_json,
    is_meaning_echo,
    is_reasoning,
    is_refusal,
)

LOOP_WORDS = 12
"""Words from which a text can count as a loop: shorter ones may repeat themselves for effect."""
LOOP_VARIETY = 0.25
"""Share of distinct words below which a text is a loop."""
MASHED_FRACTION = 0.5
"""Share of the longer words that cannot be English from which a text is gibberish."""
MIN_MASHED = 2
"""Such words at least: a name or an abbreviation alone proves nothing."""
SIGNS_CHARS = 30
"""Characters from which a text can count as made of signs."""
SIGNS_LETTERS = 0.4
"""Share of letters and digits below which it does."""

MAX_DIGIT_FRACTION = 0.9
"""Share of digits among letters and digits from which only letters count: nobody writes in figures alone."""

_LETTER = re.compile(r"[^\W_]")
_DIGIT = re.compile(r"\d")
_REPEATED = re.compile(r"(.)\1{1,1000}", re.DOTALL)
_IMPOSSIBLE = re.compile(
    # Pairs of letters that no English word holds, abbreviations and names aside.
    r"b[qxz]|c[bdfgjvwx]|d[qxz]|f[dhjkqvxz]|g[cjkqvxz]|h[cfgjkvxz]|j[b-df-hj-np-tv-z]|k[cjqvxz]|l[jqxz]|m[jkqvxz]|"
    r"p[jqvxz]|q[a-hj-tv-z]|s[jxz]|t[jqx]|v[b-df-hj-np-tw-xz]|w[gjquvxz]|x[dfgjknrsvz]|y[jqy]|z[b-df-gjm-npr-tvx]|"
    r"[bcdfghjklmnpqrstvwxz]{6}|[aeiouy]{5}"
)


@dataclass(frozen=True)
class RuleInput:
    """A stripped text under judgement, with the labels that it was asked to carry."""

    text: str
    labels: Sequence[str]
    config: CleaningConfig
    prompt: str = ""
    """What it was asked with; empty for a text that nobody asked for."""

    @cached_property
    def words(self) -> list[str]:
        """Lower-case words of letters."""
        return words_of(self.text)


class Rule(NamedTuple):
    """A fault with its name."""

    name: str
    holds: Callable[[RuleInput], bool]


def is_loop(rule_input: RuleInput) -> bool:
    """Whether a text repeats the same words over and over."""
    words = rule_input.text.lower().split()
    return len(words) >= LOOP_WORDS and len(set(words)) < LOOP_VARIETY * len(words)


@lru_cache(maxsize=100_000)
def _is_mashed(word: str) -> bool:
    once = _REPEATED.sub(r"\1", word)  # "heyyyy" is a word, said aloud
    return len(once) >= 4 and (set(once).isdisjoint("aeiouy") or bool(_IMPOSSIBLE.search(once)))


def is_mash(rule_input: RuleInput) -> bool:
    """Whether the longer words of an English text cannot be words: mashed keys, or no vowels."""
    words = [w for w in rule_input.words if len(w) >= 4 and w.isascii()]
    mashed = sum(map(_is_mashed, words))
    return mashed >= MIN_MASHED and mashed >= MASHED_FRACTION * len(words)


def is_signs(rule_input: RuleInput) -> bool:
    """Whether a longer text is mostly signs: tables, code, mojibake; emoji and dots do not count."""
    head = rule_input.text[:5_000]
    n_letters, n_digits = len(_LETTER.findall(head)), len(_DIGIT.findall(head))
    if n_letters >= SIGNS_LETTERS * len(head) and n_digits < MAX_DIGIT_FRACTION * n_letters:
        return False
    dense = _REPEATED.sub(r"\1", "".join(rule_input.text[:5_000].split()))
    bare = [c for c in dense if unicodedata.category(c) not in {"So", "Sk", "Mn", "Cf"}]
    known = sum(c.isalpha() if n_digits >= MAX_DIGIT_FRACTION * n_letters else c.isalnum() for c in bare)
    return len(bare) >= SIGNS_CHARS and known < SIGNS_LETTERS * len(bare)


def is_gibberish(rule_input: RuleInput) -> bool:
    """Whether a text is no text: signs, or letters that form no words."""
    return is_signs(rule_input) or (rule_input.config.language == "en" and is_mash(rule_input))


def is_profane(rule_input: RuleInput) -> bool:
    """Whether a text holds a swear word; words that merely contain one do not count."""
    return not PROFANITY.isdisjoint(rule_input.words)


def _has_refused_profanity(rule_input: RuleInput) -> bool:
    return rule_input.config.profanity_filter and is_profane(rule_input)


def _is_short(rule_input: RuleInput) -> bool:
    return len(rule_input.text.split()) < rule_input.config.min_words or not _LETTER.search(rule_input.text)


def _says_its_meaning(rule_input: RuleInput) -> bool:
    return bool(rule_input.prompt) and is_meaning_echo(
        rule_input.text, rule_input.words, rule_input.prompt, rule_input.labels
    )


RULES: tuple[Rule, ...] = (
    Rule("nothing left", lambda rule_input: not rule_input.text),
    Rule("too long", lambda rule_input: len(rule_input.text.split()) > rule_input.config.max_words),
    Rule("refusal", lambda rule_input: is_refusal(rule_input.text, rule_input.words)),
    Rule(
        "instruction echo",
        lambda rule_input: is_instruction_echo(
            rule_input.text, rule_input.words, rule_input.labels, rule_input.prompt
        ),
    ),
    Rule("placeholder", lambda rule_input: has_placeholder(rule_input.text, rule_input.prompt)),
    Rule("JSON", lambda rule_input: is_json(rule_input.text)),
    Rule("reasoning", lambda rule_input: bool(rule_input.prompt) and is_reasoning(rule_input.text)),
    Rule("input and output", lambda rule_input: is_dialogue(rule_input.text)),
    Rule("meaning echo", _says_its_meaning),
    Rule("list", lambda rule_input: holds_several(rule_input.text)),
    Rule("repetition", is_loop),
    Rule("gibberish", is_gibberish),
    Rule("foreign language", lambda rule_input: is_foreign(rule_input.words, rule_input.config.language)),
    Rule("too short", _is_short),
    Rule("profanity", _has_refused_profanity),
)
"""In the order in which they are tried. The first that holds names the reject."""


def fault(rule_input: RuleInput) -> str | None:
    """Name of the first rule that rejects a stripped text, or None."""
    return next((rule.name for rule in RULES if rule.holds(rule_input)), None)
