"""The champion in other arithmetic: milliseconds per text of its own rows, and whether decisions stay."""

import copy
import json
import os
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from deployments.api.loading import load
from deployments.api.precision import agreement, decided
from deployments.api.settings import ApiSettings
from deployments.api.sources import find
from tasks.parquet import rows_of_parquet

warnings.filterwarnings("ignore")
settings = ApiSettings(precision="fp32", workers=1)
served = load(find(settings), settings)
place = Path(os.environ.get("SENTIMILL_RESULTS", "results")) / "runs" / served.run / "dataset"
rows = [
    row
    for part in ("validation", "test", "train")
    for row in rows_of_parquet((place / f"{part}.parquet").read_bytes())
][:1000]
texts, truth = [row["text"] for row in rows], np.array([row["targets"] for row in rows]) > 0.5

models = {
    "fp32": served.model,
    "bf16": None,
    "int8 (torch, dynamic)": torch.ao.quantization.quantize_dynamic(
        served.model, {torch.nn.Linear}, torch.qint8
    ),
}

models["bf16"] = copy.deepcopy(served.model).to(torch.bfloat16)
found, reference = {}, None
for name, model in models.items():
    decided(model, served.tokenizer, served.settings, texts[:16])
    start = time.perf_counter()
    decisions = decided(model, served.tokenizer, served.settings, texts)
    spent = time.perf_counter() - start
    reference = decisions if reference is None else reference
    share, change = agreement(reference, decisions, truth)
    found[name] = {
        "ms_per_text": round(1000 * spent / len(texts), 2),
        "agreement": round(share, 4),
        "f1_change": round(change, 4),
    }
print(json.dumps(found))  # noqa: T201
