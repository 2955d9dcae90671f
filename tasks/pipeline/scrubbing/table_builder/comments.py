"""Comments of GoEmotions (CC BY 4.0) as training text: their masked names are filled with names of ours.

What looks like a name in comments is mostly none, and the masks tell where people were named.
"""

import random
import re
from pathlib import Path

from tasks.pipeline.scrubbing.names.features import Lexicon
from tasks.pipeline.scrubbing.table_builder.people import NameSource, name_source
from tasks.pipeline.scrubbing.table_builder.sentences import Annotated

MASK = re.compile(r"\[NAME\]")
FULL_SHARE, FIRST_SHARE = 0.25, 0.5
"""Shares of the masks that become full names and first names; the others become surnames."""
LOWER_CASE_SHARE = 0.5
"""Share of the comments without capitals in which the names have none either."""


def masked_comments(path: Path, lexicon: Lexicon, n_nameless: int, seed: int) -> list[Annotated]:
    """Return all comments with masks, filled, and `n_nameless` of the others.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"comments {path} are missing; expected GoEmotions' train.tsv (see NOTICE).")
    rng = random.Random(seed)
    names = name_source(lexicon, rng)
    texts = [line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    named = [text for text in texts if "[NAME]" in text]
    nameless = [text for text in texts if "[" not in text]
    chosen = rng.sample(nameless, min(n_nameless, len(nameless)))
    return [filled(text, names) for text in named] + [Annotated(text, []) for text in chosen]


def filled(text: str, names: NameSource) -> Annotated:
    """Put a name in place of each mask."""
    lower = text.replace("[NAME]", "").islower() and names.rng.random() < LOWER_CASE_SHARE
    first, *others = MASK.split(text)
    written, entities = first, list[tuple[int, int, str]]()
    for piece in others:
        name = _name(names)
        start = len(written)
        if entities and not written[entities[-1][1] :].strip():
            start = entities.pop()[0]  # neighbouring masks are one name
        written += name.lower() if lower else name
        entities.append((start, len(written), "PER"))
        written += piece
    return Annotated(written, entities)


def _name(names: NameSource) -> str:
    draw = names.rng.random()
    if draw < FULL_SHARE:
        return names.full()
    return names.pair()[0 if draw < FULL_SHARE + FIRST_SHARE else 1]
