"""Weights laid out once, as oneDNN's matrix products want them, instead of at every product.

With the few rows of a decode batch, bringing the weights into order costs as much as multiplying: a head of
50,257 x 768 on 64 rows runs at 121 GFLOP/s laid out beforehand and at 65 otherwise (2 cores, AVX2, fp32); a
layer of 384 x 384 at 275 and at 153 (1 core, AMX, bf16).
"""

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils import skip_init
from transformers.pytorch_utils import Conv1D

from tasks.pipeline.sampling.engine.trials import tried_here

log = logging.getLogger(__name__)

ROWS = 64
"""Rows of the batch that the layout is chosen for; others work, too."""
TRIED_ROWS = 512
"""Rows up to which products are tried."""
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 1e-2}
"""Largest difference from the plain product, as a share of the largest result: some roundings of the type."""


def pack_weights(model: nn.Module) -> int:
    """Give every linear layer of a model on a CPU a packed product, and free the plain weights.

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
    steady: dict[torch.Size, tuple[int, int | None]] = {}
    for layer in layers:
        kind = layer.weight.shape
        if kind not in steady:
            trial = partial(_steady_rows, layer)
            steady[kind] = tried_here("rows", trial, type(layer).__name__, kind, layer.weight.dtype)
        layer.forward = Packed(layer, *steady[kind])  # type: ignore[method-assign]
    free_weights(model)
    return len(layers)


def free_weights(model: nn.Module) -> None:
    """Drop weights that a layer's own product holds in another form; only their shape and type stay.

    Weights that something else reads, such as an embedding tied to the last layer, are kept.
    """
    layers = linear_layers(model)
    owners = Counter(
        id(weight) for module in model.modules() for weight in vars(module)["_parameters"].values()
    )
    for layer in layers:
        if owners[id(layer.weight)] == 1:
            layer.weight = nn.Parameter(layer.weight.detach().to("meta"), requires_grad=False)


def linear_layers(model: nn.Module) -> list[nn.Linear | Conv1D]:
    """Every layer of a model that is a matrix product."""
    return [module for module in model.modules() if isinstance(module, nn.Linear | Conv1D)]


def sizes_of(layer: nn.Linear | Conv1D) -> tuple[int, int]:
    """Numbers that go into a layer, and that come out."""
    first, second = layer.weight.shape
    return (first, second) if isinstance(layer, Conv1D) else (second, first)


class Packed:
    """Product with the packed weights of a layer.

    Args:
        layer: Its weights and bias.
        least: Fewer rows than these are filled up with zeros.
        most: More rows than these are multiplied in pieces; None for any number at once.
    """

    def __init__(self, layer: nn.Linear | Conv1D, least: int = 1, most: int | None = None) -> None:
        weight = layer.weight.t().contiguous() if isinstance(layer, Conv1D) else layer.weight
        self.operations: Any = torch.ops.mkldnn
        self.weight = self.operations._reorder_linear_weight(weight.detach(), ROWS)
        self.bias, self.least, self.most = layer.bias, least, most

    def __call__(self, rows: Tensor) -> Tensor:
        """(..., n_in) -> (..., n_out)."""
        n_rows = rows.shape[:-1].numel()
        most = self.most or max(n_rows, self.least)
        if self.least <= n_rows <= most:
            return self._multiply(rows)
        flat = rows.reshape(n_rows, -1)
        if (n_last := n_rows % most) and n_last < self.least:
            flat = pad(flat, (0, 0, 0, self.least - n_last))
        product = torch.cat([self._multiply(piece) for piece in torch.split(flat, most)])
        return product[:n_rows].view(*rows.shape[:-1], -1)

    def like(self, layer: nn.Linear | Conv1D) -> "Packed":
        """The same kind of product with the weights of another layer of this shape."""
        return Packed(layer, self.least, self.most)

    def _multiply(self, rows: Tensor) -> Tensor:
        product: Tensor = self.operations._linear_pointwise(rows, self.weight, self.bias, "none", [], "")
        return product


@torch.inference_mode()
def product_like(layer: nn.Linear | Conv1D, n_rows: int) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The layer's product with other weights, and rows of which every sum is nothing but rounding.

    The order in which a kernel adds up hangs on the shapes alone. In a product of any numbers, rounding the
    sum to bf16 hides it almost always; where the terms cancel out, hardly ever.

    Returns:
        The product, packed if the layer's is, and its rows, (n_rows, n_in).
    """
    n_in, n_out = sizes_of(layer)
    as_rows, dtype = isinstance(layer, Conv1D), layer.weight.dtype
    twin: nn.Linear | Conv1D
    if as_rows:
        twin = Conv1D(n_out, n_in).to(dtype)
    else:  # its own first weights, drawn for nothing, would take as long as ours
        twin = skip_init(  # type: ignore[no-untyped-call]
            nn.Linear, n_in, n_out, bias=layer.bias is not None, dtype=dtype
        )
    weight = twin.weight.T if as_rows else twin.weight
    source = torch.Generator().manual_seed(0)
    order, half = torch.randperm(n_in, generator=source), n_in // 2

    def cancelling(n: int, sign: int) -> Tensor:
        numbers = torch.randn(n, half, generator=source, dtype=weight.dtype)
        return torch.cat([numbers, sign * numbers, numbers.new_zeros(n, n_in - 2 * half)], dim=1)[:, order]

    weight.copy_(cancelling(n_out, 1))
    if twin.bias is not None:
        twin.bias.zero_()
    like = getattr(layer.forward, "like", None)
    return (like(twin) if like else twin), cancelling(n_rows, -1)


@torch.inference_mode()
def _steady_rows(layer: nn.Linear | Conv1D) -> tuple[int, int | None]:
    """Fewest and most rows between which a row's product does not hang on how many there are.

    With bf16 on AMX, up to 32 rows run through kernels that add up in another order, and where a product has
    few columns, two threads share the sums of some numbers of rows. To fill such a product up, or to make it
    in pieces, costs little, and lets batches be as narrow or as wide as they are.

    Returns:
        The fewest, `ROWS` at most, and the most, a multiple of `ROWS`, or None if there is no such bound.
    """
    twin, rows = product_like(layer, TRIED_ROWS)
    product, least = Packed(twin), ROWS
    expected = product(rows[:ROWS])
    while least > 1 and torch.equal(product(rows[: least // 2]), expected[: least // 2]):
        least //= 2
    for n_rows in range(ROWS + ROWS // 2, TRIED_ROWS + 1, ROWS // 2):
        if not torch.equal(product(rows[:n_rows])[:ROWS], expected):
            return least, (n_rows - 1) // ROWS * ROWS
    return least, None


@torch.inference_mode()
def _try_out(layer: nn.Linear | Conv1D) -> None:
    n_in, _ = sizes_of(layer)
    rows = torch.linspace(-1.0, 1.0, 3 * n_in, dtype=layer.weight.dtype).reshape(3, n_in)
    expected = layer(rows)
    difference = (Packed(layer)(rows) - expected).abs().max()
    if not difference <= TOLERANCE[rows.dtype] * expected.abs().max():
        raise ValueError(f"packed products differ by {difference:.3g}")
