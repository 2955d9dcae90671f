"""Which runtime answers: an export beside the model where there is one that may be used, else PyTorch."""

import json
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from deployments.api.settings import ApiSettings, Runtime, ServingPrecision
from tasks.config.exporting import ExportFormat
from tasks.pipeline.exporting.manifest import BF16, FP32, MANIFEST, SERVED, Export, read_manifest
from tasks.pipeline.exporting.running import ROWS, ExportedClassifier, Judge, Judged, has_bf16

log = logging.getLogger("sentimill.api")
PACKAGE = {ExportFormat.onnx: "onnxruntime", ExportFormat.openvino: "openvino"}
Rows = Callable[[], Sequence[tuple[str, list[float]]]]
"""Reads held-out (text, targets)."""


@dataclass(frozen=True)
class Opened:
    """A classifier that is ready, and how it computes."""

    judge: Judge
    settings: dict[str, Any]
    """`sentimill.json`, with the decision rule of this arithmetic."""
    runtime: Runtime
    precision: ServingPrecision
    agreement: float | None


def open_judge(folder: Path, sha256: str, settings: ApiSettings, held_out: Rows) -> Opened:
    """Open the export beside a model, or the model itself in PyTorch.

    Args:
        folder: Model folder, checked.
        sha256: Its checksum.
        settings: Which runtime and arithmetic are wanted.
        held_out: Rows to check bf16 on.

    Raises:
        ValueError: The runtime that was asked for cannot be used, or the model cannot be loaded.
    """
    found = find_export(folder, sha256, settings)
    return _open_export(*found, folder, settings) if found else _open_torch(folder, settings, held_out)


def find_export(folder: Path, sha256: str, settings: ApiSettings) -> tuple[Path, Export] | None:
    """The export to run; None for PyTorch.

    Raises:
        ValueError: One was asked for by name and cannot be used.
    """
    if settings.runtime is Runtime.torch:
        return None
    if settings.runtime is not Runtime.auto:
        target = ExportFormat(settings.runtime)
        return folder / target, _usable(folder / target, target, sha256)
    return None if _has_gpu() else _fastest(_all_usable(folder, sha256), settings.precision)


def _all_usable(folder: Path, sha256: str) -> list[tuple[Path, Export]]:
    found = []
    for target in SERVED:
        if (folder / target / MANIFEST).is_file() and find_spec(PACKAGE[target]):
            try:
                found.append((folder / target, _usable(folder / target, target, sha256)))
            except ValueError as error:
                log.warning("%s It is left alone", error)
    return found


def _fastest(found: list[tuple[Path, Export]], wanted: ServingPrecision) -> tuple[Path, Export] | None:
    """The export that was measured the fastest, of those that have the arithmetic, if any has."""
    having = [each for each in found if wanted in each[1].variants]
    if wanted is ServingPrecision.bf16:  # which PyTorch has, too
        found = having
    return min(
        having or found,
        key=lambda each: each[1].variants[each[1].chosen].ms_per_text or math.inf,
        default=None,
    )


def _usable(folder: Path, target: ExportFormat, sha256: str) -> Export:
    if find_spec(PACKAGE[target]) is None:
        raise ValueError(
            f"--runtime {target} needs {PACKAGE[target]}, which is not installed; expected it. Run `pip "
            f"install 'sentimill[{target}]'`, or leave the option out."
        )
    try:
        return read_manifest(folder, sha256)
    except FileNotFoundError as error:
        raise ValueError(
            f"{folder} holds no export; expected one. Give "
            f"`sentimill export RUN --format {target}`, or leave "
            "--runtime out."
        ) from error


def _has_gpu() -> bool:
    # Asked of the driver: to ask torch takes seconds, and a service on a CPU never needs it.
    return Path("/dev/nvidiactl").exists()


def _open_export(folder: Path, export: Export, model: Path, settings: ApiSettings) -> Opened:
    name = export.chosen if settings.precision is ServingPrecision.auto else str(settings.precision)
    if name == BF16 and not has_bf16():
        log.warning("this processor does not compute in bf16, which %s chose; fp32 is served", folder)
        name = FP32
    if name not in export.variants:
        why = export.refused.get(name, "it was not written")
        raise ValueError(
            f"--precision is {name}, but {folder} has none: {why}. Give --precision auto, or export again."
        )
    variant = export.variants[name]
    about = json.loads((model / "sentimill.json").read_bytes())
    rule: dict[str, Any] = {
        "thresholds": list(variant.thresholds),
        "unsure_below": variant.unsure_below,
        "none_below": variant.none_below,
    }
    if variant.recalibration is not None:
        rule["recalibration"] = list(variant.recalibration)
    judge = ExportedClassifier.of_file(
        folder, export.format, name, variant.file, len(export.labels), settings.threads_per_worker
    )
    share = variant.parity.alike if variant.parity and name != FP32 else None
    return Opened(judge, about | rule, Runtime(export.format), ServingPrecision(name), share)


def _open_torch(folder: Path, settings: ApiSettings, held_out: Rows) -> Opened:
    # Imported here: torch takes seconds, and an export does not need it.
    import torch

    from deployments.api.precision import load_on_device

    if settings.precision is ServingPrecision.int8:
        raise ValueError(
            f"--precision is int8, but {folder} has no export in it; expected one. Give `sentimill export "
            "RUN --format onnx`, or leave the option out."
        )
    torch.set_num_threads(settings.threads_per_worker)
    model, tokenizer, about = load_torch(folder)
    needs_rows = torch.cuda.is_available() or settings.precision is ServingPrecision.bf16
    rows = held_out() if needs_rows else ()
    model, precision, share = load_on_device(model, tokenizer, about, settings.precision, rows)
    judge = TorchClassifier(model, tokenizer, int(about["max_length"]))
    return Opened(judge, about, Runtime.torch, precision, share)


def load_torch(folder: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Model, tokenizer and settings; raises ValueError where they cannot be loaded."""
    from tasks.pipeline.training.classifier import load_classifier

    try:
        return load_classifier(folder)
    except Exception as error:  # safetensors, JSON and transformers each have their own
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(
            f"{folder} cannot be loaded ({type(error).__name__}: {reason}); expected a model of a run. "
            "Copy it again, or give sentimill run."
        ) from error


class TorchClassifier:
    """A `Judge` that runs the classifier itself.

    Attributes:
        model: The classifier, on its device.
        tokenizer: Its tokenizer.
        max_length: Tokens of a text that are read.
    """

    def __init__(self, model: Any, tokenizer: Any, max_length: int) -> None:
        self.model, self.tokenizer, self.max_length = model, tokenizer, max_length

    def __call__(self, texts: Sequence[str]) -> Judged:
        """Judge texts, `ROWS` of like length at a time."""
        from tasks.pipeline.training.classifier import predict_levels

        lengths = (
            [len(ids) for ids in self.tokenizer(list(texts), verbose=False)["input_ids"]] if texts else []
        )
        order = np.argsort(lengths, kind="stable")
        probabilities = np.zeros((len(texts), self.model.head.out_features))
        levels = None if self.model.scale is None else np.zeros(len(texts), dtype=int)
        for start in range(0, len(order), ROWS):
            rows = order[start : start + ROWS]
            found = predict_levels(self.model, self.tokenizer, [texts[i] for i in rows], self.max_length)
            probabilities[rows] = found.probabilities
            if levels is not None:
                levels[rows] = found.levels
        return Judged(probabilities, levels, lengths)
