"""New tokens per second of the sampling engine, beside what a user would run instead.

    python tests/benchmarks/bench_sampling.py [--shapes embedded gpt2] [--only KEY ...] [--distilabel PYTHON]

Both sides of a pair run in turn in one process: same random weights, same prompts, same arithmetic, same
sampling controls. Every step ends a text with probability 1/30, so that lengths vary as they do in real text.
distilabel needs an environment of its own: `python -m venv DIR`, `DIR/bin/pip install distilabel==1.5.3
requests transformers torch`, then `--distilabel DIR/bin/python` or SENTIMILL_DISTILABEL. On a machine that
others use, `--clock cpu` counts the processor's seconds instead, on one thread (not for distilabel).
`--precision` asks for another arithmetic than the one that the engine chooses here. All sides take it, except
for int8, which the others do not have: beside it they run in fp32.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertLMHeadModel,
    GenerationConfig,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

sys.path.insert(0, str(Path(__file__).parents[2]))

from tasks.config import GeneratorConfig, GeneratorPrecision, PromptForm
from tasks.pipeline.sampling import Request, load_engine

RESULTS = Path("results/bench/sampling.json")
MEAN_TOKENS, MAX_TOKENS, BATCH = 30, 120, 128
TOP_P = 0.95
CLOCK = {"now": time.perf_counter}
TEXTS = {"embedded": 1024, "gpt2": 256}
"""Texts of our side of a pair; others get fewer where they are slow, which changes no rate."""
PRECISION = {"now": GeneratorPrecision.auto}
PAD, START, END = 0, 1, 2
Work = Callable[[], int]
"""Does its share of texts and returns the number of new tokens."""


def make_model(shape: str, folder: Path) -> None:
    """Random weights whose end-of-text token has probability 1/30 after every token."""
    torch.manual_seed(0)
    ends = {"pad_token_id": PAD, "bos_token_id": START, "eos_token_id": END}
    if shape == "gpt2":
        model = GPT2LMHeadModel(GPT2Config(**ends))
        with torch.no_grad():
            # The first number of every hidden state is 1, and only the end token looks at it.
            model.transformer.ln_f.weight[0], model.transformer.ln_f.bias[0] = 0.0, 1.0
            model.transformer.wte.weight[:, 0] = 0.0
            model.transformer.wte.weight[END, 0] = math.log(50257 / MEAN_TOKENS)
    else:
        sizes = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 6}
        model = BertLMHeadModel(
            BertConfig(vocab_size=14_000, **sizes, num_attention_heads=12, is_decoder=True, **ends)
        )
        with torch.no_grad():
            model.cls.predictions.bias[END] = math.log(14_000 / MEAN_TOKENS)
    model.save_pretrained(folder)
    words = {"<pad>": PAD, "<s>": START, "</s>": END}
    words |= {f"w{number}": number for number in range(3, model.config.vocab_size)}
    backend = Tokenizer(models.WordLevel(words, unk_token="w3"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=backend, padding_side="left", **marks).save_pretrained(folder)


def make_prompts(n_prompts: int, n_tokens: int) -> list[str]:
    """Prompts of words drawn at random, half to full length."""
    draw = random.Random(n_tokens)
    lengths = [draw.randint(n_tokens // 2, n_tokens) for _ in range(n_prompts)]
    return [" ".join(f"w{draw.randint(3, 13_999)}" for _ in range(length)) for length in lengths]


class Rivals:
    """The engine and what stands beside it, on one model."""

    def __init__(self, folder: Path) -> None:
        controls = {"max_new_tokens": MAX_TOKENS, "batch_size": BATCH, "top_p": TOP_P}
        config = GeneratorConfig(
            model=str(folder), prompt_form=PromptForm.plain, precision=PRECISION["now"], **controls
        )
        self.engine = load_engine(config)
        dtype = self.engine.model.dtype
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)

    def ours(self, prompts: list[str], k: int) -> int:
        """Every prompt a request of k texts, all waiting at once, as the cells of a run do."""
        requests = [Request(prompt, k, seed=number) for number, prompt in enumerate(prompts)]
        with ThreadPoolExecutor(len(requests)) as pool:
            return sum(
                sample.n_tokens for samples in pool.map(self.engine.sample, requests) for sample in samples
            )

    @torch.inference_mode()
    def generate(self, prompts: list[str], copies: int = 1) -> int:
        """One call of transformers' `generate`, left-padded."""
        inputs = self.tokenizer(["<s> " + prompt for prompt in prompts], padding=True, return_tensors="pt")
        output = self.model.generate(
            input_ids=inputs.input_ids,
            attention_mask=inputs.attention_mask,
            do_sample=True,
            top_p=TOP_P,
            top_k=0,
            max_new_tokens=MAX_TOKENS,
            num_return_sequences=copies,
        )
        texts = output[:, inputs.input_ids.shape[1] :]
        ended = (texts == END).int().cumsum(-1)
        return int(((ended == 0) | ((texts == END) & (ended == 1))).sum())

    def static(self, prompts: list[str], k: int, size: int) -> int:
        """Every prompt k times, in batches of a fixed size, as long as their longest text."""
        rows = [prompt for prompt in prompts for _ in range(k)]
        return sum(self.generate(rows[start : start + size]) for start in range(0, len(rows), size))

    def continuous(self, prompts: list[str], k: int) -> int:
        """What transformers calls continuous batching."""
        knobs = GenerationConfig(
            do_sample=True,
            top_p=TOP_P,
            top_k=0,
            max_new_tokens=MAX_TOKENS,
            eos_token_id=END,
            pad_token_id=PAD,
        )
        inputs = [self.tokenizer("<s> " + prompt)["input_ids"] for prompt in prompts for _ in range(k)]
        outputs = self.model.generate_batch(inputs, generation_config=knobs)
        return sum(len(output.generated_tokens) for output in outputs.values())


