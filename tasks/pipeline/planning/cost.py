"""What a run will cost, said before anything is loaded: cells, texts, tokens, and time or money."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import parse_local_safetensors_file_metadata

from tasks.config import GeneratorConfig, PromptForm, RunConfig
from tasks.data.real_rows import label_set_counts
from tasks.models.bundled import EMBEDDED_TEXT_TOKENS
from tasks.models.gguf_base import BASE
from tasks.pipeline.planning.cells import plan_cells
from tasks.pipeline.planning.requests import build_requests
from tasks.taxonomy import Taxonomy, Topics

CHARACTERS_PER_TOKEN = 4
"""English prose in the vocabularies of today's models, about."""
ASSUMED_TEXT_TOKENS = 40
"""Mean length of a text, in tokens, of models that nobody measured: two sentences."""
CPU_FRACTION = 1.0
"""Rate of sampling as a share of the rate of a matrix product in fp32. The embedded generator reached 0.7 in
fp32 and 1.2 in bf16, in processor time on one EPYC core with AVX-512."""
GPU_FRACTION = 0.35
"""The same on a GPU, of a product in bf16; assumed."""
N_PRODUCTS, SIZE = 8, 1024


@dataclass(frozen=True)
class Figure:
    """A quantity that hangs on the length of the texts."""

    about: float
    """With texts of the mean length."""
    at_most: float
    """As if every text ran to `generator.max_new_tokens`."""


@dataclass(frozen=True)
class CostEstimate:
    """Of the first round; what later rounds add hangs on what the filters drop."""

    n_cells: int
    n_texts: int
    n_prompt_tokens: int
    """Every prompt once, however many texts share it."""
    n_new_tokens: Figure
    length: str
    """Mean length of a text, and how it is known."""
    seconds: Figure | None
    """On this machine; None for an endpoint, and for weights that do not lie here yet."""
    cost: Figure | None
    """In the currency of the given prices; None without any."""

    def lines(self) -> list[str]:
        """The estimate as it is shown."""
        new = self.n_new_tokens
        shown = [
            f"cells    {self.n_cells:,}",
            f"texts    {self.n_texts:,} in the first round; later rounds refill what the filters drop",
            f"tokens   about {self.n_prompt_tokens:,} of prompts and {new.about:,} of texts "
            f"({self.length}); at most {new.at_most:,} of texts",
        ]
        if self.cost is not None:
            shown.append(
                f"cost     about {self.cost.about:,.2f} at the given prices; at most {self.cost.at_most:,.2f}"
            )
        if self.seconds is None:
            return [*shown, "time     not known: no weights on this machine"]
        minutes = f"{self.seconds.about / 60:,.1f} min of sampling on this machine"
        return [*shown, f"time     about {minutes}; at most {self.seconds.at_most / 60:,.1f}"]


def estimate(config: RunConfig, taxonomy: Taxonomy, topics: Topics) -> CostEstimate:
    """Lay out the first round and work out what it takes.

    Args:
        config: Resolved.
        taxonomy: Of the run.
        topics: Of the run.
    """
    form = config.generator.prompt_form or PromptForm.chat
    real_counts = label_set_counts(config.real, taxonomy) if config.real else None
    cells = plan_cells(config, taxonomy, topics, real_counts) if config.mixing.real_fraction < 1 else []
    own = config.generator.template
    cell_requests = [build_requests(cell, taxonomy, topics, form, template=own) for cell in cells]
    n_characters = sum(len(w.prompt) for cell_request in cell_requests for w in cell_request.requests)
    n_prompt = n_characters // CHARACTERS_PER_TOKEN
    n_texts = sum(cell.n_to_sample for cell in cells)
    mean, length = _text_length(config.generator)
    n_new = Figure(n_texts * mean, n_texts * config.generator.max_new_tokens)
    return CostEstimate(
        n_cells=len(cells),
        n_texts=n_texts,
        n_prompt_tokens=n_prompt,
        n_new_tokens=n_new,
        length=length,
        seconds=_of_lengths(n_new, _seconds(config.generator, n_prompt)),
        cost=_of_lengths(n_new, _cost(config, n_prompt)),
    )


def _text_length(config: GeneratorConfig) -> tuple[int, str]:
    """Mean length of a text in tokens, and the same in words."""
    is_measured = config.model == "embedded" and config.adapter is None
    mean = EMBEDDED_TEXT_TOKENS if is_measured else ASSUMED_TEXT_TOKENS
    if mean > config.max_new_tokens:
        return config.max_new_tokens, f"{config.max_new_tokens} a text, the limit"
    return mean, f"{mean} a text, {'as measured' if is_measured else 'assumed'}"


def _of_lengths(n_new: Figure, quantity: Callable[[float], float] | None) -> Figure | None:
    return quantity and Figure(quantity(n_new.about), quantity(n_new.at_most))


def _cost(config: RunConfig, n_prompt: int) -> Callable[[float], float] | None:
    """Price by tokens of texts; a prompt is paid once, because one call asks for all its texts."""
    prices = config.prices
    if prices.per_million_prompt_tokens is None and prices.per_million_text_tokens is None:
        return None
    prompt, text = prices.per_million_prompt_tokens or 0.0, prices.per_million_text_tokens or 0.0
    return lambda n_new: (n_prompt * prompt + n_new * text) / 1e6


def _seconds(config: GeneratorConfig, n_prompt: int) -> Callable[[float], float] | None:
    """Seconds by tokens of texts: two operations per weight and token."""
    folder = Path(str(config.model)).expanduser()
    n_weights = BASE.n_weights if config.model == "embedded" else count_weights(folder)
    if config.endpoint is not None or n_weights == 0:
        return None
    n_branches, rate = 2 if (config.guidance_scale or 1.0) > 1.0 else 1, _sampling_rate()
    return lambda n_new: 2.0 * n_weights * n_branches * (n_prompt + n_new) / rate


def count_weights(folder: Path) -> int:
    """Weights of a model, read from the headers of its safetensors files; 0 if there are none."""
    files = folder.glob("*.safetensors")
    return sum(sum(parse_local_safetensors_file_metadata(file).parameter_count.values()) for file in files)


def _sampling_rate() -> float:
    """Operations per second: a share of the rate of matrix products, tried on the GPU if there is one."""
    import torch  # here, because an estimate for an endpoint needs none

    on_gpu = torch.cuda.is_available()
    device, dtype = ("cuda", torch.bfloat16) if on_gpu else ("cpu", torch.float32)
    a = torch.ones(SIZE, SIZE, device=device, dtype=dtype)
    best_s = float("inf")
    for _ in range(N_PRODUCTS):
        start = time.perf_counter()
        (a @ a).sum().item()  # waits for a GPU
        best_s = min(best_s, time.perf_counter() - start)
    return (GPU_FRACTION if on_gpu else CPU_FRACTION) * 2.0 * SIZE**3 / best_s
