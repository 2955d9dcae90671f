"""What an export says of itself: `export.json` beside its files, and what it needs to be written and run."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tasks.config.exporting import ExportFormat
from tasks.data.records import Record
from tasks.storage.hashing import MARK, files_of, sha256_of

MANIFEST = "export.json"
README = "README.md"
TOKENIZER = "tokenizer.json"
FP32, BF16, INT8 = "fp32", "bf16", "int8"
SERVED = (ExportFormat.onnx, ExportFormat.openvino)
"""Formats that the service runs."""
BESIDE = tuple(str(target) for target in ExportFormat)
"""Folders of exports beside the weights; the model's own checksum leaves them out."""
PACKAGES: dict[ExportFormat, tuple[str, ...]] = {
    ExportFormat.onnx: ("onnx", "onnxscript", "onnxruntime"),
    ExportFormat.openvino: ("onnx", "onnxscript", "openvino"),
    ExportFormat.sentence_transformers: ("sentence_transformers",),
    ExportFormat.spacy: ("spacy", "onnx", "onnxscript", "onnxruntime"),
}
"""Packages that write an export."""
EXTRAS = {ExportFormat.onnx: "onnx", ExportFormat.openvino: "openvino", ExportFormat.spacy: "spacy"}


class Parity(Record):
    """How an export compares with the evaluated model on held-out rows."""

    rows: int
    alike: float
    """Share of rows with the same label set (and level), 0..1."""
    f1_evaluated: float
    """Macro-F1 of the evaluated model."""
    f1_exported: float
    max_difference: float
    """Largest difference of a probability."""


class Variant(Record):
    """One file of an export with the decision rule that belongs to it."""

    file: str
    thresholds: tuple[float, ...]
    unsure_below: float = 0.0
    none_below: float = 0.0
    """Share of its threshold below which the nearest label is not given; 0 leaves no text without one."""
    recalibration: tuple[float, float] | None = None
    """Slope and intercept from mean levels to levels; None unless the taxonomy is a scale."""
    parity: Parity | None = None
    """None where there were no held-out rows."""
    ms_per_text: float | None = None
    """Milliseconds per held-out text, one thread, where the export was written."""


class Export(Record):
    """Everything that answering needs beside files and tokenizer."""

    format: ExportFormat
    model_sha256: str
    """Checksum of the model folder that was exported."""
    labels: tuple[str, ...]
    max_length: int
    """Tokens of a text that are read."""
    taxonomy: str
    ordinal: bool
    calibration: dict[str, Any]
    """Slope and intercept per label; part of the weights already, told for information."""
    chosen: str
    """Variant to use: the fastest that decides as the evaluated model does."""
    variants: dict[str, Variant]
    refused: dict[str, str]
    """Variants that were measured and are not offered, with the reason."""
    versions: dict[str, str]
    files: dict[str, str]
    """sha256 of every other file but the README."""


def missing_packages(target: ExportFormat) -> list[str]:
    """Packages that writing an export needs and this environment lacks."""
    return [package for package in PACKAGES[target] if find_spec(package) is None]


def require_packages(target: ExportFormat, option: str = "--format") -> None:
    """Raise ValueError with the command to type where a package is missing; `option` asked for the format."""
    missing = missing_packages(target)
    if missing:
        raise ValueError(
            f"{option} {target} needs {', '.join(missing)}, which is not installed; expected the extra "
            f"{EXTRAS[target]!r}. Run `pip install 'sentimill[{EXTRAS[target]}]'`."
        )


def write_manifest(folder: Path, export: Export) -> None:
    """Write `export.json`, last of all: it says that all the rest is there."""
    (folder / MANIFEST).write_text(export.model_dump_json(indent=2) + "\n", encoding="utf-8")


def file_sums(folder: Path) -> dict[str, str]:
    """The sha256 of every file that an export is loaded from."""
    return {
        file.relative_to(folder).as_posix(): sha256_of(file.read_bytes())
        for file in files_of(folder)
        if file.name not in (MANIFEST, README, MARK)
    }


def read_manifest(folder: Path, model_sha256: str | None = None) -> Export:
    """Read and check an export.

    Args:
        folder: What `write_export` wrote.
        model_sha256: Checksum of the model that it should be of; None asks for none.

    Raises:
        FileNotFoundError: The folder holds no whole export.
        ValueError: It is of another version or another model, or its files are not those that were written.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; expected an export. Give `sentimill export`.")
    try:
        export = Export.model_validate(json.loads(path.read_bytes()))
    except ValueError as error:
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}); expected an export of this version. Export "
            "again."
        ) from error
    if model_sha256 not in (None, export.model_sha256):
        raise ValueError(
            f"{folder} is the export of model {export.model_sha256[:12]}; expected that of "
            f"{str(model_sha256)[:12]}. Export again."
        )
    if file_sums(folder) != export.files:
        raise ValueError(
            f"{folder} holds other files than were written; expected those of {MANIFEST}. Export again."
        )
    return export
