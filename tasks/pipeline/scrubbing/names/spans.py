"""Makes whole what the tagger found, and keeps the names of people rather than of things."""

import re
from collections.abc import Collection, Iterable, Iterator

from tasks.pipeline.scrubbing.demographics.lexicon import is_person_noun
from tasks.pipeline.scrubbing.names.candidate import RARELY_CAPITAL, candidate_at
from tasks.pipeline.scrubbing.names.candidates import is_person
from tasks.pipeline.scrubbing.names.features import (
    UNKNOWN,
    WORD_GROUPS,
    Lexicon,
    entry_of,
    group_of,
    word_lists,
)
from tasks.pipeline.scrubbing.names.not_names import (
    FOLLOWERS,
    FREQUENT_SURNAME,
    THINGS_NAMED_AFTER,
    keeps_dot,
    names_a_thing,
    opens_sentence,
    phrase_words,
    phrases_with,
    reads_as_word,
)
from tasks.pipeline.scrubbing.tagging.loading import tagged
from tasks.pipeline.scrubbing.tokens import Span, Tokens, lowered, tokens_of

PLACEHOLDER = re.compile(r"\bPerson [A-Z]{1,3}\b|<[A-Z_]{2,30}(?:_\d{1,4})?>|\[[A-Za-z_ ]{2,30}\]")
"""Placeholders, ours and others', which stay as they are."""
SENTENCE_BREAK = re.compile(r"([^\W\d_]+)[.!?]['\"”’)]{0,3}\s+|\n+")
LOWER_CASE_LEAD = re.compile(r"[^\w]+|[\d_]+|([a-z][\w'’]{0,30})\s")
TITLE_BEFORE = re.compile(
    r"\b([^\W\d_]+)(?:(?<=Mr|Ms|Dr)\.|(?<=Mrs|Sra|Rev)\.|(?<=Prof|Srta)\.|(?<=Sr|Mx)\.)?\s$"
)
LEAD = re.compile(r"([A-Z][a-z]{1,5}) (?=\w)")
"""A capitalised word before a name, which may be "My"."""
OWNER = re.compile(r"(?<=\w)['’][sS](?: \w+)?$")
"""The sign of a possessive at the end of a span, with the word it owns where the finder took it along."""
PAIR = re.compile(r"\b((?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Lady|Lord|Mx)\b\.?)(?: and| &) $")
"""A title that shares the name behind the next one: "Mr. and Mrs. Smith"."""
IDENTIFIER_SIGNS = frozenset("_0123456789")
NEXT = re.compile(
    r"((?: (?:de|del|la|las|los|da|das|dos|di|van|von|der|den|ter|bin|ibn|al|el|y)){0,2})"
    r" ([A-Z][\w'’\-]{1,30})"
)
PREVIOUS = re.compile(r"(?<=[a-z,;] )([A-Z][\w'’\-]{1,20}) $")
NEIGHBOUR = re.compile(r",? (?:and|or|&) ([A-Z][\w'’\-]{1,30})\b")
NEIGHBOUR_BEFORE = re.compile(r"(?<=[a-z,;] )([A-Z][\w'’\-]{1,30}),? (?:and|or|&) $")
"""Capitalised words beside a name; the ones before it stand inside their sentence."""
SHORT_SURNAMES = frozenset({"he", "do", "an", "so", "oh"})
"""Surnames that are function words; inside a sentence their capital tells them apart."""
LONGEST_NAME = 5
DIRECT_SEARCH_LIMIT = 20
"""Words of names up to which each is first counted in the text: most stand there once."""
WORD = re.compile(r"[^\W\d_][\w'’\-]*")


