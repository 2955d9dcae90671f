"""What the classifier is compared with: what one would take instead of training it."""

from enum import StrEnum

from pydantic import Field

from tasks.config.base import Config


class RivalKind(StrEnum):
    """Rivals beside those that are always measured (majority, TF-IDF and the two on sentence embeddings)."""

    generator = "generator"
    nli = "nli"
    reranker = "reranker"
    gliner = "gliner"
    llm = "llm"
    setfit = "setfit"


class RivalsConfig(Config, title="Rivals"):
    """What `evaluation.rivals` compares the classifier with: models, texts, and what an endpoint charges."""

    texts: int = Field(200, ge=10, le=1_000_000, title="Texts of a slow rival")
    """Test texts, drawn at random, that each zero-shot rival of `evaluation.rivals` labels, and as many
    validation texts."""
    nli: str = Field("MoritzLaurer/deberta-v3-base-zeroshot-v2.0", min_length=1, title="NLI model")
    """Folder or hub name of an entailment model; the default is MIT-licensed."""
    reranker: str = Field("Alibaba-NLP/gte-reranker-modernbert-base", min_length=1, title="Reranker")
    """Folder or hub name of a cross-encoder with one output."""
    gliner: str = Field("fastino/GLiNER2.5-multi-Decide", min_length=1, title="GLiNER2 model")
    """Folder or hub name of a GLiNER2 model, those made to decide included; needs `sentimill[gliner]`."""
    setfit_base: str = Field("all-MiniLM-L6-v2", min_length=1, title="SetFit encoder")
    """`all-MiniLM-L6-v2`, or the folder or hub name of a sentence encoder; needs `sentimill[setfit]`."""
    setfit_rows: tuple[int, ...] = Field((8, 16, 64), title="SetFit rows per label")
    """Human-labelled training rows per label that SetFit is shown; one rival per number."""
    setfit_steps: int = Field(500, ge=1, le=1_000_000, title="SetFit steps")
    """Steps of contrastive training at most."""
    llm: str = Field("default", min_length=1, title="LLM")
    """Name of the model at the endpoint; `default` is the first one that it names."""
    llm_endpoint: str | None = Field(None, min_length=1, title="LLM endpoint")
    """Base URL of an OpenAI-compatible server; empty means `generator.endpoint`."""
    llm_price_prompt: float | None = Field(None, ge=0.0, title="LLM price, prompts")
    """Price of a million tokens of prompts, in any one currency."""
    llm_price_answer: float | None = Field(None, ge=0.0, title="LLM price, answers")
    """Price of a million tokens of answers, in the same currency."""
