"""The champion in other arithmetic: milliseconds per text of its own rows, and whether decisions stay.

One thread, as one of two workers on two cores has. ONNX Runtime takes part where it is installed.
"""

import copy
import importlib.util
import json
import os
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from deployments.api.loading import load
from deployments.api.precision import agreement, decided
from deployments.api.settings import ApiSettings
from deployments.api.sources import find
from tasks.storage.parquet import rows_of_parquet

warnings.filterwarnings("ignore")
settings = ApiSettings(runtime="torch", precision="fp32", threads=1)
served = load(find(settings), settings)
model, tokenizer = served.judge.model, served.judge.tokenizer
place = Path(os.environ.get("SENTIMILL_RESULTS", "results")) / "runs" / served.run / "dataset"
rows = [
    row
    for part in ("validation", "test", "train")
    for row in rows_of_parquet((place / f"{part}.parquet").read_bytes())
][:1000]
texts, truth = [row["text"] for row in rows], np.array([row["targets"] for row in rows]) > 0.5


class Onnx(torch.nn.Module):
    """The classifier run by ONNX Runtime."""

    def __init__(self, file):
        import onnxruntime

        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.head, self.scale = model.head, model.scale

    def forward(self, input_ids, attention_mask):
        inputs = {"input_ids": input_ids.numpy(), "attention_mask": attention_mask.numpy()}
        return torch.from_numpy(self.session.run(None, inputs)[0])


def onnx_models(folder):
    """Exported as it is, and with int8 weights of one scale per channel."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    example = tokenizer(texts[:2], padding=True, return_tensors="pt")
    names, plain, small = ["input_ids", "attention_mask"], f"{folder}/plain.onnx", f"{folder}/small.onnx"
    axes = {name: {0: "batch", 1: "tokens"} for name in names}
    torch.onnx.export(
        model,
        tuple(example[name] for name in names),
        plain,
        input_names=names,
        output_names=["logits"],
        dynamic_axes={**axes, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    only_weights = {"MatMulConstBOnly": True}
    quantize_dynamic(plain, small, per_channel=True, weight_type=QuantType.QInt8, extra_options=only_weights)
    return {"fp32 (ONNX Runtime)": Onnx(plain), "int8 (ONNX Runtime, dynamic)": Onnx(small)}


models = {
    "fp32": model,
    "bf16": copy.deepcopy(model).to(torch.bfloat16),
    "int8 (torch, dynamic)": torch.ao.quantization.quantize_dynamic(
        copy.deepcopy(model), {torch.nn.Linear}, torch.qint8
    ),
}
with TemporaryDirectory() as scratch:
    if all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        models |= onnx_models(scratch)
    found, reference = {}, None
    for name, each in models.items():
        decided(each, tokenizer, served.settings, texts[:16])
        start = time.process_time()
        decisions = decided(each, tokenizer, served.settings, texts)
        spent = time.process_time() - start
        reference = decisions if reference is None else reference
        share, change = agreement(reference, decisions, truth)
        found[name] = {
            "ms_per_text": round(1000 * spent / len(texts), 2),
            "agreement": round(share, 4),
            "f1_change": round(change, 4),
        }
print(json.dumps(found))  # noqa: T201
