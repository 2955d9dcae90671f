"""New tokens per second of the sampling engine, beside what a user would run instead.

    python tests/benchmarks/bench_sampling.py [--only NAME ...] [--llama BIN] [--distilabel PYTHON]

All sides run SmolLM2-135M-Instruct, untuned: prompts of about 60 tokens, texts of at most 35, temperature 0.9
and min-p 0.1, one side after the other in one run. Ours is measured before and after each other side, and the
better of the two counts, as the best setting of the other side does.

    generate          transformers' `generate`, one prompt per call
    static            the same in left-padded batches of the size that does best
    generate_batch    transformers' continuous batching
    llama.cpp         its server with parallel slots on the GGUF file of the wheel (Q4_1) and on Q8_0 made of
                      it, with as many slots as do best; sampled, and greedy, which leaves sampling out
    distilabel        its TransformersLLM, 200 prompts
    ceiling           the model's matrix products alone, in the arithmetic that ours took
    engine share      wall time that cells of the Prefect flow spend inside the engine

llama.cpp is built from the sdist of llama-cpp-python, natively:

    pip download --no-deps --no-binary llama-cpp-python llama-cpp-python
    tar xf llama_cpp_python-*.tar.gz
    cmake -S llama_cpp_python-*/vendor/llama.cpp -B BUILD -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON
    cmake --build BUILD --target llama-server llama-quantize

then `--llama BUILD/bin`, or SENTIMILL_LLAMA. distilabel needs an environment of its own: `python -m venv
DIR`, `DIR/bin/pip install distilabel==1.5.3 requests transformers torch`, then `--distilabel
DIR/bin/python`, or SENTIMILL_DISTILABEL. Figures are merged into results/bench/sampling.json.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "benchmarks")]

from drawing import drawn_manner  # noqa: E402
from engine_share import engine_share  # noqa: E402
from recording import record  # noqa: E402

from tasks.config import GeneratorConfig, GeneratorPrecision, PromptForm  # noqa: E402
from tasks.config.generation import EMBEDDED_SYSTEM_PROMPT  # noqa: E402
from tasks.models.gguf_base import find_gguf  # noqa: E402
from tasks.models.own_thread import in_own_thread  # noqa: E402
from tasks.models.weights_cache import base_folder  # noqa: E402
from tasks.pipeline.sampling import Request, load_engine  # noqa: E402
from tasks.pipeline.sampling.engine.weight_packing import linear_layers, sizes_of  # noqa: E402
from tasks.prompts.rendering import render  # noqa: E402
from tasks.taxonomy import load_taxonomy, load_topics  # noqa: E402

RESULTS = ROOT / "results" / "bench" / "sampling.json"
MAX_TOKENS, BATCH, TEXTS_PER_PROMPT = 35, 128, 8
TEMPERATURE, MIN_P = 0.9, 0.1
STATIC_SIZES = (64, 128)
SLOTS = (32, 128)
CEILING_SEED = 1_000
Rate = dict[str, Any]
Work = Callable[[], int]
"""Does its share of texts and returns the number of new tokens."""
Side = Callable[[], dict[str, tuple[float, str]]]
"""Best rates of another side, and the settings that reach them, by what sets them apart."""


def make_prompts(n: int, seed: int = 0) -> list[str]:
    """Requests of the kind that a run makes, all different."""
    rng, topics = np.random.default_rng(seed), load_topics()
    labels = [*load_taxonomy("goemotions").labels, *load_taxonomy("sentiment7").labels]
    found: dict[str, None] = {}
    while len(found) < n:
        _, manner = drawn_manner(rng, topics)
        found[render(PromptForm.chat, [labels[int(rng.integers(len(labels)))]], manner)] = None
    return list(found)


class Ours:
    """The engine as a run loads it, without the adapter, so that all sides have the same weights."""

    def __init__(self, precision: GeneratorPrecision) -> None:
        config = GeneratorConfig(
            model=str(base_folder()),
            prompt_form=PromptForm.chat,
            system_prompt=EMBEDDED_SYSTEM_PROMPT,
            precision=precision,
            max_new_tokens=MAX_TOKENS,
            batch_size=BATCH,
            temperature=TEMPERATURE,
            top_p=1.0,
            min_p=MIN_P,
        )
        self.engine: Any = load_engine(config)
        self.encode = self.engine.codec.encode
        self.dtype = self.engine.model.dtype

    def __call__(self, prompts: list[str]) -> int:
        """Every prompt a request of several texts, all waiting at once, as the cells of a run do."""
        requests = [Request(prompt, TEXTS_PER_PROMPT, seed=i) for i, prompt in enumerate(prompts)]
        with ThreadPoolExecutor(len(requests)) as pool:
            return sum(s.n_tokens for samples in pool.map(self.engine.sample, requests) for s in samples)


class Transformers:
    """What transformers itself offers, in fp32 and in bf16, whichever is faster."""

    def __init__(self) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(base_folder(), padding_side="left")
        self.end = self.tokenizer.eos_token_id
        self.models = {
            dtype: AutoModelForCausalLM.from_pretrained(base_folder(), dtype=dtype).eval()
            for dtype in (torch.float32, torch.bfloat16)
        }
        self.controls = {
            "do_sample": True,
            "temperature": TEMPERATURE,
            "min_p": MIN_P,
            "top_p": 1.0,
            "top_k": 0,
            "max_new_tokens": MAX_TOKENS,
            "eos_token_id": self.end,
            "pad_token_id": self.end,
        }

    @torch.inference_mode()
    def generate(self, rows: list[list[int]], dtype: torch.dtype) -> int:
        """One call of `generate`, left-padded."""
        inputs = self.tokenizer.pad({"input_ids": rows}, return_tensors="pt")
        output = self.models[dtype].generate(**inputs, **self.controls)
        texts = output[:, inputs["input_ids"].shape[1] :]
        ended = (texts == self.end).int().cumsum(-1)
        return int(((ended == 0) | ((texts == self.end) & (ended == 1))).sum())

    def static(self, rows: list[list[int]], size: int, dtype: torch.dtype) -> int:
        """Batches of a fixed size, each as long as its longest text."""
        return sum(self.generate(rows[i : i + size], dtype) for i in range(0, len(rows), size))

    def generate_batch(self, rows: list[list[int]], dtype: torch.dtype) -> int:
        """What transformers calls continuous batching."""
        outputs = self.models[dtype].generate_batch(
            rows, generation_config=GenerationConfig(**self.controls), progress_bar=False
        )
        return sum(len(output.generated_tokens) for output in outputs.values())


def rate(work: Work) -> float:
    """New tokens per second."""
    start = time.perf_counter()
    return work() / (time.perf_counter() - start)


@contextmanager
def llama_server(binaries: Path, gguf: Path, slots: int) -> Iterator[str]:
    """Address of a llama.cpp server, with room for a prompt and a text in every slot."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [binaries / "llama-server", "-m", gguf, "--port", str(port), "-np", str(slots)]
    command += ["-c", str(slots * 256), "-b", "2048", "-t", str(os.cpu_count()), "--no-webui"]
    with subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url)
            yield url
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    for _ in range(240):
        try:
            if httpx.get(f"{url}/health").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"{url} does not answer")


