"""What the name tagger sees of a word: facts about the word itself, looked up in the name lexicon.

Every feature belongs to one word form and one distance, or to the classes of two or three neighbours. That
is what lets the trained tagger run as sums over tables (`tagger.py`).
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
import yaml

from tasks.pipeline.scrubbing.demographics.lexicon import is_person_noun
from tasks.pipeline.scrubbing.tagging.clusters import Clusters
from tasks.pipeline.scrubbing.tokens import POSSESSIVES, lowered

LABELS = ("O", "B-PER", "I-PER", "B-OTH", "I-OTH")
SLOTS = ("0", "S0", "S1", "-1", "+1", "-2", "+2", "D1", "D2", "H")
"""Where a word's features apply: here, here at (S1) or off (S0) a sentence start, at a neighbour, here in a
text without capitals (D1) or in capitals throughout (D2), and here with a personal pronoun ahead (H)."""
TAG_DISTANCES = (-1, 0, 1)
"""Parts of speech that are looked at."""
TAG_PAIRS = ((-1, 0), (0, 1))
"""Those that are looked at together."""
PRONOUNS = frozenset(
    "he she him his her hers himself herself he's she's he'd she'd he'll she'll who whose whom".split()
)
AHEAD = 8
"""Words within which a pronoun speaks for a name: "Grace forgot her umbrella"."""
GROUPS = (
    ("months", "mo"),
    ("pronouns", "pr"),
    ("determiners", "dt"),
    ("prepositions", "pp"),
    ("auxiliaries", "ax"),
    ("conjunctions", "cj"),
    ("adverbs", "av"),
    ("not_names", "nn"),
    ("titles", "ti"),
    ("particles", "pt"),
    ("suffixes", "sf"),
    ("institutions", "og"),
    ("verbs_of_speech", "sp"),
    ("verbs", "vb"),
    ("cues", "cu"),
    ("cities", "ct"),
    ("brands", "br"),
)
INFLECTIONS = (("ed", "ed"), ("ing", "ng"), ("ly", "ly"))
WORD_GROUPS = frozenset({"pn", "pv", "ed", "ng", "ly", "vz", "ns", "cm"})
"""What `group_of` returns for everyday words that no list holds."""
N_SHAPES = 1 << 14
"""Buckets of the letter model: n-grams share them by their CRC-32."""
LETTER_STEPS = 0.5
"""Steps of the letter model's log-odds per class."""
LONGEST_WORD = 40
"""Longer words are cut before their features are computed, so that noise cannot fill the tables."""


class Entry(NamedTuple):
    """What the name lexicon knows of one lower-case word."""

    first: int = 0
    """Frequency class as a first name, 0 (never) .. 6 (more than 10 %)."""
    last: int = 0
    """Frequency class as a surname, 0 .. 6."""
    case: int | None = None
    """ln p(Capitalised) - ln p(lower) in running text, rounded, -5 .. 5; None where the word is too rare."""
    common: bool = False
    """An everyday word that is mostly written in lower case."""
    city: bool = False
    sex: str = ""
    """`m` or `f` where one is twenty times as frequent as the other in the census."""
    verb: bool = False
    """The third person singular of a verb ("sings")."""


UNKNOWN = Entry()
Lexicon = dict[str, Entry]
Letters = npt.NDArray[np.int8]
"""Weights of the letter model, (`N_SHAPES`,), in sixteenths of log-odds; index 0 holds the constant."""


class WordFeatures(NamedTuple):
    """Features of one word form."""

    near: tuple[str, ...]
    """Features that also speak to neighbours."""
    own: tuple[str, ...]
    """All features, for the word's own label."""
    kind: str
    """Coarse class, for combinations with the neighbours' classes."""


@cache
def word_lists() -> dict[str, frozenset[str]]:
    """Return the lower-case word lists of `words.yaml` by name; `never_people` joins `things.yaml`."""
    things, lists = _lists_of("things.yaml"), _lists_of("words.yaml")
    phrases = lists["phrases"] | things.pop("things_of_several_words")
    return {**lists, "phrases": phrases, "never_people": frozenset().union(*things.values())}


def _lists_of(name: str) -> dict[str, frozenset[str]]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return {key: frozenset(words.split()) for key, words in yaml.safe_load(text).items()}


def shape(word: str) -> str:
    """Return the outline of a word: `Xx` capitalised, `XX` capitals, `X` one capital, `Xm` mixed, ..."""
    if word in POSSESSIVES:
        return "'s"
    if word == "\n":
        return "nl"
    if word[0].isdigit():
        return "d4" if len(word) == 4 else "d"
    if not word[0].isalpha():
        return word if word in ".,:;!?()\"“”'’-&/@#*" else "p"
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    if word[0].isupper():
        return "Xm" if any(c.isupper() for c in word[1:]) else "Xx"
    return "x"


def entry_of(word: str, lexicon: Lexicon) -> Entry:
    """Look up a lower-case word; a hyphenated name counts as its best-known part."""
    matches = lexicon.get(word)
    if matches is None and "-" in word:
        parts = [lexicon.get(part, UNKNOWN) for part in word.split("-")]
        return Entry(first=max(p.first for p in parts), last=max(p.last for p in parts))
    return matches or UNKNOWN


