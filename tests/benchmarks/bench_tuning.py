"""What the rank and the rate of the embedded generator's adapter are worth, and tuning all weights instead.

Run as:

    python tests/benchmarks/bench_tuning.py --data shared/data [--texts-per-label 40] [--examples 960]

Every variant starts from the same untuned model, sees the same examples in the same order once, and is
measured on the same held-out examples: mean negative log-likelihood per text token, in nats. Lower is better.
The runs are short, so they tell which variant learns fastest, not where each would end.

Figures are merged into results/bench/generator.json.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from recording import record

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

from tasks.config import TuneConfig  # noqa: E402
from tasks.data.references import RealRef  # noqa: E402
from tasks.models.weights_cache import base_folder  # noqa: E402
from tasks.orchestration.fingerprints import real_sha256  # noqa: E402
from tasks.pipeline.training.generator import (  # noqa: E402
    Adapted,
    Example,
    TuningSizes,
    demonstrations,
    encode_examples,
    epoch_examples,
    held_out_split,
    known_meanings,
    token_loss,
    tune,
    with_adapters,
)
from tasks.pipeline.training.state import FitOptions  # noqa: E402
from tasks.stages.generator_tuning import annotate_task, read_texts  # noqa: E402

DEFAULT = TuneConfig()


class Variant(NamedTuple):
    """How to tune."""

    rank: int | None
    """Of the adapters; None tunes all weights."""
    rate: float

    @property
    def name(self) -> str:
        """As it stands in the figures."""
        return f"{f'rank {self.rank}' if self.rank else 'all weights'}, rate {self.rate:g}"


VARIANTS = (
    Variant(16, 4e-4),
    Variant(4, 4e-4),
    Variant(64, 4e-4),
    Variant(16, 1e-4),
    Variant(16, 1e-3),
    Variant(None, 2e-5),
    Variant(None, 1e-4),
)


def load(variant: Variant) -> Adapted:
    """The untuned model, ready to learn: a bf16 base with fp32 adapters, or fp32 weights."""
    dtype = torch.bfloat16 if variant.rank else torch.float32
    model = AutoModelForCausalLM.from_pretrained(base_folder(), dtype=dtype)
    return with_adapters(model, variant.rank, DEFAULT.seed) if variant.rank else Adapted(model)


def measure(
    variant: Variant, learn: list[Example], held: list[Example], sizes: TuningSizes
) -> dict[str, float]:
    """Held-out loss before and after, parameters learnt, and seconds of tuning."""
    tokenizer = AutoTokenizer.from_pretrained(base_folder())
    model, system = load(variant), DEFAULT.system_prompt
    rows = encode_examples(tokenizer, held, sizes.max_tokens, system)
    before = token_loss(model, rows, tokenizer.pad_token_id)
    options = FitOptions(
        epochs=1, early_stopping_patience=1, seed=DEFAULT.seed, precision="bf16", warmup_ratio=0.1
    )
    started = time.perf_counter()
    with TemporaryDirectory() as scratch:
        state = tune(model, tokenizer, lambda _: learn, held, options, Path(scratch), sizes, system)
    return {
        "loss before": before,
        "loss after": -state.history[-1]["score"],
        "millions of parameters": sum(p.numel() for p in model.learnt()) / 1e6,
        "seconds": time.perf_counter() - started,
    }


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--texts-per-label", type=int, default=40, help="from which examples are drawn")
    parser.add_argument("--examples", type=int, default=960, help="learnt from")
    parser.add_argument("--batch-tokens", type=int, default=DEFAULT.batch_tokens)
    args = parser.parse_args()
    data = RealRef(source=args.data, sha256=real_sha256(args.data))
    annotated = annotate_task.fn(data=data, texts_per_label=args.texts_per_label, seed=DEFAULT.seed)
    texts, meanings = read_texts(annotated), known_meanings() | demonstrations()[1]
    learn, held = held_out_split(len(texts), 0.1, DEFAULT.seed)
    examples = epoch_examples([texts[i] for i in learn], meanings, DEFAULT.seed, 0)[: args.examples]
    unseen = epoch_examples([replace(texts[i], copies=1) for i in held], meanings, DEFAULT.seed + 1, 0)
    sizes = {"batch_tokens": args.batch_tokens, "max_tokens": DEFAULT.max_tokens}
    found: dict[str, Any] = {"examples": len(examples), "held out": len(unseen)}
    for variant in VARIANTS:
        given = TuningSizes(learning_rate=variant.rate, **sizes)
        found[variant.name] = measure(variant, examples, unseen, given)
        record(ROOT / "results" / "bench" / "generator.json", {"tuning": found})


if __name__ == "__main__":
    main()
