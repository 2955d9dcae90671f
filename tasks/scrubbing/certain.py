"""Names that need no model: behind a title ("Captain Nakamura"), or words together that are nothing else.

Of the runs in the annotated corpora of `build/corpora.py`, 92 % are names inside a sentence, 90 % at
its start; nearly all of the rest are places, teams and firms.
"""

from collections.abc import Iterator

from tasks.scrubbing.features import UNKNOWN, Entry, Lexicon, entry_of, group_of, shape, word_lists
from tasks.scrubbing.tokens import Span, Tokens, lowered

FREE_BEFORE = frozenset(",.!?\n")
TIED = frozenset("@#&-")
LONGEST_NAME = 4
"""Words that a title is followed by, at most."""


def certain_names(tokens: Tokens, lexicon: Lexicon) -> list[Span]:
    """Return the spans of names by title and of runs of names; other finders may know more of them."""
    return [*_titled(tokens, lexicon), *_runs(tokens, lexicon)]


def _titled(tokens: Tokens, lexicon: Lexicon) -> Iterator[Span]:
    """Yield capitalised names behind capitalised titles.

    Behind Mr, Ms, Dr and the like any capitalised word is a name; behind other titles one that is known as a
    name, or not known as anything else ("Captain Nakamura", not "General Motors").
    """
    lists = word_lists()
    for i, token in enumerate(tokens[:-1]):
        word = token.group()
        if not word[0].isupper() or word.lower() not in lists["titles"] or (len(word) > 2 and word.isupper()):
            continue
        first = i + 2 if tokens[i + 1].group() == "." else i + 1
        end = first
        while end < min(len(tokens), first + LONGEST_NAME) and _names(tokens[end].group()):
            end += 1
        if end == first or (end < len(tokens) and _is_thing(tokens[end].group())):
            continue
        if word.lower() in lists["honorifics"] or _may_name(lowered(tokens[first].group()), lexicon):
            yield tokens[first].start(), tokens[end - 1].end()


def _names(word: str) -> bool:
    """Whether a capitalised word can be part of a name."""
    low = lowered(word)
    return shape(word) in {"Xx", "Xm"} and not any(
        low in word_lists()[name] for name in ("titles", "not_names", "institutions", "after_titles")
    )


def _may_name(word: str, lexicon: Lexicon) -> bool:
    entry: Entry = lexicon.get(word, UNKNOWN)
    return bool(entry.first or entry.last) or not (entry.common or entry.city)


def _is_thing(word: str) -> bool:
    return word[0].isupper() and lowered(word) in word_lists()["institutions"]


def _runs(tokens: Tokens, lexicon: Lexicon) -> Iterator[Span]:
    """Yield two to four capitalised words, one of them known as a name, and all of them as nothing else."""
    words = [token.group() for token in tokens]
    place = 0
    while place < len(words) - 1:
        end = place
        while end < len(words) and words[end][0].isupper() and _only_names(words[end], lexicon):
            end += 1
        if 2 <= end - place <= LONGEST_NAME and _stands_free(words, place, end):
            known = (entry_of(lowered(word), lexicon) for word in words[place:end])
            if any(entry.first or entry.last for entry in known):
                yield tokens[place].start(), tokens[end - 1].end()
        place = end + 1


def _stands_free(words: list[str], start: int, end: int) -> bool:
    """Whether no other capitalised word or sign makes the run a part of something else."""
    before, behind = words[start - 1] if start else ".", words[end] if end < len(words) else "."
    return (before[0].islower() or before in FREE_BEFORE) and not (behind[0].isupper() or behind in TIED)


def _only_names(word: str, lexicon: Lexicon) -> bool:
    low = lowered(word)
    plain = shape(word) in {"Xx", "Xm"} and group_of(low, entry_of(low, lexicon)) == "-"
    return plain and low not in word_lists()["in_place_names"]