def ask_llama(url: str, rows: list[list[int]], slots: int, greedy: bool) -> int:
    """All rows at once, as many at a time as there are slots; prompts of one cell share what is cached."""
    sampling = {"samplers": ["min_p", "temperature"], "temperature": TEMPERATURE, "min_p": MIN_P}
    controls = {"temperature": 0.0} if greedy else sampling
    with httpx.Client(timeout=None, limits=httpx.Limits(max_connections=slots)) as client:

        def ask(asked: tuple[int, list[int]]) -> int:
            seed, row = asked
            body = {"prompt": row, "n_predict": MAX_TOKENS, "seed": seed, "cache_prompt": True, **controls}
            answer = client.post(f"{url}/completion", json=body).raise_for_status()
            return int(answer.json()["tokens_predicted"])

        with ThreadPoolExecutor(slots) as pool:
            return sum(pool.map(ask, enumerate(rows)))


def llama(binaries: Path, rows: list[list[int]], scratch: Path) -> dict[str, tuple[float, str]]:
    """The best rate of each quantisation, sampled and greedy, with the number of slots."""
    files = {"Q4_1": find_gguf(), "Q8_0": scratch / "q8_0.gguf"}
    quantize = [
        str(binaries / "llama-quantize"),
        "--allow-requantize",
        str(files["Q4_1"]),
        str(files["Q8_0"]),
    ]
    subprocess.run([*quantize, "Q8_0"], check=True, capture_output=True)
    found: dict[str, tuple[float, str]] = {}
    for kind, gguf in files.items():
        for slots in SLOTS:
            with llama_server(binaries, gguf, slots) as url:
                ask_llama(url, rows[:slots], slots, greedy=True)
                for how in ("sampled", "greedy"):
                    reached = rate(partial(ask_llama, url, rows, slots, how == "greedy")), f"{slots} slots"
                    found[f"{kind}, {how}"] = max(reached, found.get(f"{kind}, {how}", reached))
    return found


