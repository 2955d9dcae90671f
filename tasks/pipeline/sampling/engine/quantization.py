"""Matrix products in int8 for models on a CPU: weights by output, activations by row, sums in int32.

Sums of integers are exact in any order, so a row's product does not depend on the rows beside it. The weights
take a quarter of the memory. Error of a product: about one part in a hundred of its largest number.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from tasks.config import GeneratorPrecision
from tasks.pipeline.sampling.engine.weight_packing import Packed, free_weights, linear_layers, sizes_of

MIN_WEIGHTS = 20_000_000
"""Weights in linear layers from which a probe pays; smaller models are fast and lose more by rounding."""
GAIN = {GeneratorPrecision.bf16: 1.3, GeneratorPrecision.int8: 2.0}
"""How many times faster a product must be than in the arithmetic chosen so far. bf16 costs no quality and
makes all else faster, too; int8 makes nothing but products faster and rounds more."""
PROBE_ROWS = 256
LEVELS, ZERO = 127, 128
"""Largest size of a quantised number, and what an activation of 0 becomes: oneDNN takes uint8."""
TOLERANCE = 0.05
"""Largest difference from the plain product, as a share of the largest result."""


class Quantized:
    """Product with the int8 weights of a layer.

    The operations are PyTorch's own but not documented (its compiler uses them), see `int8_works`.
    """

    def __init__(self, layer: nn.Linear | Conv1D) -> None:
        weight = (layer.weight.t() if isinstance(layer, Conv1D) else layer.weight).detach().float()
        self._operations: Any = torch.ops.onednn
        self._scales = (weight.abs().amax(dim=1) / LEVELS).clamp(min=torch.finfo(torch.float32).tiny)
        quantized = (weight / self._scales[:, None]).round_().to(torch.int8)
        self._weight = self._operations.qlinear_prepack(quantized.contiguous(), None)
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        self.bias = layer.bias

    def __call__(self, rows: Tensor) -> Tensor:
        """(..., n_in) -> (..., n_out), both fp32."""
        flat = rows.reshape(-1, rows.shape[-1])
        scales = flat.abs().amax(dim=1, keepdim=True).div_(LEVELS).clamp_(min=torch.finfo(torch.float32).tiny)
        quantized = (flat / scales).round_().add_(ZERO).to(torch.uint8)
        product: Tensor = self._operations.qlinear_pointwise(
            *(quantized, 1.0, ZERO, self._weight, self._scales, self._zeros, None),
            *(1.0, 0, torch.float32, "none", [], ""),
        )
        product.mul_(scales)
        if self.bias is not None:
            product.add_(self.bias)
        return product.view(*rows.shape[:-1], -1)

    def like(self, layer: nn.Linear | Conv1D) -> "Quantized":
        """The same kind of product with the weights of another layer."""
        return Quantized(layer)


def quantize_weights(model: nn.Module) -> int:
    """Give every linear layer of a model on a CPU an int8 product, and free the weights.

    Returns:
        Number of layers quantised.
    """
    layers = linear_layers(model)
    for layer in layers:
        layer.forward = Quantized(layer)  # type: ignore[method-assign]
    free_weights(model)
    return len(layers)


def choose_precision(model: nn.Module, for_small: torch.dtype) -> GeneratorPrecision:
    """The arithmetic that pays for a model on this CPU, by trying its largest layer but the last.

    Args:
        model: With fp32 weights.
        for_small: What models of less than `MIN_WEIGHTS` take.
    """
    layers = linear_layers(model)
    if sum(layer.weight.numel() for layer in layers) < MIN_WEIGHTS:
        bf16 = for_small == torch.bfloat16
        return GeneratorPrecision.bf16 if bf16 else GeneratorPrecision.fp32
    layer = max(layers[:-1], key=lambda layer: layer.weight.numel())
    seconds = dict(_seconds(layer))
    chosen = GeneratorPrecision.fp32
    for coarser in (GeneratorPrecision.bf16, GeneratorPrecision.int8):
        if coarser in seconds and seconds[coarser] * GAIN[coarser] < seconds[chosen]:
            chosen = coarser
    return chosen


@torch.inference_mode()
def int8_works(layer: nn.Linear | Conv1D) -> bool:
    """Whether this machine and release of PyTorch have the products, and get them right."""
    n_in, _ = sizes_of(layer)
    rows = torch.linspace(-1.0, 1.0, 3 * n_in).reshape(3, n_in)
    try:
        product, expected = Quantized(layer)(rows), layer(rows)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return bool((product - expected).abs().max() <= TOLERANCE * expected.abs().max())


def _seconds(layer: nn.Linear | Conv1D) -> Iterator[tuple[GeneratorPrecision, float]]:
    n_in, _ = sizes_of(layer)
    rows = torch.randn(PROBE_ROWS, n_in, generator=torch.Generator().manual_seed(0))
    yield GeneratorPrecision.fp32, _fastest(_packed(layer), rows)
    half = nn.Linear(*sizes_of(layer), bias=False, dtype=torch.bfloat16)
    yield GeneratorPrecision.bf16, _fastest(_packed(half), rows.to(torch.bfloat16))
    if int8_works(layer):
        yield GeneratorPrecision.int8, _fastest(Quantized(layer), rows)


def _packed(layer: nn.Linear | Conv1D) -> Callable[[Tensor], Tensor]:
    try:
        return Packed(layer)
    except (AttributeError, RuntimeError):
        return layer


@torch.inference_mode()
def _fastest(product: Callable[[Tensor], Tensor], rows: Tensor) -> float:
    seconds = []
    for _ in range(8):
        start = time.perf_counter()
        product(rows)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
