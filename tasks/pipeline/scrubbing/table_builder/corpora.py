"""Annotated text by people: WNUT-17, Broad Twitter Corpus, wikigold (all CC BY 4.0) in CoNLL columns."""

import re
from collections.abc import Iterator
from pathlib import Path

from tasks.pipeline.scrubbing.table_builder.sentences import Annotated

TRAINED = (
    "wnut17_train",
    "wnut17_dev",
    "wnut17_test",
    "btc_a",
    "btc_b",
    "btc_f",
    "btc_g",
    "btc_h",
    "wikigold_wikigold.conll",
)
HELD_OUT = ("btc_e",)
"""Never trained on: the quick check that the build prints."""
PERSON_TAGS = frozenset({"PER", "person", "PERSON"})
TIGHT = re.compile(r"[.,;:!?)%’”]|'s|n't|'\w+")
"""Tokens that stand without a blank before them."""


def read_corpora(folder: Path, names: tuple[str, ...]) -> list[Annotated]:
    """Return the sentences of the named files.

    Raises:
        FileNotFoundError: If a file is missing.
    """
    sentences: list[Annotated] = []
    for name in names:
        path = next(iter(sorted(folder.glob(f"{name}*"))), None)
        if path is None:
            raise FileNotFoundError(
                f"corpus {name} is missing in {folder}; expected a CoNLL file. Put it there (see NOTICE)."
            )
        text = path.read_text(encoding="utf-8", errors="replace")
        sentences += [detokenised(words, spread(words, tags)) for words, tags in blocks(text)]
    return sentences


def blocks(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words and tags of each sentence."""
    words: list[str] = []
    tags: list[str] = []
    for line in [*text.split("\n"), ""]:
        columns = line.split("\t") if "\t" in line else line.split()
        if len(columns) < 2 or not columns[0].strip():
            if words:
                yield words, tags
            words, tags = [], []
        elif columns[0] != "-DOCSTART-":
            words.append(columns[0].strip())
            tags.append(columns[-1].strip() or "O")


def spread(words: list[str], tags: list[str]) -> list[str]:
    """Bring tags to B-/I- with the labels PER and OTH; user names behind an at-sign are no names."""
    matches: list[str] = []
    previous = "O"
    for index, (word, tag) in enumerate(zip(words, tags, strict=True)):
        handle = word[0] == "@" or (index > 0 and words[index - 1] == "@")
        label = "O" if handle or "-" not in tag else "PER" if tag[2:] in PERSON_TAGS else "OTH"
        begins = tag.startswith("B") or previous == "O" or previous != tag[2:]
        matches.append("O" if label == "O" else f"{'B' if begins else 'I'}-{label}")
        previous = "O" if label == "O" else tag[2:]
    return matches


def detokenised(words: list[str], tags: list[str]) -> Annotated:
    """Put the words together as people write them and turn tags into spans."""
    text, entities = "", list[tuple[int, int, str]]()
    for word, tag in zip(words, tags, strict=True):
        if text and not TIGHT.fullmatch(word) and text[-1] not in "(“@#$":
            text += " "
        if tag.startswith("B"):
            entities.append((len(text), len(text) + len(word), tag[2:]))
        elif tag.startswith("I") and entities:
            entities[-1] = (entities[-1][0], len(text) + len(word), tag[2:])
        text += word
    return Annotated(text, entities)