def refined(
    text: str,
    spans: Iterable[Span],
    lexicon: Lexicon,
    tokens: Tokens | None = None,
    trusted: Collection[Span] = (),
    certain: Collection[Span] = (),
) -> list[Span]:
    """Return the spans of people's names, sorted and disjoint.

    Spans are cut at sentence ends and trimmed; names of diseases, streets and firms go; every other mention
    of a part of a name is added; titles and kin words are taken along, since they tell the sex.

    Args:
        text: The normalised text.
        spans: What finders took for names.
        lexicon: Name lexicon.
        tokens: The text's tokens with their parts of speech, if they are known already.
        trusted: Those of the spans that the rules of `candidates` do not judge, as another model found them.
        certain: Further names, which nothing is to judge.
    """
    tokens = tagged([tokens_of(text)])[0] if tokens is None else tokens
    mask = _masked(text, tokens)
    kept = [span for span in certain if not any(mask[span[0] : span[1]])]
    for part in _within_sentences(text, spans):
        start, end = trimmed(text, *part)
        start, end = _grown(text, start, end, lexicon)
        if end <= start or any(mask[start:end]) or is_interjection(text[start:end]):
            continue
        candidate = candidate_at(tokens, (start, end), lexicon)
        person = (start, end) in trusted or (candidate is not None and is_person(candidate))
        if person and not names_a_thing(text, start, end, lexicon):
            kept.append((start, end))
    kept += [span for start, end in kept for span in _neighbours(text, start, end, lexicon)]
    kept += _mentions(text, kept, mask, lexicon)
    whole = [_whole_identifier(text, _with_title(text, start), end) for start, end in sorted(set(kept))]
    return _merged(sorted([*whole, *_sharing_titles(text, whole)]))


