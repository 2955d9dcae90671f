"""Reads UD English EWT (CC BY-SA 4.0) as tokens of the scrubber with Penn tags."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tasks.pipeline.scrubbing.tokens import POSSESSIVES, tokens_of

BE, HAVE = "BES", "HVS"
"""Tags of "'s" for "is" and "has", as the Switchboard part of the Penn Treebank has them."""
OF_LEMMA = {"be": BE, "have": HAVE}
LONGEST_GROUP = 8
"""Words of the treebank that one token of ours spans, at most."""
FARTHEST = 6
"""Characters between two words of the treebank, at most; more means that the text was changed."""


class TaggedSentence(NamedTuple):
    """One sentence of the treebank."""

    text: str
    words: list[str]
    tags: list[str]
    """One tag for each token of `tokens_of(text)`."""
    document: int = 0
    """Number of its document, so that folds can keep documents whole."""


class Word(NamedTuple):
    """One syntactic word of the treebank with its place in the text."""

    start: int
    end: int
    tag: str


def read_treebank(path: Path) -> list[TaggedSentence]:
    """Return the sentences of a CoNLL-U file; the few whose words do not follow its text are left out.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"treebank {path} is missing; expected a CoNLL-U file. Put UD English EWT there (see NOTICE)."
        )
    matches, document = list[TaggedSentence](), 0
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        document += block.startswith("# newdoc")
        if sentence := _sentence(block.splitlines(), document):
            matches.append(sentence)
    return matches


def _sentence(lines: list[str], document: int) -> TaggedSentence | None:
    text = next((line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")), "")
    words = list(_placed(text, lines))
    if len(words) < sum(line.split("\t")[0].isdigit() for line in lines):
        return None
    tokens = tokens_of(text)
    tags, first = [], 0
    for start, end, token in zip(tokens.starts, tokens.ends, tokens.words, strict=True):
        while first < len(words) and words[first].end <= start:
            first += 1
        inside = [word.tag for word in words[first : first + LONGEST_GROUP] if word.start < end]
        tags.append(_one_tag(token, inside) if inside else "XX")
    return TaggedSentence(text, tokens.words, tags, document)


def _placed(text: str, lines: list[str]) -> Iterator[Word]:
    """Find each word's place; stop where one is not where it should be."""
    index = 0
    for line in lines:
        columns = line.split("\t")
        if not columns[0].isdigit():
            continue
        start = text.find(columns[1], index)
        if start < 0 or start - index > FARTHEST:
            return
        index = start + len(columns[1])
        tag = OF_LEMMA.get(columns[2], columns[4]) if columns[1] in POSSESSIVES else columns[4]
        yield Word(start, index, tag)


def _one_tag(token: str, tags: list[str]) -> str:
    """Return the tag of a token that spans several words: the last of a compound, else the first."""
    return tags[-1] if "-" in token and len(token) > 1 else tags[0]
