"""The engine that samples with vLLM on a GPU, in this process.

vLLM shares prompts by its prefix cache and batches texts itself. Each text is a request with a seed of its
own. Guidance needs a second prompt per text, which vLLM does not follow.
"""

import gc
import json
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from tasks.config import GeneratorConfig, GeneratorPrecision
from tasks.pipeline.sampling.endpoint import seed_of
from tasks.pipeline.sampling.engine.engine import CLOSED, WAKE_S
from tasks.pipeline.sampling.engine.likelihood import text_tokens
from tasks.pipeline.sampling.interface import Finish, Request, Sample, Usage, check_context
from tasks.pipeline.sampling.loading import arithmetic, find_end_tokens, marks, weights_of
from tasks.pipeline.sampling.tokenization import PromptCodec

GPU_SHARE = 0.8
"""Share of a GPU's memory that vLLM takes; a judge or an encoder beside it needs the rest."""
LORA_RANKS = (8, 16, 32, 64, 128, 256, 512)
"""Largest ranks of an adapter that vLLM can be set to."""
NEVER = -100.0
"""Added to the score of a token that no text may contain; the lowest that vLLM takes."""

Settings = dict[str, Any]


class Ask(NamedTuple):
    """A prompt, and the arguments of `SamplingParams` for one text after it."""

    tokens: list[int]
    settings: Settings


def open_vllm(config: GeneratorConfig) -> "VllmEngine":
    """Load the generator that a resolved configuration names into vLLM.

    Args:
        config: With `model` and `prompt_form`, and nothing that `choose_backend` refuses for vLLM.

    Raises:
        FileNotFoundError: The embedded generator's files are not there.
        ValueError: Files, tokenizer and model do not belong together.
    """
    if config.model is None or config.prompt_form is None:
        raise ValueError(
            "generator.model is empty; expected a resolved configuration. Call RunConfig.resolved()."
        )
    name, adapter = weights_of(config.model, config.adapter)
    tokenizer = AutoTokenizer.from_pretrained(name, revision=config.revision)
    end_tokens = find_end_tokens(_declared_ends(name, config.revision), tokenizer, config.model)
    codec = PromptCodec(tokenizer, config.prompt_form, end_tokens, config.system_prompt)
    codec.encode("A missing or broken chat template shows here.")
    return VllmEngine(config, codec, engine_settings(config, name, adapter), adapter)


def _declared_ends(name: str, revision: str | None) -> Any:
    try:
        generation = GenerationConfig.from_pretrained(name, revision=revision)
    except OSError:  # the model has none of its own
        model = AutoConfig.from_pretrained(name, revision=revision)
        generation = GenerationConfig.from_model_config(model)
    return generation.eos_token_id


def engine_settings(config: GeneratorConfig, name: str, adapter: str | None) -> Settings:
    """Arguments of `vllm.LLM`.

    Args:
        config: Of the generator.
        name: Folder or hub name of the model.
        adapter: Folder of an adapter that is not merged into it.

    Raises:
        ValueError: The adapter's rank is more than vLLM takes.
    """
    is_exact = config.precision is GeneratorPrecision.fp32
    dtype = "float32" if is_exact else str(arithmetic(on_gpu=True)).removeprefix("torch.")
    settings: Settings = {
        "model": name,
        "revision": config.revision,
        "tokenizer_revision": config.revision,
        "dtype": dtype,
        "seed": 0,
        "enable_prefix_caching": True,
        "gpu_memory_utilization": GPU_SHARE,
    }
    if config.batch_size:
        settings["max_num_seqs"] = config.batch_size
    if adapter:
        settings |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": _rank_of(adapter)}
    return settings


def _rank_of(adapter: str) -> int:
    rank = int(json.loads((Path(adapter).expanduser() / "adapter_config.json").read_text())["r"])
    fitting = [largest for largest in LORA_RANKS if largest >= rank]
    if not fitting:
        raise ValueError(
            f"adapter {adapter} has rank {rank}; expected at most {LORA_RANKS[-1]} with vLLM. "
            "Tune one of a lower rank, or set generator.backend to torch."
        )
    return fitting[0]


def sampling_settings(
    config: GeneratorConfig, request: Request, end_tokens: frozenset[int], never: set[int]
) -> list[Settings]:
    """Arguments of `vllm.SamplingParams`, one for each text of a request.

    Args:
        config: Of the generator.
        request: What is asked for.
        end_tokens: Tokens that end a text.
        never: Tokens that no text may contain.
    """
    common = {
        "n": 1,
        "max_tokens": config.max_new_tokens,
        "temperature": config.temperature or 1.0,
        "top_p": config.top_p,
        "top_k": config.top_k,
        "min_p": config.min_p or 0.0,
        "repetition_penalty": config.repetition_penalty,
        "stop": list(request.stop),
        "stop_token_ids": sorted(end_tokens),
        "logit_bias": dict.fromkeys(sorted(never), NEVER),
    }
    return [common | {"seed": seed_of(request.seed, number)} for number in range(request.n)]


