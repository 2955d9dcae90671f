"""Training speed beside `transformers.Trainer` with its defaults: same data, model, batch size, loss.

Run as:

    PYTHONPATH=. python tests/benchmarks/bench_training.py --real path/to/goemotions

Without `--real` the texts are random words of the lengths that short comments have. Each side trains one
epoch in a process of its own, so that neither profits from the other's warm caches and each has its own
peak of memory; the sides take turns. Figures go to results/bench/training.json.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

from tasks.config import TrainingConfig
from tasks.models.bundled import MINILM
from tasks.pipeline.training.classifier.model import Classifier, new_classifier

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "results" / "bench" / "training.json"
N_LABELS = 28
BATCH = 32
MAX_TOKENS = 128
WORDS = """
the a it we they is was not so really never soup train phone hotel film teacher garden ticket screen
loved hated waited thanked returned lovely awful boring proud sorry strange quiet broken kind again
""".split()


def texts_of(folder: Path | None, n: int) -> list[str]:
    """Train texts of GoEmotions, or random words: log-normal lengths around 12 as in short comments."""
    rng = random.Random(0)
    if folder:
        lines = (folder / "train.tsv").read_text(encoding="utf-8").split("\n")
        found = [line.split("\t")[0] for line in lines if line]
        return rng.sample(found, min(n, len(found)))
    lengths = np.random.default_rng(0).lognormal(2.4, 0.55, n).clip(2, 60).astype(int)
    return [" ".join(rng.choices(WORDS, n=int(k))) + "." for k in lengths]


def targets_of(n: int) -> np.ndarray:
    """Random label sets, float32 (n, 28): what is learnt does not matter to the clock."""
    return (np.random.default_rng(1).random((n, N_LABELS)) < 0.05).astype(np.float32)


def train_ours(texts: list[str], folder: Path) -> float:
    """Seconds of one epoch of `tasks.pipeline.training.classifier`, tokenisation included."""
    from tasks.pipeline.training.classifier import train_classifier

    targets = targets_of(len(texts))
    targets[0] = 1.0  # every label has a row
    rows = [
        {"text": t, "targets": y.tolist(), "weight": 1.0, "level": None, "source": "real"}
        for t, y in zip(texts, targets, strict=True)
    ]
    config = TrainingConfig(base=MINILM, epochs=1, batch_size=BATCH, max_length=MAX_TOKENS)
    start = time.perf_counter()
    train_classifier(rows, rows[:8], [str(i) for i in range(N_LABELS)], config, 0, folder)  # type: ignore[arg-type]
    return time.perf_counter() - start


class WithLoss(torch.nn.Module):
    """What `Trainer` wants: a model that returns its own loss."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Mean binary cross-entropy."""
        logits = self.model(input_ids, attention_mask)
        return {
            "loss": torch.nn.functional.binary_cross_entropy_with_logits(logits, labels),
            "logits": logits,
        }


def train_theirs(texts: list[str], folder: Path) -> float:
    """Seconds of one epoch of `transformers.Trainer`, its own defaults but for the batch size."""
    from datasets import Dataset
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    torch.manual_seed(0)
    model, tokenizer = new_classifier(MINILM, None, N_LABELS)
    targets = targets_of(len(texts))
    start = time.perf_counter()
    data = Dataset.from_dict({"text": texts, "labels": targets.tolist()})
    data = data.map(
        lambda rows: tokenizer(rows["text"], truncation=True, max_length=MAX_TOKENS),
        batched=True,
        remove_columns=["text"],
    )
    arguments = TrainingArguments(
        output_dir=str(folder), num_train_epochs=1, per_device_train_batch_size=BATCH, report_to="none"
    )
    Trainer(
        WithLoss(model), arguments, train_dataset=data, data_collator=DataCollatorWithPadding(tokenizer)
    ).train()
    return time.perf_counter() - start


def side(name: str, real: Path | None, n: int) -> dict[str, float]:
    """One side, in this process: rows per second, and the peak of resident memory in MB."""
    texts = texts_of(real, n)
    with tempfile.TemporaryDirectory() as folder:
        seconds = (train_ours if name == "ours" else train_theirs)(texts, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows_per_s": len(texts) / seconds, "peak_mb": peak}


def measured(name: str, real: Path | None, n: int) -> dict[str, float]:
    """One side, in a process of its own."""
    command = [sys.executable, __file__, "--side", name, "--rows", str(n)]
    command += ["--real", str(real)] if real else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Let the sides take turns, print both, write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, help="folder with GoEmotions' train.tsv")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--side", choices=("ours", "trainer"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.side:
        print(json.dumps(side(chosen.side, chosen.real, chosen.rows)))  # noqa: T201
        return
    turns = [
        {name: measured(name, chosen.real, chosen.rows) for name in ("ours", "trainer")}
        for _ in range(chosen.turns)
    ]
    scores = {
        name: {what: median(turn[name][what] for turn in turns) for what in ("rows_per_s", "peak_mb")}
        for name in ("ours", "trainer")
    }
    page = {
        **scores,
        "ratio": median(turn["ours"]["rows_per_s"] / turn["trainer"]["rows_per_s"] for turn in turns),
        "turns": turns,
        "rows": chosen.rows,
        "batch": BATCH,
        "texts": "GoEmotions" if chosen.real else "random words",
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(page, indent=1) + "\n", encoding="utf-8")
    for name, score in scores.items():
        print(f"{name:10}{score['rows_per_s']:8.1f} rows/s{score['peak_mb']:8.0f} MB")  # noqa: T201
    print(f"ratio     {page['ratio']:8.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
