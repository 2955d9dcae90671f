"""The engine behind an OpenAI-compatible server: vLLM, TGI, llama.cpp, Ollama, `transformers serve`."""

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import wait
from typing import Any, TypeVar

import httpx

from tasks.config import GeneratorConfig, PromptForm
from tasks.config.judging import ANY_MODEL
from tasks.pipeline.sampling.interface import Request, Sample, Usage
from tasks.pipeline.sampling.retries import Json, Pause, RefusedError, ask, refuse
from tasks.pipeline.sampling.tokenization import chat_messages, without_thinking

CONNECT_S = 5.0
ANSWER_S = 300.0
"""Longest silence before a call counts as hung; a busy server answers long texts late."""
DEFAULT_CONCURRENCY = 64
WAKE_S = 1.0
"""A thread that waits for longer without waking cannot be told that its time is up."""

UNFIT = {400, 422}
"""Statuses of a request that the server does not take as it is, perhaps because of its `n`."""
MAX_EMPTY = 8
"""Answers without text, and none with, after which no more are asked for."""

Result = TypeVar("Result")


def open_endpoint(config: GeneratorConfig, answer_s: float = ANSWER_S) -> "EndpointEngine":
    """Connect to the server that a resolved configuration names and see that it serves the model.

    Args:
        config: With `endpoint`, `model` and `prompt_form`; the key comes from `key_variable`, if set.
        answer_s: Seconds of silence after which a call is made again.

    Raises:
        ValueError: The server refuses us, or serves other models; guidance is asked for.
        ConnectionError: The server does not answer.
    """
    if config.endpoint is None or config.model is None or config.prompt_form is None:
        raise ValueError(
            "generator.endpoint, model or prompt_form is empty; expected a resolved configuration. "
            "Call RunConfig.resolved()."
        )
    if config.guidance_scale and config.guidance_scale > 1.0:
        raise ValueError(
            f"generator.guidance_scale is {config.guidance_scale}; expected 1 with an endpoint, which "
            "returns no scores. Set it to 1, or sample from the model in this process."
        )
    model = served_model(config.endpoint, config.model, config.key_variable)
    return EndpointEngine(config.model_copy(update={"model": model}), answer_s)


def _headers(key_variable: str) -> dict[str, str]:
    key = os.environ.get(key_variable)
    return {"Authorization": f"Bearer {key}"} if key else {}


def served_model(endpoint: str, model: str, key_variable: str) -> str:
    """The model's name at the server; as given where the server keeps no list.

    Raises:
        ValueError: The server refuses the key, or serves other models.
        ConnectionError: The server does not answer.
    """
    try:
        response = httpx.get(
            f"{endpoint.rstrip('/')}/models", headers=_headers(key_variable), timeout=CONNECT_S
        )
    except httpx.HTTPError as error:
        raise ConnectionError(
            f"endpoint {endpoint} does not answer ({type(error).__name__}); expected a server. "
            "Start it, or correct generator.endpoint."
        ) from error
    if response.status_code in (401, 403):
        refuse(response)
    served = _names(response)
    if model == ANY_MODEL and served:
        return served[0]
    if served and model not in served:
        raise ValueError(
            f"generator.model is {model}; expected one that {endpoint} serves: {', '.join(served[:5])} "
            f"({len(served)} in all). Name one of them, or `{ANY_MODEL}` for the first."
        )
    return model


