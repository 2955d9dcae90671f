"""What a model's arithmetic was seen to do on this machine, kept so that not every start tries it again.

Which kernel multiplies, and in which order it adds up, hangs on the processor, on PyTorch, on the number of
threads and on the shapes. A trial with the same of all these has the same outcome, whatever the weights are.
"""

import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers
from fsspec.implementations.local import LocalFileSystem

from tasks.models.weights_cache import cache_folder
from tasks.storage.files import write_whole
from tasks.storage.hashing import sha256_of

log = logging.getLogger(__name__)

T = TypeVar("T")


def tried_here(name: str, try_out: Callable[[], T], *decided_by: object) -> T:
    """Outcome of a trial: read if it was made here before, else made and written down.

    Args:
        name: Of the trial.
        try_out: Makes it; the outcome must survive JSON.
        decided_by: What the outcome hangs on beside machine, libraries and the source of this package, as
            plain values.
    """
    key = json.dumps([_machine(), _source(), decided_by], sort_keys=True, default=str)
    file = cache_folder() / "trials" / f"{name}-{sha256_of(key.encode())[:16]}.json"
    with suppress(OSError, ValueError):  # not there, or damaged
        outcome: T = json.loads(file.read_text())
        return outcome
    outcome = try_out()
    try:
        write_whole(LocalFileSystem(), str(file), json.dumps(outcome).encode())
    except OSError as error:  # a start must not fail for want of a note
        log.info("The outcome of the trial %s is not kept: %s", name, error)
    return outcome


def shapes_of(model: Any) -> list[str]:
    """The kinds of layers of a model: what they are, their shapes and types, and what multiplies them."""
    layers = {
        (type(layer).__name__, type(layer.forward).__name__, str(layer.weight.dtype), *layer.weight.shape)
        for layer in model.modules()
        if isinstance(getattr(layer, "weight", None), torch.Tensor)
    }
    return [type(model).__name__, *(" ".join(map(str, layer)) for layer in sorted(layers))]


def _machine() -> list[object]:
    """Processor, build of PyTorch, and how many threads multiply."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # not in older releases
    isa = {name: value for name, value in os.environ.items() if name.startswith(("ONEDNN_", "DNNL_", "MKL_"))}
    return [capabilities, isa, torch.__config__.show(), transformers.__version__, torch.get_num_threads()]


@cache
def _source() -> str:
    folder = Path(__file__).parent
    return sha256_of(b"".join(file.read_bytes() for file in sorted(folder.glob("*.py"))))
