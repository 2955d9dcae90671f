"""Whether scrubbing changes what classifiers make of people's texts."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from tasks.config import TrainingConfig
from tasks.data.reading import LabelledText, read_real
from tasks.data.records import Row
from tasks.models.bundled import MINILM
from tasks.pipeline.decision.thresholds import decide, tune_thresholds
from tasks.pipeline.scrubbing import Scrubber
from tasks.pipeline.training.classifier import predict, train_classifier

Decide = Callable[[list[str]], np.ndarray]

TRAINING = 12_000
"""Rows that the classifier learns from; 2,000 more choose its thresholds."""
VALIDATION = 2_000
EPOCHS = 2
MIN_POSITIVES = 20
POLAR = 0.05
"""Compound score from which VADER's authors call a text positive, or negative below minus that."""
GENDER = frozenset({"GENDER", "AGREEMENT"})
CONTACT = frozenset(
    {"EMAIL_ADDRESS", "URL", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "US_SSN"}
)
CONTACT |= {"ID", "HANDLE"}


def decisions(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Share of GoEmotions dev texts whose decisions change, by what was scrubbed and by who decides.

    One classifier is a lexicon with three classes, VADER. The other is of the kind that a run makes: MiniLM
    fine-tuned on scrubbed training texts, 28 labels, thresholds chosen on texts of the training file; a text
    counts as changed if any of the 28 decisions does. For scale, the same classifier is asked about those
    texts with one common name, and with another, in place of every mask.
    """
    train = read_real(str(folder), "train")[: TRAINING + VALIDATION]
    dev = read_real(str(folder), "test")
    done = scrubber.many([t.text for t in dev])
    before, after = [t.text for t in dev], [d.text for d in done]
    kinds = [set(d.counts) for d in done]
    groups = {
        "with persons or demographics": [bool(k - CONTACT) for k in kinds],
        "without": [not k - CONTACT for k in kinds],
        "with gendered words alone": [bool(k) and k <= GENDER for k in kinds],
    }
    found: dict[str, float] = {f"rows {name}": sum(group) for name, group in groups.items()}
    trained = _trained(train, [d.text for d in scrubber.many([t.text for t in train])])
    for who, classify in (("lexicon", _lexicon()), ("trained", trained)):
        moved = _moved(classify, before, after)
        for name, group in groups.items():
            found[f"{who}, changed {name}"] = float(moved[np.array(group)].mean())
    named = [text for text in before if "[NAME]" in text]
    one, other = ([text.replace("[NAME]", name) for text in named] for name in ("Anna", "Ahmed"))
    found["trained, changed by another name, unscrubbed"] = float(_moved(trained, one, other).mean())
    return found


def _moved(classify: Decide, before: list[str], after: list[str]) -> np.ndarray:
    """Whether the decision on each text changed: bool (n_texts,)."""
    moved = np.zeros(len(before), bool)
    changed = [i for i, text in enumerate(before) if text != after[i]]
    moved[changed] = (classify([before[i] for i in changed]) != classify([after[i] for i in changed])).any(
        axis=1
    )
    return moved


def _lexicon() -> Decide:
    """Positive, negative or neither, each (n_texts, 1)."""
    analyzer = SentimentIntensityAnalyzer()

    def classify(texts: list[str]) -> np.ndarray:
        compound = np.array([[analyzer.polarity_scores(text)["compound"]] for text in texts])
        return np.sign(compound) * (abs(compound) >= POLAR)

    return classify


def _trained(real: Sequence[LabelledText], texts: list[str]) -> Decide:
    """28 decisions, bool (n_texts, 28), of a classifier that learnt from scrubbed texts."""
    names = sorted({label for row in real for label in row.labels})
    rows = [
        Row(
            text=text,
            targets=[float(name in row.labels) for name in names],
            weight=1.0,
            level=None,
            source="real",
        )  # type: ignore[typeddict-item]
        for row, text in zip(real, texts, strict=True)
    ]
    train, validation = rows[:TRAINING], rows[TRAINING:]
    config = TrainingConfig(base=MINILM, epochs=EPOCHS)
    with tempfile.TemporaryDirectory() as scratch:
        model, tokenizer, _ = train_classifier(train, validation, names, config, 0, Path(scratch))

    def probabilities(texts: list[str]) -> np.ndarray:
        return predict(model, tokenizer, texts, config.max_length)

    targets = np.array([row["targets"] for row in validation])
    thresholds = tune_thresholds(probabilities([row["text"] for row in validation]), targets, MIN_POSITIVES)
    return lambda texts: decide(probabilities(texts), thresholds)
