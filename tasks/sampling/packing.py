"""Weights laid out once, as oneDNN's matrix products want them, instead of at every product.

With the few rows of a decode batch, bringing the weights into order costs as much as multiplying: a head of
50,257 x 768 on 64 rows runs at 121 GFLOP/s laid out beforehand and at 65 otherwise (2 cores, AVX2, fp32); a
layer of 384 x 384 at 275 and at 153 (1 core, AMX, bf16).
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

log = logging.getLogger(__name__)

ROWS = 64
"""Rows of the batch that the layout is chosen for; others work, too."""
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 1e-2}
"""Largest difference from the plain product, as a share of the largest result: some roundings of the type."""


def pack_weights(model: nn.Module) -> int:
    """Give every linear layer of a model on a CPU a packed product; the weights themselves stay.

    The operations are PyTorch's own but not documented (its compiler uses them), so they are tried first, and
    where they are missing or give other results the model stays as it is.

    Returns:
        Number of layers packed.
    """
    layers = linear_layers(model)
    kinds = {(weight.device.type, weight.dtype) for weight in model.parameters()}
    if not layers or len(kinds) > 1 or not kinds <= {("cpu", dtype) for dtype in TOLERANCE}:
        return 0
    try:
        _try_out(layers[0])
    except (AttributeError, RuntimeError, ValueError) as error:
        log.info("Weights are not packed here: %s", error)
        return 0
    for layer in layers:
        layer.forward = _packed(layer)  # type: ignore[method-assign]
    return len(layers)


def linear_layers(model: nn.Module) -> list[nn.Linear | Conv1D]:
    """Every layer of a model that is a matrix product."""
    return [module for module in model.modules() if isinstance(module, nn.Linear | Conv1D)]


def _packed(layer: nn.Linear | Conv1D) -> Callable[[Tensor], Tensor]:
    weight = layer.weight.t().contiguous() if isinstance(layer, Conv1D) else layer.weight
    operations: Any = torch.ops.mkldnn
    packed, bias = operations._reorder_linear_weight(weight.detach(), ROWS), layer.bias

    def forward(rows: Tensor) -> Tensor:
        product: Tensor = operations._linear_pointwise(rows, packed, bias, "none", [], "")
        return product

    return forward


@torch.inference_mode()
def _try_out(layer: nn.Linear | Conv1D) -> None:
    n_in = layer.weight.shape[0 if isinstance(layer, Conv1D) else 1]
    rows = torch.linspace(-1.0, 1.0, 3 * n_in, dtype=layer.weight.dtype).reshape(3, n_in)
    expected = layer(rows)
    difference = (_packed(layer)(rows) - expected).abs().max()
    if not difference <= TOLERANCE[rows.dtype] * expected.abs().max():
        raise ValueError(f"packed products differ by {difference:.3g}")
