"""The classifier as a graph: ONNX in fp32 and int8, and OpenVINO."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tasks.pipeline.exporting.running import INPUTS, LEVELS, PROBABILITIES

OPSET = 20
"""Newest operators that torch's exporter writes and ONNX Runtime quantises (GELU as one operator)."""


class DecisionGraph(nn.Module):
    """Token ids and mask to probabilities, float (batch, labels), and levels, int (batch,)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.n_labels = model, int(model.head.out_features)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        """Probabilities; of a model with a head for a scale the levels, too."""
        logits = self.model(input_ids, attention_mask)
        probabilities = torch.sigmoid(logits[:, : self.n_labels])
        if self.model.scale is None:
            return probabilities
        return probabilities, 1 + (logits[:, self.n_labels :] > 0).sum(dim=1)


def write_onnx(model: Any, file: Path) -> None:
    """Write a classifier as ONNX, fp32, any number of texts and tokens.

    Args:
        model: `Classifier`; moved to the CPU and to evaluation mode.
        file: File to write.
    """
    import onnx

    graph = DecisionGraph(model.cpu()).eval()
    ids = torch.ones((2, 8), dtype=torch.long)
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    with _quiet():
        torch.onnx.export(
            graph,
            (ids, torch.ones_like(ids)),
            str(file),
            input_names=list(INPUTS),
            output_names=[PROBABILITIES] if model.scale is None else [PROBABILITIES, LEVELS],
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=(axes, axes),
            external_data=False,
            verbose=False,
        )
    onnx.checker.check_model(str(file))


def write_int8(fp32: Path, file: Path) -> None:
    """Write an ONNX file with the weights of its matrix products in int8, a scale per column.

    Activations are quantised while it runs (dynamic quantisation), so no texts are needed. Embeddings,
    layer norms and attention stay in fp32.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(
            fp32,
            file,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )


def write_openvino(onnx_file: Path, file: Path) -> None:
    """Write an ONNX file as OpenVINO's `.xml` and `.bin`, fp32."""
    import openvino

    openvino.save_model(openvino.Core().read_model(onnx_file), file, compress_to_fp16=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporters warn of packages that are not needed and of their own future."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
