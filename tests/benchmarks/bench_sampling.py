"""New tokens per second of the sampling engine, beside what a user would run instead.

    python tests/benchmarks/bench_sampling.py [--shape embedded|gpt2] [--texts 512] [--clock wall|cpu]

Both sides of a pair run in turn in one process: same random weights, same prompts, same arithmetic, same
sampling controls. Every step ends a text with probability 1/30, so that lengths vary as they do in real text.
On a machine that others use, `--clock cpu` counts the processor's seconds instead, on one thread.
"""

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Callable
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
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

sys.path.insert(0, str(Path(__file__).parents[2]))

from tasks.config import GeneratorConfig, PromptForm
from tasks.sampling import Request, load_engine
from tasks.sampling.opening import arithmetic

RESULTS = Path("results/bench/sampling.json")
MEAN_TOKENS, MOST_TOKENS, BATCH = 30, 120, 64
PAD, START, END = 0, 1, 2
CLOCK = {"now": time.perf_counter}
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
        controls = {"max_new_tokens": MOST_TOKENS, "batch_size": BATCH, "top_p": 0.95}
        config = GeneratorConfig(model=str(folder), prompt_form=PromptForm.control, **controls)
        self.engine = load_engine(config)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=arithmetic(False)).eval()
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)

    def ours(self, prompts: list[str], k: int) -> int:
        """Every prompt a request of k texts, from 16 threads."""
        requests = [Request(prompt, k, seed=number) for number, prompt in enumerate(prompts)]
        with ThreadPoolExecutor(16) as pool:
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
            top_p=0.95,
            top_k=0,
            max_new_tokens=MOST_TOKENS,
            num_return_sequences=copies,
        )
        texts = output[:, inputs.input_ids.shape[1] :]
        ended = (texts == END).int().cumsum(-1)
        return int(((ended == 0) | ((texts == END) & (ended == 1))).sum())

    def static(self, prompts: list[str], k: int, size: int) -> int:
        """Every prompt k times, in batches of a fixed size, as long as their longest text."""
        rows = [prompt for prompt in prompts for _ in range(k)]
        return sum(self.generate(rows[start : start + size]) for start in range(0, len(rows), size))


def rate(work: Work) -> float:
    """New tokens per second."""
    start = CLOCK["now"]()
    return work() / (CLOCK["now"]() - start)


def pair(ours: Work, other: Work, repeats: int) -> dict[str, float]:
    """Both in turn; the best of each, since other work on the machine only ever slows down."""
    rates = [(rate(ours), rate(other)) for _ in range(repeats)]
    fast, slow = (max(column) for column in zip(*rates, strict=True))
    return {"ratio": fast / slow, "ours_tokens_per_s": fast, "other_tokens_per_s": slow}


def ceiling(model: torch.nn.Module, n_prompt: int, k: int) -> dict[str, float]:
    """Tokens per second that the machine's matrix and copy rates allow, measured now.

    A step of B texts takes at least max(weights read / copy rate, 2 N B / matrix rate); a prompt token
    costs as much as a new one and is shared by k texts.
    """
    a = torch.randn(1024, 1024).to(model.dtype)
    matrix = max(rate(lambda: [a @ a for _ in range(10)] and 10 * 2 * 1024**3) for _ in range(5))
    block = torch.zeros(32 << 20)
    copy = max(rate(lambda: [block.clone() for _ in range(3)] and 3 * 2 * block.nbytes) for _ in range(3))
    n_weights = sum(weight.numel() for weight in model.parameters())
    step_s = max(n_weights * model.dtype.itemsize / copy, 2 * n_weights * BATCH / matrix)
    tokens_per_s = BATCH / step_s * MEAN_TOKENS / (MEAN_TOKENS + n_prompt / k)
    return {"tokens_per_s": tokens_per_s, "matrix_flop_per_s": matrix, "copy_bytes_per_s": copy}


def measure(shape: str, n_texts: int, repeats: int) -> dict[str, dict[str, float]]:
    """All pairs for one shape of model."""
    with TemporaryDirectory() as folder:
        make_model(shape, Path(folder))
        rivals = Rivals(Path(folder))
    short, labels, k = make_prompts(n_texts // 8, 16), make_prompts(max(1, n_texts // 100), 16), 8
    rivals.ours(short[:1], 1)

    def one_by_one() -> int:
        return sum(rivals.generate([prompt]) for prompt in short[: n_texts // 16])

    def guide_loop() -> int:
        return sum(rivals.generate([prompt], 100) for prompt in labels)

    results = {
        "vs_single_prompt": pair(lambda: rivals.ours(short, k), one_by_one, repeats),
        "vs_guide_loop": pair(lambda: rivals.ours(labels, 100), guide_loop, repeats),
        "vs_static_batch_100": beside_static(rivals, make_prompts(n_texts // 32, 100), repeats),
        "vs_static_batch_400": beside_static(rivals, make_prompts(n_texts // 32, 390), repeats),
    }
    limit = ceiling(rivals.model, 12, k)
    reached = results["vs_single_prompt"]["ours_tokens_per_s"]
    results["share_of_ceiling"] = {
        "ratio": reached / limit["tokens_per_s"],
        "ours_tokens_per_s": reached,
        **limit,
    }
    return results


def beside_static(rivals: Rivals, prompts: list[str], repeats: int, k: int = 32) -> dict[str, float]:
    """Static batches of the size that does best on the first prompts."""
    rates = {size: rate(lambda size=size: rivals.static(prompts[:2], k, size)) for size in (16, 32, 64)}
    best = max(rates, key=lambda size: rates[size])
    figures = pair(lambda: rivals.ours(prompts, k), lambda: rivals.static(prompts, k, best), repeats)
    return figures | {"static_batch_size": best}


def show(shape: str, results: dict[str, dict[str, float]]) -> None:
    """The table of the README."""
    table = Table("pair", "ratio", "figures", title=f"Sampling, {shape} shape")
    for name, figures in results.items():
        rest = ", ".join(f"{key} {value:,.0f}" for key, value in figures.items() if key != "ratio")
        table.add_row(name, f"{figures['ratio']:.2f}", rest)
    Console().print(table)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=["embedded", "gpt2"], default="embedded")
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    args = parser.parse_args()
    if args.clock == "cpu":
        torch.set_num_threads(1)
        CLOCK["now"] = time.process_time
    results = measure(args.shape, args.texts, args.repeats)
    show(args.shape, results)
    machine = {
        "clock": args.clock,
        "texts": args.texts,
        "threads": torch.get_num_threads(),
        "arithmetic": str(arithmetic(False)),
        "torch": torch.__version__,
    }
    held = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(held | {args.shape: results | {"machine": machine}}, indent=1) + "\n")


if __name__ == "__main__":
    main()