def _names(response: httpx.Response) -> list[str]:
    try:
        return [str(entry["id"]) for entry in response.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return []


class EndpointEngine:
    """Samples from a server; see `Engine`. An event loop in a thread of its own makes the calls."""

    def __init__(self, config: GeneratorConfig, answer_s: float) -> None:
        self._config, self._answer_s = config, answer_s
        self._n_per_call = config.batch_size or DEFAULT_CONCURRENCY
        self._usage = Usage()
        self._n_empty, self._has_text = 0, False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True).start()
        self._pause = Pause()
        self._client = self._run(self._open())

    def sample(self, request: Request) -> list[Sample]:
        """Write `request.n` texts; blocks until all are there. Reproducible as far as the server is."""
        start = time.perf_counter()
        samples = self._run(self._sample(request))
        self._count(busy_s=time.perf_counter() - start)
        return samples

    def usage(self) -> Usage:
        """Tokens as the server counts them; seconds summed over callers."""
        return self._usage

    def close(self) -> None:
        """Give up all calls; callers still waiting get a CancelledError."""
        self._loop.call_soon_threadsafe(lambda: [call.cancel() for call in asyncio.all_tasks(self._loop)])

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while not wait([future], timeout=WAKE_S).done:
                pass
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _open(self) -> httpx.AsyncClient:
        self._calls = asyncio.Semaphore(self._config.batch_size or DEFAULT_CONCURRENCY)
        timeout = httpx.Timeout(self._answer_s, connect=CONNECT_S, pool=None)
        limits = httpx.Limits(max_connections=None)
        base_url = str(self._config.endpoint)
        return httpx.AsyncClient(
            base_url=base_url, headers=_headers(self._config.key_variable), timeout=timeout, limits=limits
        )

    async def _sample(self, request: Request) -> list[Sample]:
        """Ask for all choices at once, so that the server shares the prompt; again for those missing."""
        done: dict[int, Sample] = {}
        while missing := [number for number in range(request.n) if number not in done]:
            n = self._n_per_call
            calls = [missing[start : start + n] for start in range(0, len(missing), n)]
            for numbers, samples in await asyncio.gather(*(self._call(request, call) for call in calls)):
                done |= dict(zip(numbers, samples, strict=False))
        return [done[number] for number in range(request.n)]

    async def _call(self, request: Request, numbers: Sequence[int]) -> tuple[Sequence[int], list[Sample]]:
        chat = self._config.prompt_form is PromptForm.chat
        async with self._calls:
            path = "chat/completions" if chat else "completions"
            try:
                answer = await ask(self._client, path, self._body(request, numbers), "choices", self._pause)
            except RefusedError as error:
                if len(numbers) == 1 or error.status not in UNFIT:
                    raise
                self._n_per_call = 1  # it may take no more at once; if that is not it, it says so again
                return numbers, []
        samples = samples_of(answer)
        self._require_text(samples)
        if len(samples) < len(numbers):
            # Ollama and llama.cpp give one choice however many are asked for.
            self._n_per_call = len(samples)
        usage = answer.get("usage") or {}
        self._count(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
        return numbers, samples

    def _require_text(self, samples: Sequence[Sample]) -> None:
        """Refuse a server of which nothing but empty answers came."""
        self._has_text = self._has_text or any(sample.text for sample in samples)
        self._n_empty += sum(not sample.text for sample in samples)
        if self._n_empty >= MAX_EMPTY and not self._has_text:
            raise ValueError(
                f"endpoint {self._config.endpoint} gave {self._n_empty} answers without text (an empty or "
                "null content); expected text. A reasoning model may spend all tokens on its thoughts: raise "
                "generator.max_new_tokens, switch its reasoning off, or name another model."
            )

    def _body(self, request: Request, numbers: Sequence[int]) -> Json:
        config = self._config
        body: Json = {
            "model": config.model,
            "max_tokens": config.max_new_tokens,
            "temperature": config.temperature or 1.0,
            "top_p": config.top_p,
            "seed": seed_of(request.seed, numbers[0]),
        }
        # Not part of OpenAI's interface, and refused by it; sent only where wanted.
        extensions = {"top_k": (config.top_k, 0), "min_p": (config.min_p or 0.0, 0.0)}
        extensions["repetition_penalty"] = (config.repetition_penalty, 1.0)
        body |= {name: value for name, (value, neutral) in extensions.items() if value != neutral}
        if len(numbers) > 1:
            body["n"] = len(numbers)
        if request.stop:
            body["stop"] = list(request.stop)
        if config.prompt_form is PromptForm.chat:
            return body | {"messages": chat_messages(request.prompt, config.system_prompt)}
        return body | {"prompt": request.prompt}

    def _count(self, n_prompt_tokens: int = 0, n_new_tokens: int = 0, busy_s: float = 0.0) -> None:
        with _COUNTING:
            usage = self._usage
            self._usage = Usage(
                usage.n_prompt_tokens + n_prompt_tokens,
                usage.n_new_tokens + n_new_tokens,
                usage.busy_s + busy_s,
            )


_COUNTING = threading.Lock()


def seed_of(seed: int, number: int) -> int:
    """Seed of the call whose first sample has this number: 31 bits, alike on every machine."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def samples_of(answer: Json) -> list[Sample]:
    """The texts of an answer; the server's token count is shared out evenly over them."""
    choices = answer["choices"]
    n_tokens = (answer.get("usage") or {}).get("completion_tokens") or 0
    return [_sample_of(choice, n_tokens // len(choices)) for choice in choices]


def _sample_of(choice: Json, n_tokens: int) -> Sample:
    message = choice.get("message") or {}
    text = without_thinking(message.get("content") or choice.get("text") or "")
    return Sample(text.strip(), "length" if choice.get("finish_reason") == "length" else "stop", n_tokens)
