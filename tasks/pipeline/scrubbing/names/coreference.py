"""One letter per person: brings the mentions of a text together by their names.

Nothing of it outlives the text: who stands behind a letter is personal data.
"""

import bisect
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from tasks.pipeline.scrubbing.names.features import UNKNOWN, Lexicon, word_lists
from tasks.pipeline.scrubbing.tokens import Span, lowered

SEX_OF_TITLE = {
    **dict.fromkeys(("mr", "mister", "sir", "lord", "king", "prince", "father", "uncle"), "m"),
    **dict.fromkeys(
        ("mrs", "ms", "miss", "lady", "dame", "madam", "queen", "princess", "sister", "aunt"), "f"
    ),
}
POSSESSIVE = re.compile(r"['’]s$|['’]$", re.IGNORECASE)
PARTS = re.compile(r"\s+|(?<=\.)(?=\w)")
TAKEN = re.compile(r"\bPerson ([A-Z]{1,3})\b")
MAX_CANDIDATES = 200
"""People looked at for one mention; keeps texts with thousands of names near-linear."""


class Name(NamedTuple):
    """A mention, taken apart."""

    words: tuple[str, ...]
    """Lower-case words without titles and suffixes; never empty."""
    sex: str


@dataclass(eq=False)
class Person:
    """Somebody in one text."""

    words: tuple[str, ...]
    sex: str
    places: list[int] = field(default_factory=list)


@cache
def nicknames() -> dict[str, frozenset[str]]:
    """Return the full forms of common nicknames ("bill": {"william"})."""
    text = (Path(__file__).parent / "nicknames.yaml").read_text(encoding="utf-8")
    matches: dict[str, set[str]] = {}
    for full, short in yaml.safe_load(text).items():
        for nickname in short.split():
            matches.setdefault(nickname, set()).add(full)
    return {nickname: frozenset(forms) for nickname, forms in matches.items()}


def parse_name(mention: str, lexicon: Lexicon) -> Name:
    """Take a mention apart: titles and suffixes off, the sex from the title or a clear first name."""
    lists = word_lists()
    mention = POSSESSIVE.sub("", mention.strip())
    if "," in mention:
        mention = _uninverted(mention)
    words = [w for w in (lowered(part.strip(".,")) for part in PARTS.split(mention)) if w]
    sex = ""
    while len(words) > 1 and words[0] in lists["titles"]:
        sex = SEX_OF_TITLE.get(words[0], sex)
        words = words[1:]
    words = [w for w in words if w not in lists["suffixes"]] or words
    if not sex and len(words) > 1:
        sex = lexicon.get(words[0], UNKNOWN).sex
    return Name(tuple(words) or ("?",), sex)


def _uninverted(mention: str) -> str:
    """Write "Smith, John" as "John Smith"; "King, Jr." stays."""
    last, _, first = mention.partition(",")
    if first.strip(" .").lower() in word_lists()["suffixes"]:
        return mention
    return f"{first.strip()} {last}"


def same_word(a: str, b: str) -> bool:
    """Whether two first names can be one: equal, or joined by a nickname."""
    if a == b:
        return True
    short, long = nicknames().get(a, frozenset()), nicknames().get(b, frozenset())
    return b in short or a in long or bool(short & long)


def compatible(name: Name, person: Person) -> bool:
    """Whether a mention can mean a person: no conflict of sex, surname, first name or initial."""
    if name.sex and person.sex and name.sex != person.sex:
        return False
    words, full = name.words, person.words
    if len(words) == 1:
        return len(words[0]) > 1 and any(same_word(words[0], word) for word in full)
    if len(full) == 1:
        return any(same_word(full[0], word) for word in words)
    if set(words) <= set(full) or set(full) <= set(words):
        return True
    if words[-1] != full[-1]:
        return False
    a, b = words[0], full[0]
    return same_word(a, b) or (min(len(a), len(b)) == 1 and a[0] == b[0])


class People:
    """The people of one text, found by any word of their names."""

    def __init__(self) -> None:
        self._by_word: dict[str, list[Person]] = {}
        self._settled: dict[Name, Person] = {}

    def of(self, name: Name, index: int) -> Person:
        """Return the person that a mention at a place means, a new one if nobody fits."""
        person = self._settled.get(name)
        if person is None:
            fitting = [p for p in self._candidates(name) if compatible(name, p)]
            person = min(fitting, key=lambda p: _distance(p, index)) if fitting else self._added(name)
            if len(fitting) < 2:
                self._settled[name] = person
        if len(name.words) > len(person.words):
            person.words = name.words
            self._index(person)
        person.sex = person.sex or name.sex
        bisect.insort(person.places, index)
        return person

    def _added(self, name: Name) -> Person:
        person = Person(name.words, name.sex)
        self._index(person)
        return person

    def _index(self, person: Person) -> None:
        for key in _keys(person.words):
            self._by_word.setdefault(key, []).append(person)

    def _candidates(self, name: Name) -> Iterator[Person]:
        seen: set[int] = set()
        for key in _keys(name.words):
            for person in self._by_word.get(key, ())[:MAX_CANDIDATES]:
                if id(person) not in seen:
                    seen.add(id(person))
                    yield person


def _keys(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        yield word
        yield from nicknames().get(word, ())


def _distance(person: Person, index: int) -> tuple[int, int]:
    """Order candidates: the nearest earlier mention, else the nearest later one."""
    earlier = bisect.bisect_left(person.places, index)
    if earlier:
        return 0, index - person.places[earlier - 1]
    return 1, person.places[0] - index


def letters(n: int) -> str:
    """Return A .. Z, AA, AB ... for 0, 1 ..."""
    text, n = "", n + 1
    while n:
        n, rest = divmod(n - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def link(text: str, spans: Sequence[Span], lexicon: Lexicon) -> list[str]:
    """Return one letter per mention, in order of first mention; letters that stand in the text are skipped.

    Args:
        text: The normalised text.
        spans: Mentions, sorted.
        lexicon: Name lexicon, for the sex of first names.

    Fuller names are settled first, so that "Rowling" finds "J. K. Rowling" wherever that stands.
    """
    people = People()
    names = [parse_name(text[start:end], lexicon) for start, end in spans]
    chosen: dict[int, Person] = {}
    for i in sorted(range(len(spans)), key=lambda i: (-min(len(names[i].words), 2), i)):
        if text.startswith("[NAME]", spans[i][0]):
            chosen[i] = Person(("?",), "")  # a mask says nothing of who is behind it
        else:
            chosen[i] = people.of(names[i], spans[i][0])
    taken = set(TAKEN.findall(text)) if "Person " in text else set()
    return _lettered([chosen[i] for i in range(len(spans))], taken)


def _lettered(people: Sequence[Person], taken: Collection[str]) -> list[str]:
    given: dict[int, str] = {}
    n = 0
    for person in people:
        if id(person) not in given:
            while letters(n) in taken:
                n += 1
            given[id(person)] = letters(n)
            n += 1
    return [given[id(person)] for person in people]
