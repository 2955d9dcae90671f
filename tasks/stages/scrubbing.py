"""Scrubbing as a cached stage, and the scrub report of a run."""

from collections import Counter
from collections.abc import Sequence

from tasks.config import ScrubbingConfig
from tasks.data.records import Row
from tasks.data.references import DatasetRef, FilterRefs, ModelRef
from tasks.data.scrub_scores import Decisions, Rewrite, ScrubSummary
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.decision.thresholds import decide_as
from tasks.pipeline.scrubbing import redacted_texts, scrub_report, scrub_rows
from tasks.pipeline.training.classifier import load_classifier, predict
from tasks.storage.connection import open_store

MAX_TEXTS = 2_000
"""Scrubbed texts that the classifier reads both ways, at most."""
MAX_EXAMPLES = 10


@stage("scrub-report")
def report_scrubbing_task(
    *, before: tuple[DatasetRef, ...], rows: DatasetRef, model: ModelRef, scrubbing: ScrubbingConfig
) -> ScrubSummary:
    """Totals, examples, leaks, and what scrubbing did to the classifier's decisions."""
    store = open_store()
    after = store.get_rows(rows)
    originals = [row for ref in before for row in store.get_rows(ref)]
    report = scrub_report(originals, after, scrubbing)
    decisions = _decisions(originals, after, model, scrubbing)
    return ScrubSummary.model_validate({**report, "decisions": decisions})


def _decisions(
    originals: Sequence[Row], after: Sequence[Row], model: ModelRef, scrubbing: ScrubbingConfig
) -> Decisions:
    """Let the classifier read scrubbed texts as they came and as they are."""
    texts = {row["id"]: row["text"] for row in originals}
    changed = [row for row in after if row["scrubbed"] and row["id"] in texts][:MAX_TEXTS]
    pairs = [(texts[row["id"]], row["text"]) for row in changed]
    moved: list[tuple[str, str, list[str], list[str]]] = []
    if pairs:
        decided = _decided([text for pair in pairs for text in pair], model)
        moved = [
            (*pair, decided[2 * i], decided[2 * i + 1])
            for i, pair in enumerate(pairs)
            if decided[2 * i] != decided[2 * i + 1]
        ]
    shown = moved[:MAX_EXAMPLES]
    redacted = redacted_texts([text for text, *_ in shown], scrubbing)
    return Decisions(
        rows=len(pairs),
        changed=len(moved),
        gained=dict(Counter(label for *_, a, b in moved for label in b if label not in a)),
        lost=dict(Counter(label for *_, a, b in moved for label in a if label not in b)),
        examples=tuple(
            Rewrite(about=f"{_named(a)} → {_named(b)}", before=text, after=done)
            for text, (_, done, a, b) in zip(redacted, shown, strict=True)
        ),
    )


def _named(labels: Sequence[str]) -> str:
    return ", ".join(labels) or "no label"


def _decided(texts: list[str], ref: ModelRef) -> list[list[str]]:
    """Labels that the classifier decides for, per text."""
    model, tokenizer, settings = load_classifier(open_store().get_folder(ref))
    found = predict(model, tokenizer, texts, settings["max_length"]).astype(float)
    decided = decide_as(settings, found)
    return [[name for name, yes in zip(settings["labels"], row, strict=True) if yes] for row in decided]


def report_scrubbing(
    run: RunContext, before: tuple[DatasetRef, ...], rows: DatasetRef, model: ModelRef
) -> ScrubSummary:
    """What was scrubbed out of the accepted rows, and what that changed; `before` are the rows unscrubbed."""
    return run.call(
        report_scrubbing_task, before=before, rows=rows, model=model, scrubbing=run.config.scrubbing
    )


def scrub(run: RunContext, rows: DatasetRef) -> FilterRefs:
    """Replace names, contact data and demographic words."""
    return run.call(scrub_task, rows=rows, scrubbing=run.config.scrubbing)


@stage("scrub")
def scrub_task(*, rows: DatasetRef, scrubbing: ScrubbingConfig) -> FilterRefs:
    """Replace names, contact data and demographic words."""
    store = open_store()
    return store.put_filtered(scrub_rows(store.get_rows(rows), scrubbing))
