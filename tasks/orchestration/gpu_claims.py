"""One engine per GPU: every process that runs a flow takes one of the visible GPUs for itself.

The claim is a lock of the kernel, so it ends with the process, however that ends. Prefect's limits say how
many runs start; this says which GPU each of them gets, and makes one too many wait.
"""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

POLL_S = 2.0
VISIBLE = "CUDA_VISIBLE_DEVICES"
_CLAIMED: list[FileLock] = []


def visible_gpus() -> list[str]:
    """Indices or UUIDs of the GPUs that this process may use, without starting CUDA in it."""
    named = os.environ.get(VISIBLE)
    if named is None:
        import torch  # seconds, which a machine with named GPUs need not spend

        return [str(i) for i in range(torch.cuda.device_count())]
    names = [name.strip() for name in named.split(",")]
    # As CUDA reads it: what follows the first name that is none does not count.
    end = next((i for i, name in enumerate(names) if name in ("", "-1")), len(names))
    return names[:end]


def claim_gpu(folder: Path) -> str | None:
    """Take the first free GPU, waiting for one if need be, and hide the others from this process.

    Must be called before CUDA starts in this process; a second call changes nothing.

    Args:
        folder: Of the locks, the same for all processes of the machine.

    Returns:
        Index or UUID of the GPU; None where there is none.
    """
    gpus = visible_gpus()
    if _CLAIMED or not gpus:
        return gpus[0] if gpus else None
    told = False
    while (lock := _first_free(folder, gpus)) is None:
        if not told:
            log.warning("All %d GPUs are taken by other runs; waiting for one.", len(gpus))
            told = True
        time.sleep(POLL_S)
    _CLAIMED.append(lock)
    os.environ[VISIBLE] = Path(lock.lock_file).name.removeprefix("gpu-")
    return os.environ[VISIBLE]


def _first_free(folder: Path, gpus: Sequence[str]) -> FileLock | None:
    for gpu in gpus:
        lock = FileLock(folder / f"gpu-{gpu}", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return lock
    return None
