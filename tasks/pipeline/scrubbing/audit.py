"""The account of a scrubbing run: what was replaced, how it reads, and what may have slipped through."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TypedDict, TypeVar

from tasks.config import ScrubbingConfig
from tasks.data.records import Row
from tasks.pipeline.scrubbing.normalization import as_text, flags_of, normalise
from tasks.pipeline.scrubbing.rows import scrubber_for
from tasks.pipeline.scrubbing.scrubber import SCRUBBER_VERSION, Scrubbed

MAX_EXAMPLES = 10
LEAK_SAMPLE = 2_000
"""Rows that the examples and the leak estimate read at most, evenly spread."""
WITHHELD = "(not shown: something was found in a later round only)"
HIGH_RECALL_BIAS = 1.5
"""Added to the name strictness for the eager pass of the leak estimate."""


Item = TypeVar("Item")


class Example(TypedDict):
    """One replacement at work."""

    about: str
    """The type that it shows."""
    before: str
    """The text with its personal parts shown as types only."""
    after: str


class Leaks(TypedDict):
    """What further passes over scrubbed rows find."""

    rows: int
    second_pass: dict[str, int]
    """Findings of the same scrubber; none, unless a text did not settle."""
    high_recall_pass: dict[str, int]
    """Findings of a scrubber that takes more words for names: an upper bound, false alarms included."""
    high_recall_rows: int
    """Rows with such a finding."""


class ScrubReport(TypedDict):
    """Everything that the report of a run says about scrubbing."""

    version: str
    settings: dict[str, object]
    rows: int
    rows_changed: int
    totals: dict[str, int]
    by_label: dict[str, dict[str, int]]
    by_topic: dict[str, dict[str, int]]
    flags: dict[str, int]
    examples: list[Example]
    leaks: Leaks


def scrub_report(before: Sequence[Row], after: Sequence[Row], config: ScrubbingConfig) -> ScrubReport:
    """Account for one run.

    Args:
        before: The rows as they came, as far as they are kept; examples are taken from these.
        after: The rows that `scrub_rows` kept, with their counts.
        config: What was scrubbed.

    Returns:
        Totals, examples and the leak estimate; no name or other personal part is in it.
    """
    originals = {row["id"]: row["text"] for row in before}
    sampled = _spread([row for row in after if row["scrubbed"] and row["id"] in originals], LEAK_SAMPLE)
    again = scrubber_for(config).many([originals[row["id"]] for row in sampled])
    return ScrubReport(
        version=SCRUBBER_VERSION,
        settings=config.model_dump(mode="json"),
        rows=len(after),
        rows_changed=sum(bool(row["scrubbed"]) for row in after),
        totals=_totals(after),
        by_label=_grouped(after, lambda row: row["labels"]),
        by_topic=_grouped(after, lambda row: [row["topic"]]),
        flags=_flags([originals[row["id"]] for row in after if row["id"] in originals]),
        examples=examples([originals[row["id"]] for row in sampled], again),
        leaks=leaks([row["text"] for row in after], config),
    )


def _flags(texts: Sequence[str]) -> dict[str, int]:
    """Count what was odd about the texts as they came, scrubbed or not."""
    read = [as_text(text) for text in texts]
    matches = Counter(flag for text, flags in read for flag in (*flags, *flags_of(normalise(text))))
    return dict(matches.most_common())


def _totals(rows: Sequence[Row]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for row in rows:
        totals.update(row["scrubbed"])
    return dict(totals.most_common())


def _grouped(rows: Sequence[Row], groups: Callable[[Row], Sequence[str]]) -> dict[str, dict[str, int]]:
    totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for group in groups(row):
            totals[group].update(row["scrubbed"])
    return {group: dict(totals[group].most_common()) for group in sorted(totals)}


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most `most` items, evenly spread."""
    step = max(1, -(-len(items) // most))
    return list(items[::step])


def examples(originals: Sequence[str], scrubbed: Sequence[Scrubbed]) -> list[Example]:
    """Return up to ten texts, each the shortest that shows a type, rarest types first."""
    counts = Counter(kind for done in scrubbed for kind in done.counts)
    shown: dict[int, Example] = {}
    for kind, _ in reversed(counts.most_common()):
        fitting = [
            i for i, done in enumerate(scrubbed) if kind in done.counts and i not in shown and placed(done)
        ]
        if fitting and len(shown) < MAX_EXAMPLES:
            i = min(fitting, key=lambda i: len(originals[i]))
            shown[i] = Example(about=kind, before=redacted(originals[i], scrubbed[i]), after=scrubbed[i].text)
    return list(shown.values())


def placed(scrubbed: Scrubbed) -> bool:
    """Whether all findings have a place in the text as it came: later rounds find theirs in changed texts."""
    return sum(scrubbed.counts.values()) == len(scrubbed.spans)


def redacted(original: str, scrubbed: Scrubbed) -> str:
    """Return the text as it came, replaced parts shown as types; withheld where a place is unknown."""
    if not placed(scrubbed):
        return WITHHELD
    text, pieces, index = normalise(original), list[str](), 0
    for start, end, kind in scrubbed.spans:
        blank = " " if text[start:end].endswith(" ") else ""
        pieces += [text[index:start], f"<{kind}>{blank}"]
        index = end
    return "".join([*pieces, text[index:]])


def redacted_texts(texts: Sequence[str], config: ScrubbingConfig) -> list[str]:
    """Return texts as they came, every part that scrubbing replaces shown as its type."""
    scrubbed = scrubber_for(config).many(texts)
    return [redacted(text, done) for text, done in zip(texts, scrubbed, strict=True)]


def leaks(texts: Sequence[str], config: ScrubbingConfig) -> Leaks:
    """Scrub scrubbed texts again, once as configured and once more eagerly, and count the findings."""
    sample = _spread(texts, LEAK_SAMPLE)
    eager = config.model_copy(update={"person_bias": min(5.0, config.person_bias + HIGH_RECALL_BIAS)})
    matches = scrubber_for(eager).many(sample)
    return Leaks(
        rows=len(sample),
        second_pass=_counted(scrubber_for(config).many(sample)),
        high_recall_pass=_counted(matches),
        high_recall_rows=sum(bool(done.counts) for done in matches),
    )


def _counted(scrubbed: Sequence[Scrubbed]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for done in scrubbed:
        totals.update(done.counts)
    return dict(totals.most_common())
