"""Mixed-sentiment texts for scales with two sides: a positive and a negative text about one topic, joined.

Each half was written for its label and judged by itself; only the connective is ours. Two texts become one
that carries both labels, so the number of texts per label stays what it was.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from tasks.data.records import Row, Segment
from tasks.taxonomy import Taxonomy

CONNECTIVES = ("But", "Still,", "Then again,", "That said,", "On the other hand,", "Even so,")
_END = re.compile(r"[.!?…][\"'”’)]*$")
# Words that begin a sentence with a capital and go on without one. Others may be names.
_FIRST = re.compile(
    r"(?:The|A|An|It|It's|This|That|These|Those|My|Your|His|Her|Our|Their|We|You|They|He|She|There|What|When|"
    r"If|So|Not|No|Just|Very|Really|Too|Great|Good|Bad|Nice|Some|Every|All|One|In|On|At|For|With|From|"
    r"Thanks|Thank|Sorry|Yes|Yeah|Oh|Wow|Damn|Even|Still|After|As|Is|Are|Was|Don't|Can't)\b"
)


def compose_mixed_texts(rows: Sequence[Row], taxonomy: Taxonomy, share: float, seed: int) -> list[Row]:
    """Join texts of opposite sides into mixed ones, within one split and one topic.

    Args:
        rows: Rows that are split.
        taxonomy: Whose scale says what is for and what against; without two sides nothing is joined.
        share: Share of the texts that are mixed afterwards, 0..0.5; fewer where topics have one side alone.
        seed: Decides who is joined.

    Returns:
        Rows in their order, a mixed one at the place of its first half: `id` and `prompt_id` name both
        halves joined by `+`, `segments` says where each stands, `votes` holds the lower of each vote.
    """
    if not taxonomy.two_sided or not share:
        return list(rows)
    rng = np.random.default_rng(seed)
    pairs = _pairs(rows, taxonomy, rng)
    n_wanted = round(share * len(rows) / (1 + share))
    chosen = [pairs[i] for i in rng.permutation(len(pairs))[:n_wanted]]
    joined = {first: _join(rows[first], rows[second], rng) for first, second in chosen}
    gone = {second for _, second in chosen}
    return [joined.get(i, row) for i, row in enumerate(rows) if i not in gone]


def _pairs(rows: Sequence[Row], taxonomy: Taxonomy, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Rows that can be joined, each used once; either side may come first."""
    sides: Mapping[tuple[str, str], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    middle = (taxonomy.n_labels - 1) / 2
    for i in rng.permutation(len(rows)).tolist():
        row = rows[i]
        if row["source"] != "synthetic" or len(row["labels"]) != 1:
            continue
        place = taxonomy.index[row["labels"][0]]
        if place != middle:
            sides[row["split"], row["topic"]][place > middle].append(i)
    pairs = [pair for both in sides.values() for pair in zip(*both, strict=False)]
    # Person A of one text is somebody else than Person A of the other.
    strangers = [pair for pair in pairs if not all("PERSON" in rows[i]["scrubbed"] for i in pair)]
    return [pair if rng.random() < 0.5 else pair[::-1] for pair in strangers]


def _join(first: Row, second: Row, rng: np.random.Generator) -> Row:
    opening = first["text"] if _END.search(first["text"]) else f"{first['text']}."
    rest = second["text"]
    if _FIRST.match(rest):
        rest = rest[0].lower() + rest[1:]
    text = f"{opening} {CONNECTIVES[int(rng.integers(len(CONNECTIVES)))]} {rest}"
    halves = (first, second)
    return {
        **first,
        "id": "+".join(half["id"] for half in halves),
        "text": text,
        "labels": [name for half in halves for name in half["labels"]],
        "level": None,
        "targets": [_either(*both) for both in zip(first["targets"], second["targets"], strict=True)],
        "scenario": " ".join(half["scenario"] for half in halves).strip(),
        "prompt_id": "+".join(half["prompt_id"] for half in halves),
        "prompt": "\n".join(half["prompt"] for half in halves),
        "round": max(half["round"] for half in halves),
        "votes": {
            **second["votes"],
            **{k: min(v, second["votes"].get(k, v)) for k, v in first["votes"].items()},
        },
        "scrubbed": _sum(first["scrubbed"], second["scrubbed"]),
        "segments": [
            Segment(start=0, end=len(opening), label=first["labels"][0]),
            Segment(start=len(text) - len(rest), end=len(text), label=second["labels"][0]),
        ],
    }


def _either(one: float, other: float) -> float:
    """Target of a label of two halves: unknown of one is unknown of both, unless the other carries it."""
    return max(one, other) if min(one, other) >= 0 or max(one, other) > 0.5 else -1.0


def _sum(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {kind: first.get(kind, 0) + second.get(kind, 0) for kind in sorted({*first, *second})}