def group_of(word: str, entry: Entry) -> str:
    """Return the two-letter code of the first word list that holds a lower-case word.

    Everyday words that no list holds go by their form, other words are `-`.
    """
    lists = word_lists()
    for name, code in GROUPS:
        if entry.city if name == "cities" else word in lists[name]:
            return code
    return _form(word, entry) if entry.common else "-"


def _form(word: str, entry: Entry) -> str:
    """Return what an everyday word looks like: person noun, past, third person, -ing, -ly, plural."""
    if is_person_noun(word):
        return "pn"
    if word in word_lists()["finite_verbs"]:
        return "pv"
    for ending, code in INFLECTIONS:
        if word.endswith(ending):
            return code
    return "vz" if entry.verb else "ns" if word.endswith("s") else "cm"


def name_likeness(word: str, letters: Letters) -> int:
    """Return how much a lower-case word is spelled like a name: -4 (not at all) .. 4."""
    places = [index for index in map(place_of, letter_grams(word)) if index]
    score = (int(letters[0]) + int(letters[places].sum(dtype=np.int32))) / 16
    return max(-4, min(4, round(score / LETTER_STEPS)))


def place_of(gram: str) -> int:
    """Return the bucket of a run of letters."""
    return crc32(gram.encode()) % N_SHAPES


def letter_grams(word: str) -> list[str]:
    """Return the runs of two to four letters of a word with its edges marked."""
    edged = f"^{word}$"
    return [edged[i : i + n] for n in (2, 3, 4) for i in range(len(edged) - n + 1)]


def _class(outline: str, capital: str, group: str, entry: Entry) -> str:
    if capital == "l" and group in WORD_GROUPS:
        kind = capital + group
    elif group != "-" and group not in WORD_GROUPS:
        kind = (
            capital
            + group
            + ("F" if capital == "U" and entry.first >= 3 and group not in {"ti", "pt"} else "")
        )
    else:
        first = "F" if entry.first >= 3 else "f" if entry.first else ""
        last = "L" if entry.last >= 3 else "l" if entry.last else ""
        kind = f"{capital}{first}{last}{'c' if entry.common else ''}"
    return outline + kind[1:2] if outline in {"X", "XX"} else kind


class Knowledge(NamedTuple):
    """What is known of words."""

    lexicon: Lexicon
    clusters: Clusters
    letters: Letters


def word_features(
    word: str, knowledge: Knowledge, vocabulary: frozenset[str], known: bool = True
) -> WordFeatures:
    """Describe one token.

    Args:
        word: The token as written.
        knowledge: Name lexicon, word clusters and letter model.
        vocabulary: Lower-case words that have a feature of their own.
        known: False hides the lexicon and the clusters, as for a name that they lack; training does so now
            and then, which teaches the tagger to lean on the context (gazetteer dropout).
    """
    word = word[:LONGEST_WORD]
    outline = shape(word)
    if not word[0].isalpha():
        return WordFeatures((f"s={outline}",), (f"s={outline}",), outline)
    low = lowered(word)
    entry = entry_of(low, knowledge.lexicon) if known else UNKNOWN
    group = group_of(low, entry)
    capital = "U" if outline[0] == "X" else "l"
    of_lower, of_capital = knowledge.clusters.of.get(low, (0, 0)) if known else (0, 0)
    cluster = of_capital if capital == "U" else of_lower
    near = (*_near(low, outline, capital, group, entry, vocabulary), f"{capital}C={cluster}")
    if not entry.common:
        near += (f"{capital}m={name_likeness(low, knowledge.letters)}",)
    kind = _class(outline, capital, group, entry)
    own = near if entry.common else near + _spelling(low, capital)
    return WordFeatures(near, own, kind)


def _near(
    low: str, outline: str, capital: str, group: str, entry: Entry, vocabulary: frozenset[str]
) -> tuple[str, ...]:
    case = "n" if entry.case is None else str(entry.case)
    first, last = entry.first, entry.last
    features = (
        f"s={outline}",
        f"g={group}",
        f"{capital}k={first > 0:d}{last > 0:d}{entry.common:d}",
        f"{capital}c={case}",
        f"{capital}f={first}",
        f"{capital}l={last}",
        f"{capital}g={group}",
        f"{capital}c={case}f={first}",
        f"{capital}c={case}l={last}",
    )
    return (*features, f"w={low}") if low in vocabulary else features


def _spelling(low: str, capital: str) -> tuple[str, ...]:
    """Beginnings and endings, which carry over to names that no list holds."""
    return (
        f"{capital}x={low[-3:]}",
        f"y={low[-2:]}",
        f"z={low[:2]}",
        f"p={low[:3]}",
        f"q={min(len(low), 9)}",
    )


SENTENCE_ENDS = frozenset(".!?\n:;")
OPENERS = frozenset('"“‘(*->#•')
QUOTES = frozenset('"“')


def abbreviates(word: str) -> bool:
    """Whether a dot behind a word belongs to it: initials, titles, suffixes."""
    lists = word_lists()
    low = word.lower()
    return (len(word) == 1 and word.isalpha()) or any(
        low in lists[name] for name in ("strong_titles", "suffixes", "abbreviations")
    )


def is_sure_name(word: str, lexicon: Lexicon) -> bool:
    """Whether a capitalised word is known as a first name and as nothing else."""
    entry = entry_of(lowered(word), lexicon) if word[0].isupper() and not word.isupper() else None
    return entry is not None and entry.first >= 2 and group_of(lowered(word), entry) == "-"
