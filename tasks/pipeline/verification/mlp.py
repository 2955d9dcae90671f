"""A small network with one hidden layer: what several layers of an encoder together say about labels."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import erf, expit
from torch import nn

from tasks.models.own_thread import in_own_thread

HIDDEN = 256
DROPOUT = 0.3
BATCH = 256
EPOCHS = 6
MIN_STEPS = 300
"""With few rows there are more passes over them."""
PEAK_RATE = 1e-3
MIN_SPREAD = 1e-6
MIN_FREQUENCY = 1e-4
"""Least share of texts that a label starts from, for its log-odds to be finite."""


@dataclass(frozen=True)
class Network:
    """Fitted weights, float32.

    Attributes:
        mean: (n_features,) of the vectors that it learnt from.
        spread: (n_features,) their standard deviation.
        inner: (n_features, `HIDDEN`) weights.
        inner_bias: (`HIDDEN`,).
        outer: (`HIDDEN`, n_labels) weights.
        outer_bias: (n_labels,).
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    inner: NDArray[np.float32]
    inner_bias: NDArray[np.float32]
    outer: NDArray[np.float32]
    outer_bias: NDArray[np.float32]

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of every label, (n, n_labels), 0..1, for vectors (n, n_features)."""
        inner = (vectors - self.mean) / self.spread @ self.inner + self.inner_bias
        active = inner * (1 + erf(inner / np.sqrt(2))) / 2  # GELU
        found: NDArray[np.float64] = expit((active @ self.outer + self.outer_bias).astype(float))
        return found


@in_own_thread
def fit_network(vectors: NDArray[np.float32], targets: NDArray[np.bool_], seed: int) -> Network:
    """Fit vectors (n, n_features) to targets (n, n_labels) by binary cross-entropy.

    Dropout before both layers, AdamW under a one-cycle rate; `seed` decides weights, dropout and batches.
    """
    mean, spread = vectors.mean(axis=0), vectors.std(axis=0) + MIN_SPREAD
    inputs = torch.from_numpy((vectors - mean) / spread)
    wanted = torch.from_numpy(targets.astype(np.float32))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inner, outer = nn.Linear(inputs.shape[1], HIDDEN), nn.Linear(HIDDEN, wanted.shape[1])
        outer.bias.data = torch.logit(wanted.mean(dim=0).clamp(MIN_FREQUENCY, 1 - MIN_FREQUENCY))
        layers = nn.Sequential(nn.Dropout(DROPOUT), inner, nn.GELU(), nn.Dropout(DROPOUT), outer)
        _train(layers, inputs, wanted)
    weights = (inner.weight.T, inner.bias, outer.weight.T, outer.bias)
    return Network(mean, spread, *(weight.detach().numpy().copy() for weight in weights))


def _train(layers: nn.Module, inputs: torch.Tensor, wanted: torch.Tensor) -> None:
    n_rows = len(inputs)
    per_epoch = -(-n_rows // BATCH)
    epochs = max(EPOCHS, -(-MIN_STEPS // per_epoch))
    optimizer = torch.optim.AdamW(layers.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=epochs * per_epoch)
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(n_rows), BATCH):
            losses = nn.functional.binary_cross_entropy_with_logits(
                layers(inputs[batch]), wanted[batch], reduction="none"
            )
            optimizer.zero_grad()
            torch.autograd.backward(losses.sum(dim=1).mean())
            optimizer.step()
            schedule.step()