def rate(work: Work) -> float:
    """New tokens per second."""
    start = CLOCK["now"]()
    return work() / (CLOCK["now"]() - start)


def pair(ours: Work, other: Work, repeats: int) -> dict[str, float]:
    """Both in turn; the best of each, since other work on the machine only ever slows down."""
    rates = [(rate(ours), rate(other)) for _ in range(repeats)]
    fast, slow = (max(column) for column in zip(*rates, strict=True))
    return {"ratio": fast / slow, "ours_tokens_per_s": fast, "other_tokens_per_s": slow}


def beside_static(rivals: Rivals, prompts: list[str], repeats: int, k: int = 32) -> dict[str, float]:
    """Static batches of the size that does best."""
    ours, static = [], []
    for _ in range(repeats):
        ours.append(rate(lambda: rivals.ours(prompts, k)))
        static += [
            (rate(lambda size=size: rivals.static(prompts[:2], k, size)), size) for size in (16, 32, 64)
        ]
    other, size = max(static)
    figures = {"ratio": max(ours) / other, "ours_tokens_per_s": max(ours), "other_tokens_per_s": other}
    return figures | {"static_batch_size": size}


def beside_distilabel(rivals: Rivals, folder: Path, python: str, prompts: list[str]) -> dict[str, float]:
    """One text per prompt on both sides."""
    settings = {"prompts": ["<s> " + p for p in prompts], "max_new_tokens": MAX_TOKENS, "top_p": TOP_P}
    settings["torch_dtype"] = str(rivals.model.dtype).removeprefix("torch.")
    script = Path(__file__).with_name("distilabel_side.py")
    ours = rate(lambda: rivals.ours(prompts, 1))
    done = subprocess.run(
        [python, script, folder], input=json.dumps(settings), capture_output=True, text=True, check=True
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    other = theirs["n_tokens"] / theirs["seconds"]
    return {"ratio": ours / other, "ours_tokens_per_s": ours, "other_tokens_per_s": other}


def beside_ceiling(rivals: Rivals, prompts: list[str], k: int, repeats: int) -> dict[str, float]:
    """Share of the tokens per second that the machine's matrix and copy rates allow, all measured in turn.

    The matrix rate is that of the arithmetic in use, the copy rate in bytes.

    A step of B texts takes at least max((weights + keys and values) / copy rate, 2 N B / matrix rate); a
    prompt token costs as much as a new one and is shared by k texts.
    """
    rivals.ours(prompts[:1], k)
    dtype = rivals.model.dtype
    rates = [(matrix_rate(dtype), copy_rate(), rate(lambda: rivals.ours(prompts, k))) for _ in range(repeats)]
    matrix, copy, reached = (max(column) for column in zip(*rates, strict=True))
    model, n_prompt = rivals.model, sum(len(prompt.split()) for prompt in prompts) / len(prompts)
    config, n_weights = model.config, sum(weight.numel() for weight in model.parameters())
    n_read = n_weights + BATCH * (n_prompt + MEAN_TOKENS) * 2 * config.num_hidden_layers * config.hidden_size
    step_s = max(n_read * model.dtype.itemsize / copy, 2 * n_weights * BATCH / matrix)
    ceiling = BATCH / step_s * MEAN_TOKENS / (MEAN_TOKENS + n_prompt / k)
    figures = {"ratio": reached / ceiling, "ours_tokens_per_s": reached, "ceiling_tokens_per_s": ceiling}
    return figures | {"matrix_flop_per_s": matrix, "copy_bytes_per_s": copy}


def matrix_rate(dtype: torch.dtype) -> float:
    """Multiplications and additions per second of a product of 1024 x 1024 matrices."""
    a, product = torch.randn(1024, 1024).to(dtype), torch.empty(1024, 1024, dtype=dtype)
    return max(rate(lambda: torch.mm(a, a, out=product) is not None and 2 * 1024**3) for _ in range(20))


def copy_rate() -> float:
    """Bytes read and written per second; into memory that is there already."""
    source, target = torch.zeros(32 << 20), torch.zeros(32 << 20)
    return max(rate(lambda: target.copy_(source) is not None and 2 * source.nbytes) for _ in range(8))


def measure(
    shape: str, only: list[str], repeats: int, python: str | None
) -> Iterator[tuple[str, dict[str, float]]]:
    """The pairs that are asked for, on one shape of model, each as soon as it is measured."""
    n, k = TEXTS[shape], 8
    with TemporaryDirectory() as folder:
        make_model(shape, Path(folder))
        rivals = Rivals(Path(folder))
        short, labels, singles = (
            make_prompts(n // k, 16),
            make_prompts(max(2, n // 100), 16),
            make_prompts(200, 16),
        )
        rivals.ours(short[:1], 1)

        def one_by_one() -> int:
            return sum(rivals.generate([prompt]) for prompt in short[:24])

        def guide_loop() -> int:
            return sum(rivals.generate([prompt], 100) for prompt in labels[:3])

        pairs: dict[str, Callable[[], dict[str, float]]] = {
            "vs_single_prompt": lambda: pair(lambda: rivals.ours(short, k), one_by_one, repeats),
            "vs_guide_loop": lambda: pair(lambda: rivals.ours(labels, 100), guide_loop, repeats),
            "vs_static_batch_100": lambda: beside_static(rivals, make_prompts(n // 32, 100), repeats),
            "vs_static_batch_400": lambda: beside_static(rivals, make_prompts(n // 32, 390), repeats),
            "share_of_ceiling": lambda: beside_ceiling(rivals, short, k, 2 * repeats),
            "vs_generate_batch": lambda: pair(
                lambda: rivals.ours(short, k), lambda: rivals.continuous(short[:16], k), 1
            ),
        }
        if python:
            pairs["vs_distilabel"] = lambda: beside_distilabel(rivals, Path(folder), python, singles)
        for name in only or pairs:
            if name in pairs:
                yield name, pairs[name]()


def show(results: dict[str, dict[str, dict[str, float]]]) -> None:
    """The table of the README."""
    table = Table("pair", "model", "ratio", "figures", title="Sampling")
    for name, shapes in results.items():
        for shape, figures in shapes.items() if name != "machine" else ():
            rest = ", ".join(f"{key} {value:,.4g}" for key, value in figures.items() if key != "ratio")
            table.add_row(name, shape, f"{figures['ratio']:.2f}", rest)
    Console(width=150).print(table)


def write(results: dict[str, dict[str, dict[str, float]]]) -> None:
    """Keep what was measured so far."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def main() -> None:
    """Measure, print, write; a pair that is not measured this time keeps its last figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="*", choices=list(TEXTS), default=list(TEXTS))
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--precision", choices=list(GeneratorPrecision), default="auto")
    parser.add_argument("--distilabel", default=os.environ.get("SENTIMILL_DISTILABEL"))
    args = parser.parse_args()
    if args.clock == "cpu":
        torch.set_num_threads(1)
        CLOCK["now"] = time.process_time
    PRECISION["now"] = GeneratorPrecision(args.precision)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for shape in args.shapes:
        for name, figures in measure(shape, args.only, args.repeats, args.distilabel):
            results.setdefault(name, {})[f"{shape}, {args.precision}"] = figures
            write(results)
    if not args.distilabel:
        Console().print("vs_distilabel is not measured: give --distilabel PYTHON that has it.")
    if not args.only or "share_in_engine" in args.only:
        from engine_share import engine_share

        results["share_in_engine"] = {"embedded": engine_share()}
    results["machine"] = {
        "clock": args.clock,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "batch": BATCH,
    }
    show(results)
    write(results)


if __name__ == "__main__":
    main()