def likelihood_of(said: Sequence[Mapping[int, Any] | None], tokens: Sequence[int], n: int) -> float:
    """Log-likelihood of the last `n` of some tokens, from vLLM's `prompt_logprobs` of all of them."""
    places = range(len(tokens) - n, len(tokens))
    return float(sum((said[place] or {})[tokens[place]].logprob for place in places))


class VllmEngine:
    """Samples with vLLM; see `Engine`. One thread holds vLLM and takes all that waits at once."""

    def __init__(
        self, config: GeneratorConfig, codec: PromptCodec, settings: Settings, adapter: str | None
    ) -> None:
        self._config, self.codec = config, codec
        self._never = marks(codec.tokenizer) - codec.end_tokens
        self._waiting: list[tuple[list[Ask], Future[list[Any]]]] = []
        self._lock = threading.Lock()
        self._closing = False
        self._usage = Usage()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vllm")
        self._thread.submit(self._open, settings, adapter).result()

    def sample(self, request: Request) -> list[Sample]:
        """Write `request.n` texts; blocks until all are done. Reproducible as far as vLLM is."""
        tokens = self.codec.encode(request.prompt)
        check_context(len(tokens), self._config.max_new_tokens, self._context)
        settings = sampling_settings(self._config, request, self.codec.end_tokens, self._never)
        outputs = self._ask([Ask(tokens, one) for one in settings])
        return [self._sample_of(output.outputs[0]) for output in outputs]

    def usage(self) -> Usage:
        """Tokens and time so far."""
        return self._usage

    def log_likelihoods(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Log-likelihood of each text after its prompt, in nats; an end that does not fit is left out."""
        found = dict.fromkeys(pairs, 0.0)
        asks: dict[tuple[str, str], tuple[Ask, int]] = {}
        for prompt, text in found:
            start = self.codec.encode(prompt)
            # vLLM samples one token more.
            tokens = text_tokens(self.codec, text)[: max(0, self._context - 1 - len(start))]
            if tokens:
                settings = {"max_tokens": 1, "prompt_logprobs": 0}
                asks[prompt, text] = Ask([*start, *tokens], settings), len(tokens)
        outputs = self._ask([ask for ask, _ in asks.values()])
        for (pair, (ask, n)), output in zip(asks.items(), outputs, strict=True):
            found[pair] = likelihood_of(output.prompt_logprobs, ask.tokens, n)
        return [found[pair] for pair in pairs]

    def close(self) -> None:
        """Give the GPU back after the texts in the making; callers still waiting get a RuntimeError."""
        if not self._closing:
            self._closing = True
            self._thread.submit(self._free)
            self._thread.shutdown()

    def _open(self, settings: Settings, adapter: str | None) -> None:
        from vllm import LLM, SamplingParams
        from vllm.lora.request import LoRARequest

        self._model: Any = LLM(**settings)
        self._context = int(self._model.llm_engine.model_config.max_model_len)
        self._params = SamplingParams
        self._adapter = LoRARequest("adapter", 1, str(Path(adapter).expanduser())) if adapter else None

    def _free(self) -> None:
        self._model = None
        gc.collect()  # vLLM's processes end with it

    def _ask(self, asks: list[Ask]) -> list[Any]:
        """What vLLM makes of some prompts, in order, as `vllm.RequestOutput`."""
        if self._closing:
            raise RuntimeError(CLOSED)
        if not asks:
            return []
        answer: Future[list[Any]] = Future()
        with self._lock:
            self._waiting.append((asks, answer))
        self._thread.submit(self._work)
        while not wait([answer], timeout=WAKE_S).done:
            if self._closing:
                raise RuntimeError(CLOSED)
        return answer.result()

    def _work(self) -> None:
        """Answer all that waits; each caller sends one of these, and the first serves those behind it."""
        with self._lock:
            jobs, self._waiting = self._waiting, []
        asks = [ask for some, _ in jobs for ask in some]
        if not asks or self._closing:
            return
        started = time.perf_counter()
        try:
            outputs = self._model.generate(
                [{"prompt_token_ids": ask.tokens} for ask in asks],
                [self._params(**ask.settings) for ask in asks],
                use_tqdm=False,
                lora_request=self._adapter,
            )
        except BaseException as error:
            for _, answer in jobs:
                answer.set_exception(error)
            return
        self._count(outputs, time.perf_counter() - started)
        rest = iter(outputs)
        for some, answer in jobs:
            answer.set_result([next(rest) for _ in some])

    def _count(self, outputs: Sequence[Any], seconds: float) -> None:
        usage = self._usage
        computed = (len(output.prompt_token_ids) - (output.num_cached_tokens or 0) for output in outputs)
        sampled = (len(output.outputs[0].token_ids) for output in outputs)
        self._usage = Usage(
            usage.n_prompt_tokens + sum(computed), usage.n_new_tokens + sum(sampled), usage.busy_s + seconds
        )

    def _sample_of(self, written: Any) -> Sample:
        finish: Finish = "length" if written.finish_reason == "length" else "stop"
        return Sample(self.codec.polish(written.text), finish, len(written.token_ids))
