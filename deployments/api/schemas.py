"""What goes in and what comes out; the OpenAPI document is made from these."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MAX_TEXTS = 256
MAX_TEXT_LENGTH = 10_000
MAX_CHARACTERS = 250_000
MAX_EXPLAINED = 8
MAX_WORDS = 100

BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters that show nothing and that Unicode counts as marks, letters or symbols."""


def is_visible(character: str) -> bool:
    """Whether a character shows anything: no white space, control, format mark or variation selector."""
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return unicodedata.category(character)[0] not in "ZC" and character not in BLANK and not is_selector


def _visible(text: str) -> str:
    if not any(map(is_visible, text)):
        raise ValueError("the text has no visible character; expected one at least.")
    return text


# A text without a single visible character cannot be judged.
Text = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT_LENGTH, pattern=r"\S"), AfterValidator(_visible)
]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Body(BaseModel):
    """Base of requests: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Answer(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class PredictRequest(Body):
    """Texts, and what is wanted to know about them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"texts": "The room was lovely, but Anna Smith waited an hour for her soup."},
                {"texts": ["I adore this phone.", "It broke in a week."], "labels": "decided"},
                {"texts": ["The soup was cold."], "explain": True, "timeout_ms": 2000},
            ]
        }
    )

    texts: Annotated[
        list[Text],
        Field(min_length=1, max_length=MAX_TEXTS),
        BeforeValidator(_listed, json_schema_input_type=Text | list[Text]),
    ]
    """One text or a list of up to 256; 10,000 characters each and 250,000 in all, at most."""
    scrub: bool = True
    """Take names, contact data and demographics out first, as in training."""
    labels: Literal["all", "decided"] = "all"
    """Scores of all labels, or of the decided ones alone."""
    replacements: bool = False
    """List what the scrubber replaced, and where."""
    explain: bool = False
    """Say which words moved the decision, by leaving out one after the other; up to 8 texts."""
    run: str | None = Field(None, max_length=200)
    """Answer only if this run's model is served, else 404; protects from a change of the champion."""
    timeout_ms: int | None = Field(None, ge=100, le=600_000)
    """Milliseconds within which the answer is of use; beyond them 504."""


class LabelScore(Answer):
    """One label of one text."""

    label: str = Field(examples=["positive"])
    probability: float = Field(ge=0, le=1, examples=[0.731])
    threshold: float = Field(ge=0, examples=[0.402])
    decided: bool = Field(examples=[True])


class Replacement(Answer):
    """Something that the scrubber put in a text."""

    start: int
    """First character in the scrubbed text."""
    end: int
    """Behind the last character; equal to `start` where something was taken out."""
    before: str = Field(examples=["Anna Smith"])
    """What stood there."""
    type: str = Field(examples=["PERSON"])
    """Kind of what stood there, several joined by +; empty for words that only agree with a change."""


class Influence(Answer):
    """How much one word speaks for what was decided."""

    start: int
    end: int
    influence: float
    """Probability of the decided labels with the word less that without it, mean over them: -1..1."""


class TextResult(Answer):
    """What the classifier says about one text."""

    text: str
    """The text that was judged: scrubbed, unless that was switched off."""
    labels: list[str] = Field(examples=[["positive"]])
    """Decided labels; none only by a classifier that learnt from texts without a label."""
    level: int | None = Field(examples=[2])
    """Place on the scale, 1 is the first label; null where the taxonomy is no scale."""
    confidence: float = Field(examples=[0.84])
    """F1 that the probabilities promise the decided labels, 0..1."""
    unsure: bool = False
    """The confidence is too low for a model that was told to abstain (`--evaluation.abstain`)."""
    scores: list[LabelScore]
    scrubbed: dict[str, int] = Field(examples=[{"PERSON": 1}])
    """Replacements per kind."""
    truncated: bool = False
    """The text is longer than the model reads; its end was not judged."""
    replacements: list[Replacement] | None = None
    words: list[Influence] | None = None
    """In order of the text; the first 100 words."""


class PredictResponse(Answer):
    """Results in the order of the texts, and the run whose model gave them."""

    run: str = Field(examples=["sentiment7-embedded-20261120-151623"])
    results: list[TextResult]


class LabelInfo(Answer):
    """One label of the model."""

    label: str
    meaning: str
    threshold: float


class ModelInfo(Answer):
    """What is served."""

    run: str
    sha256: str
    """Of the model folder."""
    taxonomy: str
    ordinal: bool
    labels: list[LabelInfo]
    max_length: int
    base: str
    """Encoder that training started from."""
    runtime: str = Field(examples=["onnx"])
    """What runs it: torch, onnx or openvino."""
    precision: str
    agreement: float | None
    """Share of held-out rows on which it decides as the evaluated model; null where it is the same."""
    scrubber: str
    """Version that is at work."""
    scrubber_of_training: str
    card: str
    """Model card, Markdown."""
    outcome: str | None
    """`champion`, or `candidate` with the reason; null for a model folder alone."""
    scores: list[dict[str, Any]]
    """Classifier and baselines on every test set, as in scores.json."""
    limits: dict[str, int]


class GenerateRequest(Body):
    """What to write."""

    labels: list[str] = Field(min_length=1, max_length=2, examples=[["positive"]])
    topic: str = Field(min_length=1, max_length=60, examples=["hotels"])
    n_texts: int = Field(4, ge=1, le=16)
    seed: int = Field(0, ge=0, le=2**31 - 1)


class GenerateResponse(Answer):
    """Texts that were written, cleaned and scrubbed; fewer than asked for where cleaning dropped some."""

    run: str
    texts: list[str]
    dropped: dict[str, int]
    """Texts that were written and not kept, by reason."""


class Health(Answer):
    """How it is."""

    status: Literal["ok"] = "ok"