def _sharing_titles(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the titles that share a name: the "Mr." of "Mr. and Mrs. Smith"."""
    for start, _ in spans:
        if match := PAIR.search(text, max(0, start - 12), start):
            yield match.span(1)


def _whole_identifier(text: str, start: int, end: int) -> Span:
    """Take in the user name that a name is part of: "hannah_banana99"."""
    if text[end : end + 1] not in IDENTIFIER_SIGNS and text[start - 1 : start] not in IDENTIFIER_SIGNS:
        return start, end
    while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return start, end


def is_interjection(name: str) -> bool:
    """Whether a word is called out rather than calls somebody: "Nah, this is my cat"."""
    return lowered(name).rstrip(".") in word_lists()["interjections"]


def _masked(text: str, tokens: Tokens) -> bytearray:
    """Mark placeholders, and phrases in which a name names nobody."""
    mask = bytearray(len(text))
    for word in phrase_words().intersection(tokens.words):
        for match in phrases_with(word.lower()).finditer(text):
            mask[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    if "Person " in text or "<" in text or "[" in text:
        for match in PLACEHOLDER.finditer(text):
            mask[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    return mask


def _within_sentences(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Cut spans at sentence ends; initials, titles and suffixes end no sentence."""
    for start, end in spans:
        index = start
        for match in SENTENCE_BREAK.finditer(text, start, end):
            word = match.group(1)
            if word and keeps_dot(word):
                continue
            cut = match.end(1) if word else match.start()
            if cut > index:
                yield index, cut
            index = match.end()
        if end > index:
            yield index, end


def trimmed(text: str, start: int, end: int) -> Span:
    """Take signs off both ends, and lower-case words off the front of a capitalised name."""
    while match := LOWER_CASE_LEAD.match(text, start, end):
        capital_follows = any(c.isupper() for c in text[match.end() : end])
        if match.group(1) and (not capital_follows or match.group(1) in word_lists()["particles"]):
            break
        start = match.end()
    if (lead := LEAD.match(text, start, end)) and lead.group(1).lower() in word_lists()["owners"]:
        start = lead.end()
    while end > start and not (text[end - 1].isalnum() or text[end - 1] == "."):
        end -= 1
    if owner := OWNER.search(text, start, end):
        end = owner.start()
    return start, end


def _grown(text: str, start: int, end: int, lexicon: Lexicon) -> Span:
    """Take words along that are part of the name: "Dang Xuan" of "Dang Xuan Loc", "de los Santos"."""
    if end <= start or not text[start].isupper():
        return start, end
    for _ in range(LONGEST_NAME):
        follower = NEXT.match(text, end)
        if not follower or not _joins(follower.group(2), bool(follower.group(1)), lexicon):
            break
        end = follower.end()
    for _ in range(LONGEST_NAME):
        before = PREVIOUS.search(text, max(0, start - 24), start)
        if not before or not _joins(before.group(1), False, lexicon):
            break
        start = before.start(1)
    return start, end


def _joins(word: str, particle: bool, lexicon: Lexicon) -> bool:
    """Whether a capitalised word beside a name is part of it."""
    low = lowered(word)
    entry = entry_of(low, lexicon)
    if _only_names(word, lexicon) or (particle and entry.last):
        return True
    known = (entry.first or entry.last) and not word.isupper()
    return bool(known) and (low in SHORT_SURNAMES or group_of(low, entry) in WORD_GROUPS - {"pn"})


def _neighbours(text: str, start: int, end: int, lexicon: Lexicon) -> Iterator[Span]:
    """Yield the known name that "and" or "or" joins to a name: "Adeola and Morel settled it"."""
    pairs = (NEIGHBOUR.match(text, end), NEIGHBOUR_BEFORE.search(text, max(0, start - 40), start))
    for match in pairs:
        entry = entry_of(lowered(match.group(1)), lexicon) if match else UNKNOWN
        if match and (entry.first or entry.last) and _only_names(match.group(1), lexicon):
            span = match.span(1)
            if not names_a_thing(text, *span, lexicon) and text[span[1] : span[1] + 2] not in {
                " &",
                "'s",
                "’s",
            }:
                yield span


def _only_names(word: str, lexicon: Lexicon) -> bool:
    """Whether a capitalised word is no everyday word, place, title or other thing that a list holds."""
    low = lowered(word)
    if word.isupper() or low in word_lists()["in_place_names"]:
        return False
    return group_of(low, entry_of(low, lexicon)) == "-"


def _mentions(text: str, spans: list[Span], mask: bytearray, lexicon: Lexicon) -> list[Span]:
    """Return the other places where a word of a name stands, as "Rowling" after "J. K. Rowling"."""
    carried: dict[str, bool] = {}
    for start, end in spans:
        for word, sure in _carried(text[start:end], lexicon):
            carried[word] = carried.get(word, False) or sure
    if (
        len(carried) <= DIRECT_SEARCH_LIMIT
    ):  # of more, looking for each would take longer than looking at every word
        carried = {word: sure for word, sure in carried.items() if text.count(word) > 1}
    if not carried:
        return []
    for start, end in spans:
        mask[start:end] = b"\1" * (end - start)
    return [
        match.span()
        for match in WORD.finditer(text)
        if match.group() in carried
        and not any(mask[match.start() : match.end()])
        and not THINGS_NAMED_AFTER.match(text, match.end())
        and (carried[match.group()] or _stands_for_person(text, *match.span(), lexicon))
    ]


def _carried(name: str, lexicon: Lexicon) -> Iterator[tuple[str, bool]]:
    """Yield the words of a name that can stand for the person, and whether they do so anywhere."""
    words = [word for word in WORD.findall(name) if word[0].isupper()]
    for word in words:
        low = lowered(word)
        entry = lexicon.get(low, UNKNOWN)
        if len(word) < 3 or is_person_noun(low) or (entry.city and len(words) == 1):
            continue
        named = (entry.first or entry.last >= FREQUENT_SURNAME) and (entry.case or 0) > RARELY_CAPITAL
        sure = not entry.common or (len(words) > 1 and bool(named))
        sure = sure and not entry.city and low not in word_lists()["calendar"]
        if sure or not word.isupper():
            yield word, sure


def _stands_for_person(text: str, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether a word that is also an everyday word or a place stands for somebody: "Stern agreed"."""
    low = lowered(text[start:end])
    if lexicon.get(low, UNKNOWN).city or low in word_lists()["calendar"]:
        follower = FOLLOWERS.match(text, end)
        return follower is not None and follower.group(1) in word_lists()["human_verbs"]
    return not opens_sentence(text, start) or (
        FOLLOWERS.match(text, end) is not None and not reads_as_word(text, end)
    )


def _with_title(text: str, start: int) -> int:
    """Take along an honorific, or a capitalised kin word or rank that names one person with the name."""
    floor = max(0, start - 12)
    match = TITLE_BEFORE.search(text[floor:start])
    if not match or not match.group(1)[0].isupper():
        return start
    lists, title = word_lists(), match.group(1).lower()
    taken = any(title in lists[name] for name in ("honorifics", "kin_titles", "foreign_titles"))
    return floor + match.start(1) if taken else start


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in spans:
        if merged and merged[-1][1] > start:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
