"""From a request to its answer, by way of the queue."""

import asyncio

from deployments.api.batching import OverloadedError
from deployments.api.explaining import influences, replacements, without_each
from deployments.api.guarding import refusal
from deployments.api.loading import Served
from deployments.api.predicting import Prediction
from deployments.api.problems import Problem
from deployments.api.schemas import (
    MAX_CHARACTERS,
    MAX_EXPLAINED,
    MAX_TEXT_LENGTH,
    MAX_TEXTS,
    Influence,
    LabelInfo,
    LabelScore,
    ModelInfo,
    PredictRequest,
    PredictResponse,
    TextResult,
)
from deployments.api.service import Service
from tasks.data.scores import CLASSIFIER
from tasks.data.summaries import Outcome
from tasks.pipeline.scrubbing import SCRUBBER_VERSION
from tasks.pipeline.scrubbing.normalization import normalise


async def answer(service: Service, request: PredictRequest) -> PredictResponse:
    """Judge the texts of a request.

    Raises:
        Problem: 404, 422, 503 or 504.
    """
    served = model_of(service, request.run)
    require_size(request)
    timeout_s = min(service.settings.timeout_s, (request.timeout_ms or 600_000) / 1000)
    try:
        async with asyncio.timeout(timeout_s):
            found = await service.predict(served, request.texts, request.scrub, timeout_s)
            words = [await _words(service, each, timeout_s) for each in found] if request.explain else None
    except OverloadedError as error:
        raise refusal(error) from None
    except TimeoutError:
        raise Problem(
            504, f"No answer within {timeout_s:g} s. Ask for fewer texts, or give more time."
        ) from None
    service.note(found)
    results = [
        _result(request, text, each, words[i] if words else None)
        for i, (text, each) in enumerate(zip(request.texts, found, strict=True))
    ]
    return PredictResponse(run=served.run, results=results)


def model_of(service: Service, run: str | None) -> Served:
    """The model that is served.

    Raises:
        Problem: 503 while there is none, 404 if it is not the one of that run.
    """
    served = service.served
    if served is None:
        raise Problem(503, "The model is being loaded. Try again in 2 s.", {"Retry-After": "2"})
    if run not in (None, served.run):
        raise Problem(404, f"That run is not served; expected {served.run}. Leave `run` out to take what is.")
    return served


def require_size(request: PredictRequest) -> None:
    """Refuse what fits the schema and is still too much.

    Raises:
        Problem: 422.
    """
    size = sum(map(len, request.texts))
    if size > MAX_CHARACTERS:
        raise Problem(
            422, f"The texts have {size} characters; expected {MAX_CHARACTERS} at most. Send fewer."
        )
    if request.explain and len(request.texts) > MAX_EXPLAINED:
        raise Problem(
            422,
            f"{len(request.texts)} texts are to be explained; expected {MAX_EXPLAINED} at most. Send fewer.",
        )


async def _words(service: Service, whole: Prediction, timeout_s: float) -> list[Influence]:
    variants = without_each(whole.text)
    if not variants:
        return []
    return influences(whole, await service.predict(whole.served, variants, False, timeout_s))


def _result(
    request: PredictRequest, text: str, found: Prediction, words: list[Influence] | None
) -> TextResult:
    names = found.served.settings["labels"]
    scores = [
        LabelScore(label=name, probability=round(p, 4), threshold=round(t, 4), decided=d)
        for name, p, t, d in zip(
            names,
            found.probabilities.tolist(),
            found.served.settings["thresholds"],
            found.decided.tolist(),
            strict=True,
        )
        if d or request.labels == "all"
    ]
    return TextResult(
        text=found.text,
        labels=[name for name, d in zip(names, found.decided.tolist(), strict=True) if d],
        level=found.level,
        confidence=round(found.confidence, 4),
        unsure=found.unsure,
        scores=scores,
        scrubbed=found.scrubbed,
        truncated=found.truncated,
        replacements=replacements(normalise(text), found.text, found.spans) if request.replacements else None,
        words=words,
    )


def describe(served: Served) -> ModelInfo:
    """Everything that there is to know about the served model."""
    results = served.scores.get("results", [])
    outcome = served.scores.get("outcome")
    return ModelInfo(
        run=served.run,
        sha256=served.sha256,
        taxonomy=served.taxonomy.name,
        ordinal=served.taxonomy.ordinal,
        labels=[
            LabelInfo(label=label.name, meaning=label.meaning, threshold=float(threshold))
            for label, threshold in zip(served.taxonomy.labels, served.settings["thresholds"], strict=True)
        ],
        max_length=served.settings["max_length"],
        base=str(served.settings["base"]).rstrip("/").rpartition("/")[2],
        runtime=served.runtime,
        precision=served.precision,
        agreement=served.agreement,
        scrubber=SCRUBBER_VERSION,
        scrubber_of_training=served.settings["scrubber"],
        card=served.card,
        outcome=str(Outcome.model_validate(outcome)) if outcome else None,
        scores=sorted(results, key=lambda result: result["name"] != CLASSIFIER),
        limits={"texts": MAX_TEXTS, "characters": MAX_TEXT_LENGTH, "explained": MAX_EXPLAINED},
    )
