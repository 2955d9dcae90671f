"""Texts to answers in several processes: in order, with a bounded number of chunks in progress."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from deployments.api.judging import find_export
from deployments.api.loading import Served, load
from deployments.api.predicting import Item, Prediction, predict_items
from deployments.api.settings import ApiSettings
from deployments.api.sources import Source, fetched, find
from tasks.cli.options import ClassifyOptions

PLACES = 4
"""Decimals of a probability, as in the service."""
AHEAD = 2
"""Chunks per worker that are read before the first is done."""
Answer = dict[str, Any]
T = TypeVar("T")

_served: Served | None = None


def settings_of(options: ClassifyOptions) -> ApiSettings:
    """The service's settings for the same model on the same cores."""
    return ApiSettings(model=options.model, taxonomy=options.taxonomy, workers=options.workers)


def source_of(options: ClassifyOptions) -> tuple[Source, str]:
    """Where the model is, looked through before a worker loads it, and which arithmetic will answer.

    Raises:
        FileNotFoundError: There is no champion yet.
        ValueError: There are several, or no such run, or its files are damaged or of another version.
    """
    settings = settings_of(options)
    source = find(settings)
    with fetched(source) as (folder, sha256):
        found = find_export(folder, sha256, settings)
    return source, f"{found[1].format} {found[1].chosen}" if found else "torch"


def answer_texts(options: ClassifyOptions, texts: Sequence[str]) -> list[Answer]:
    """Answers to a few texts, in this process."""
    settings = settings_of(options)
    served = load(find(settings), settings)
    return [answer_of(found) for found in predict_items([Item(served, t, options.scrub) for t in texts])]


def answer_of(found: Prediction) -> Answer:
    """Labels, confidence and probabilities of a text; `level` on a scale."""
    names = found.served.settings["labels"]
    answer: Answer = {
        "predicted": [name for name, yes in zip(names, found.decided.tolist(), strict=True) if yes],
        "confidence": round(found.confidence, PLACES),
        "unsure": found.unsure,
    }
    if found.level is not None:
        answer["level"] = found.level
    answer["probabilities"] = {
        name: round(p, PLACES) for name, p in zip(names, found.probabilities.tolist(), strict=True)
    }
    return answer


def answered(
    options: ClassifyOptions, chunks: Iterable[T], texts_of: Callable[[T], list[str]]
) -> Iterator[tuple[T, list[Answer]]]:
    """Each chunk with the answers to its texts, in order; chunks are read as workers become free.

    One worker is this process itself.
    """
    if options.workers == 1:
        _open(options)
        for chunk in chunks:
            yield chunk, _answer(texts_of(chunk), options.scrub)
        return
    # Spawned, because torch's threads do not survive a fork.
    spawned = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(options.workers, spawned, initializer=_open, initargs=(options,))
    waiting = deque[tuple[T, Future[list[Answer]]]]()
    try:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(_answer, texts_of(chunk), options.scrub)))
            if len(waiting) >= AHEAD * options.workers:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    except BrokenProcessPool:
        raise ValueError(
            "a worker ended before it answered; expected it to load the model and to stay. What it said is "
            "above; where memory was short, give fewer --workers. The same command continues."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _open(options: ClassifyOptions) -> None:
    global _served
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    settings = settings_of(options)
    _served = load(find(settings), settings)


def _answer(texts: list[str], scrub: bool) -> list[Answer]:
    if _served is None:
        raise RuntimeError("the model of this worker is not loaded")
    return [answer_of(found) for found in predict_items([Item(_served, text, scrub) for text in texts])]
