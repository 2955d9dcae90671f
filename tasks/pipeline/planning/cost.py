"""What a run will cost, said before anything is loaded: cells, texts, tokens, and time or money."""

import time
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import parse_local_safetensors_file_metadata

from tasks.config import GeneratorConfig, PromptForm, RunConfig
from tasks.data.real_rows import label_set_counts
from tasks.models.gguf_base import BASE
from tasks.pipeline.planning.cells import plan_cells
from tasks.pipeline.planning.requests import CellRequest, build_requests
from tasks.taxonomy import Taxonomy, Topics

CHARACTERS_PER_TOKEN = 4
"""English prose in the vocabularies of today's models, about."""
PEAK_FRACTION = 0.35
"""Share of the rate of a matrix product in fp32 that sampling is assumed to reach; in int8 it reaches twice
as much, so that a run takes less rather than more time than said."""
N_PRODUCTS, SIZE = 8, 1024


@dataclass(frozen=True)
class CostEstimate:
    """Of the first round; what later rounds add hangs on what the filters drop."""

    n_cells: int
    n_texts: int
    n_prompt_tokens: int
    """Every prompt once, however many texts share it."""
    n_new_tokens: int
    """At most: as if every text ran to `generator.max_new_tokens`."""
    seconds: float | None
    """On this machine; None for an endpoint, and for weights that do not lie here yet."""
    cost: float | None
    """In the currency of the given prices; None without any."""

    def lines(self) -> list[str]:
        """The estimate as it is shown."""
        shown = [
            f"cells    {self.n_cells:,}",
            f"texts    {self.n_texts:,} in the first round; later rounds refill what the filters drop",
            f"tokens   about {self.n_prompt_tokens:,} of prompts, at most {self.n_new_tokens:,} of texts",
        ]
        if self.cost is not None:
            shown.append(f"cost     at most {self.cost:,.2f} at the given prices")
        if self.seconds is None:
            return [*shown, "time     not known: no weights on this machine"]
        return [*shown, f"time     at most {self.seconds / 60:,.1f} min of sampling on this machine"]


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
    n_prompt = (
        sum(len(w.prompt) for cell_request in cell_requests for w in cell_request.requests)
        // CHARACTERS_PER_TOKEN
    )
    n_new = sum(cell.n_to_sample for cell in cells) * config.generator.max_new_tokens
    return CostEstimate(
        n_cells=len(cells),
        n_texts=sum(cell.n_to_sample for cell in cells),
        n_prompt_tokens=n_prompt,
        n_new_tokens=n_new,
        seconds=_seconds(config.generator, n_prompt + n_new),
        cost=_cost(config, cell_requests, n_new),
    )


def _cost(config: RunConfig, cell_requests: list[CellRequest], n_new: int) -> float | None:
    """An endpoint charges a prompt once per call, and a call asks for all texts of the prompt."""
    prices = config.prices
    if prices.per_million_prompt_tokens is None and prices.per_million_text_tokens is None:
        return None
    n_prompt = (
        sum(len(w.prompt) for cell_request in cell_requests for w in cell_request.requests)
        / CHARACTERS_PER_TOKEN
    )
    prompt, text = prices.per_million_prompt_tokens or 0.0, prices.per_million_text_tokens or 0.0
    return (n_prompt * prompt + n_new * text) / 1e6


def _seconds(config: GeneratorConfig, n_tokens: int) -> float | None:
    """Two operations per weight and token, at a share of the rate of a matrix product tried now."""
    folder = Path(str(config.model)).expanduser()
    n_weights = BASE.n_weights if config.model == "embedded" else count_weights(folder)
    if config.endpoint is not None or n_weights == 0:
        return None
    n_passes = n_tokens * (2 if (config.guidance_scale or 1.0) > 1.0 else 1)
    return 2.0 * n_weights * n_passes / (PEAK_FRACTION * _matrix_rate())


def count_weights(folder: Path) -> int:
    """Weights of a model, read from the headers of its safetensors files; 0 if there are none."""
    files = folder.glob("*.safetensors")
    return sum(sum(parse_local_safetensors_file_metadata(file).parameter_count.values()) for file in files)


def _matrix_rate() -> float:
    """Operations per second in a fraction of a second's trial, on the GPU if there is one."""
    import torch  # here, for an estimate for an endpoint needs none

    on_gpu = torch.cuda.is_available()
    device, dtype = ("cuda", torch.bfloat16) if on_gpu else ("cpu", torch.float32)
    a = torch.ones(SIZE, SIZE, device=device, dtype=dtype)
    best_s = float("inf")
    for _ in range(N_PRODUCTS):
        start = time.perf_counter()
        (a @ a).sum().item()  # waits for a GPU
        best_s = min(best_s, time.perf_counter() - start)
    return 2.0 * SIZE**3 / best_s
