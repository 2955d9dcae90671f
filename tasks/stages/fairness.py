"""From a classifier to what it does to people, and to the rows that teach it better."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.caching import stage
from tasks.config import FairnessConfig, ScrubbingConfig
from tasks.equity import Audit, RateGap, Tone
from tasks.evaluation.thresholds import decide
from tasks.fairness import (
    audit_classifier,
    counterfactual_rows,
    group_topics,
    measure_tone,
    rate_gaps,
    templates_digest,
)
from tasks.realrows import real_rows
from tasks.records import DatasetRef, ModelRef, RealRef
from tasks.scrubbing import SCRUBBER_VERSION, Scrubber
from tasks.store import open_store
from tasks.taxonomy import Taxonomy
from tasks.training import load_classifier, predict

VERSION = f"1+{SCRUBBER_VERSION}+{templates_digest()}"

Matrix = NDArray[np.float64]


@stage("audit-fairness", version=VERSION)
def audit_fairness_task(
    model: ModelRef, taxonomy: Taxonomy, config: FairnessConfig, real: RealRef | None
) -> Audit:
    """Ask the classifier about pairs that should be labelled alike, raw and as deployed."""
    ask, scrub, cut = _service(open_store().get_folder(model))
    rates = _rates(ask, scrub, cut, taxonomy, real) if real else []
    return audit_classifier(ask, cut, scrub, config.pairs, rates)


@stage("counterfactuals", version=f"2+{templates_digest()}")
def counterfactuals_task(rows: DatasetRef, share: float, seed: int) -> DatasetRef:
    """Couples of rows that differ in whom they are about, as a share of the training rows."""
    store = open_store()
    train = [row for row in store.get_rows(rows) if row["split"] == "train"]
    return store.put_rows(counterfactual_rows(train, round(share * len(train)), seed))


@stage("judge-tone", version=VERSION)
def judge_tone_task(texts: tuple[DatasetRef, ...], model: ModelRef) -> Tone:
    """What the generator wrote about groups, labelled by a classifier that does not see the group.

    `texts` are those of each of `group_topics`, in that order.
    """
    store = open_store()
    found = [
        ((axis, group), row["text"])
        for ref, (axis, group, _) in zip(texts, group_topics(), strict=True)
        for row in store.get_rows(ref)
        if row["text"].strip()
    ]
    ask, scrub, _ = _service(store.get_folder(model))
    return measure_tone([place for place, _ in found], ask(scrub([text for _, text in found])))


Ask = Callable[[list[str]], Matrix]
Scrub = Callable[[list[str]], list[str]]
Cut = Callable[[Matrix], NDArray[np.bool_]]


def _service(folder: Path) -> tuple[Ask, Scrub, Cut]:
    """What the service does with a text: probabilities, scrubbing at the door, label sets."""
    model, tokenizer, settings = load_classifier(folder)
    thresholds = np.array(settings["thresholds"])
    scrubber = Scrubber(ScrubbingConfig.model_validate(settings["scrubbing"]))

    def ask(texts: list[str]) -> Matrix:
        return predict(model, tokenizer, texts, settings["max_tokens"], "audit fairness").astype(float)

    def scrub(texts: list[str]) -> list[str]:
        return [scrubbed.text for scrubbed in scrubber.many(texts)]

    return ask, scrub, lambda probabilities: decide(probabilities, thresholds)


def _rates(ask: Ask, scrub: Scrub, cut: Cut, taxonomy: Taxonomy, real: RealRef) -> list[RateGap]:
    """Gaps on people's text, whose groups can only be known before it is scrubbed."""
    rows = real_rows(real.source, "test", taxonomy)
    texts = [row["text"] for row in rows]
    truth = np.array([row["targets"] for row in rows]) >= 0.5
    return rate_gaps(texts, truth, cut(ask(scrub(texts))), taxonomy.names)