def distilabel(python: str, prompts: list[str]) -> float:
    """New tokens per second of distilabel, one text per prompt."""
    settings = {"prompts": prompts, "max_new_tokens": MAX_TOKENS, "top_p": 1.0, "torch_dtype": "float32"}
    done = subprocess.run(
        [python, str(ROOT / "tests" / "benchmarks" / "distilabel_side.py"), str(base_folder())],
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    return float(theirs["n_tokens"] / theirs["seconds"])


@in_own_thread
@torch.inference_mode()
def step_seconds(model: Any, n_rows: int, with_head: bool) -> float:
    """Seconds of the matrix products of one forward pass over rows, and of nothing else."""
    head = model.get_output_embeddings()
    layers = [layer for layer in linear_layers(model) if with_head or layer is not head]
    rows = {size: torch.randn(n_rows, size).to(model.dtype) for size in {sizes_of(x)[0] for x in layers}}

    def products() -> int:
        for layer in layers:
            layer(rows[sizes_of(layer)[0]])
        return 1

    products()
    return 1 / max(rate(products) for _ in range(7))


def share_of_ceiling(ours: Ours, prompts: list[str]) -> Rate:
    """What the same tokens would take if the matrix products were all, as a share of what they took.

    Prompt tokens that the engine computed count, without the layer that turns states into words.
    """
    new_step, prompt_step = (step_seconds(ours.engine.model, BATCH, with_head) for with_head in (True, False))
    before, start = ours.engine.usage(), time.perf_counter()
    n_new = ours(prompts)
    spent, after = time.perf_counter() - start, ours.engine.usage()
    n_prompt = after.n_prompt_tokens - before.n_prompt_tokens
    least = (n_new * new_step + n_prompt * prompt_step) / BATCH
    return {
        "ratio": least / spent,
        "ours": n_new / spent,
        "other": n_new / least,
        "setting": f"{ours.dtype}, batch of {BATCH}".removeprefix("torch."),
        "prompt_tokens": n_prompt,
        "new_tokens_of_products_alone": BATCH / new_step,
    }


def by_transformers(rows: list[list[int]]) -> dict[str, Side]:
    """The three ways of transformers, each with its settings; one by one with fewer rows."""
    others = Transformers()
    single = rows[: 16 * TEXTS_PER_PROMPT : TEXTS_PER_PROMPT]
    works: dict[str, dict[str, Work]] = {"generate": {}, "static": {}, "generate_batch": {}}
    for dtype in others.models:
        works["generate"][f"{dtype}"] = partial(others.static, single, 1, dtype)
        works["generate_batch"][f"{dtype}"] = partial(others.generate_batch, rows[:128], dtype)
        for size in STATIC_SIZES:
            works["static"][f"{dtype}, batches of {size}"] = partial(others.static, rows[:128], size, dtype)
    return {name: partial(_best_of, own) for name, own in works.items()}


@in_own_thread
def _best_of(works: dict[str, Work]) -> dict[str, tuple[float, str]]:
    """The highest rate of several settings, and which one it was."""
    return {"": max((rate(work), name) for name, work in works.items())}


def measure(ours: Ours, options: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, Rate]]:
    """Ours beside each other side, as soon as it is measured."""
    prompts = make_prompts(options.prompts)
    rows = [ours.encode(prompt) for prompt in prompts for _ in range(TEXTS_PER_PROMPT)]
    sides = by_transformers(rows)
    if options.llama:
        sides["llama.cpp"] = lambda: llama(Path(options.llama), rows[:256], scratch)
    if options.distilabel:
        sides["distilabel"] = lambda: {"": (distilabel(options.distilabel, prompts), "float32")}
    alone: dict[str, Callable[[], Rate]] = {
        "ceiling": lambda: share_of_ceiling(ours, make_prompts(options.prompts, CEILING_SEED)),
        "engine share": engine_share,
    }
    # The engine keeps what it has computed of a prompt, so each turn has prompts that it has not seen.
    turns = (make_prompts(options.prompts, seed) for seed in count(1))
    ours(next(turns)[:8])
    before = rate(lambda: ours(next(turns)))
    for name in options.only or [*sides, *alone]:
        if name in sides:
            found = sides[name]()
            after = rate(lambda: ours(next(turns)))
            yield from beside(name, found, max(before, after))
            before = after
        elif name in alone:
            yield name, alone[name]()


def beside(name: str, found: dict[str, tuple[float, str]], ours: float) -> Iterator[tuple[str, Rate]]:
    """Figures of one side."""
    for kind, (other, setting) in found.items():
        figures = {"ratio": ours / other, "ours": ours, "other": other}
        yield f"{name} {kind}".strip(), figures | {"setting": setting.removeprefix("torch.")}


def show(found: dict[str, Rate]) -> None:
    """The table of docs/results/sampling-speed.md."""
    table = Table("beside", "ratio", "ours", "other", "setting", title="New tokens per second")
    for name, figures in found.items():
        rates = [f"{figures[side]:,.0f}" if side in figures else "" for side in ("ours", "other")]
        table.add_row(name, f"{figures['ratio']:.2f}", *rates, figures.get("setting", ""))
    Console(width=100).print(table)


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--prompts", type=int, default=200, help=f"each for {TEXTS_PER_PROMPT} texts")
    parser.add_argument("--precision", choices=list(GeneratorPrecision), default="auto")
    parser.add_argument("--llama", default=os.environ.get("SENTIMILL_LLAMA"))
    parser.add_argument("--distilabel", default=os.environ.get("SENTIMILL_DISTILABEL"))
    options = parser.parse_args()
    ours, found = Ours(GeneratorPrecision(options.precision)), dict[str, Rate]()
    with TemporaryDirectory() as scratch:
        for name, figures in measure(ours, options, Path(scratch)):
            found[name] = figures
            record(RESULTS, {name: figures})
    show(found)
    for option in ("llama", "distilabel"):
        if not getattr(options, option):
            Console().print(f"{option} is not measured: give --{option}.")


if __name__ == "__main__":
    main()
