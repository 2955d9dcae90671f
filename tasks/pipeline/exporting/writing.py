"""A classifier written for another runtime, compared with what was evaluated."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from tasks.config.exporting import ExportFormat
from tasks.pipeline.exporting import parity
from tasks.pipeline.exporting.manifest import (
    BF16,
    FP32,
    INT8,
    PACKAGES,
    README,
    TOKENIZER,
    Export,
    Variant,
    file_sums,
    require_packages,
    write_manifest,
)
from tasks.pipeline.exporting.running import ExportedClassifier, Judge, Judged, has_bf16

NO_ROWS = "there were no held-out rows to measure it on"
Written = tuple[dict[str, Variant], dict[str, str]]
"""Variants that are offered, and reasons for those that are not."""
TIMED = 200
"""Texts that are timed."""
Labelled = Sequence[tuple[str, Sequence[float]]]
"""(text, targets) of rows."""


@dataclass(frozen=True)
class Evaluated:
    """A classifier as it was evaluated, and rows to compare exports on."""

    model: Any
    """`Classifier` on the CPU, in evaluation mode."""
    tokenizer: Any
    settings: Mapping[str, Any]
    """What `sentimill.json` says."""
    sha256: str
    """Of the model folder."""
    judge: Judge
    validation: Labelled
    """Rows that decision rules are fitted on; may be empty."""
    held_out: Labelled
    """Rows that exports are compared on; may be empty."""

    @property
    def has_rows(self) -> bool:
        """Whether other arithmetic can be fitted and compared."""
        return bool(self.validation and self.held_out)

    @cached_property
    def said(self) -> Judged:
        """What the classifier says about the held-out rows."""
        return self.judge([text for text, _ in self.held_out])


def write_export(classifier: Evaluated, target: ExportFormat, folder: Path, run: str) -> Export:
    """Write an export with tokenizer, labels, thresholds, calibration, parity and a README.

    Args:
        classifier: What to export.
        target: For which runtime.
        folder: Where to; an export that is there is replaced when the new one is whole.
        run: Name for the README.

    Raises:
        ValueError: A package is missing.
    """
    require_packages(target)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        export = _write(classifier, target, made)
        (made / README).write_text(readme(export, run), encoding="utf-8")
        if folder.exists():
            folder.rename(Path(scratch) / "before")
        made.rename(folder)
    return export


def _write(classifier: Evaluated, target: ExportFormat, folder: Path) -> Export:
    settings = classifier.settings
    variants, refused = _WRITERS[target](classifier, folder)
    fastest = min(variants, key=lambda name: variants[name].ms_per_text or np.inf)
    export = Export(
        format=target,
        model_sha256=classifier.sha256,
        labels=tuple(settings["labels"]),
        max_length=settings["max_length"],
        taxonomy=settings["taxonomy"]["name"],
        ordinal=settings["taxonomy"].get("ordinal", False),
        calibration=settings.get("calibration", {}),
        chosen=fastest,
        variants=variants,
        refused=refused,
        versions={name: version(name) for name in ("sentimill", "torch", *PACKAGES[target])},
        files=file_sums(folder),
    )
    write_manifest(folder, export)
    return export


def write_tokenizer(classifier: Evaluated, folder: Path) -> None:
    """Write `tokenizer.json`, which cuts and pads as the evaluated model did."""
    backend = type(classifier.tokenizer.backend_tokenizer).from_str(
        classifier.tokenizer.backend_tokenizer.to_str()
    )
    backend.enable_truncation(classifier.settings["max_length"])
    backend.enable_padding(pad_id=classifier.tokenizer.pad_token_id, pad_token=classifier.tokenizer.pad_token)
    backend.save(str(folder / TOKENIZER))


def _onnx(classifier: Evaluated, folder: Path) -> Written:
    from tasks.pipeline.exporting.graphs import write_int8, write_onnx

    write_tokenizer(classifier, folder)
    write_onnx(classifier.model, folder / "model.onnx")
    plain = _measured(classifier, ExportFormat.onnx, folder, FP32, "model.onnx")
    if not classifier.has_rows:
        return {FP32: plain}, {INT8: NO_ROWS}
    write_int8(folder / "model.onnx", folder / "model_int8.onnx")
    variants, refused = _with_faster(classifier, ExportFormat.onnx, folder, plain, INT8, "model_int8.onnx")
    if refused:
        (folder / "model_int8.onnx").unlink()
    return variants, refused


def _openvino(classifier: Evaluated, folder: Path) -> Written:
    from tasks.pipeline.exporting.graphs import write_onnx, write_openvino

    write_tokenizer(classifier, folder)
    with tempfile.TemporaryDirectory() as scratch:
        write_onnx(classifier.model, Path(scratch) / "model.onnx")
        write_openvino(Path(scratch) / "model.onnx", folder / "model.xml")
    plain = _measured(classifier, ExportFormat.openvino, folder, FP32, "model.xml")
    if not classifier.has_rows:
        return {FP32: plain}, {BF16: NO_ROWS}
    if not has_bf16():
        return {FP32: plain}, {BF16: "this processor does not compute in bf16"}
    return _with_faster(classifier, ExportFormat.openvino, folder, plain, BF16, "model.xml")


def _sentence_transformers(classifier: Evaluated, folder: Path) -> Written:
    from tasks.pipeline.exporting import foreign  # it imports spaCy

    foreign.write_sentence_transformers(classifier.model, classifier.tokenizer, classifier.settings, folder)
    variant = Variant(file="modules.json", **parity.rule_of(classifier.settings))
    return {FP32: _compared(classifier, variant, foreign.open_sentence_transformers(folder))}, {}


def _spacy(classifier: Evaluated, folder: Path) -> Written:
    from tasks.pipeline.exporting import foreign
    from tasks.pipeline.exporting.graphs import write_onnx

    inner = folder / foreign.COMPONENT
    inner.mkdir()
    write_tokenizer(classifier, inner)
    write_onnx(classifier.model, inner / "model.onnx")
    foreign.write_spacy(classifier.settings, folder)
    variant = Variant(file=f"{foreign.COMPONENT}/model.onnx", **parity.rule_of(classifier.settings))
    return {FP32: _compared(classifier, variant, foreign.open_spacy(folder))}, {}


_WRITERS = {
    ExportFormat.onnx: _onnx,
    ExportFormat.openvino: _openvino,
    ExportFormat.sentence_transformers: _sentence_transformers,
    ExportFormat.spacy: _spacy,
}


def _with_faster(
    classifier: Evaluated, target: ExportFormat, folder: Path, plain: Variant, name: str, file: str
) -> Written:
    """The variant in fp32 and one in faster arithmetic, or the reason why that is not offered."""
    fast = _measured(classifier, target, folder, name, file)
    reason = parity.refusal(fast.parity) if fast.parity else NO_ROWS
    return ({FP32: plain}, {name: reason}) if reason else ({FP32: plain, name: fast}, {})


def _measured(classifier: Evaluated, target: ExportFormat, folder: Path, name: str, file: str) -> Variant:
    """A variant that the service runs; in other arithmetic than fp32, with a decision rule of its own."""
    rule = parity.rule_of(classifier.settings)
    variant = Variant(file=file, **rule)
    judge = ExportedClassifier.of_file(folder, target, name, file, len(rule["thresholds"]), threads=1)
    if name != FP32:
        texts = [text for text, _ in classifier.validation]
        rule = parity.fit_rule(judge(texts), classifier.judge(texts), rule)
        variant = Variant(file=file, **rule)
    return _compared(classifier, variant, judge)


def _compared(classifier: Evaluated, variant: Variant, judge: Judge) -> Variant:
    if not classifier.held_out:
        return variant
    texts = [text for text, _ in classifier.held_out]
    found = parity.compare(
        judge(texts),
        variant.model_dump(),
        classifier.said,
        parity.rule_of(classifier.settings),
        np.array([targets for _, targets in classifier.held_out]),
    )
    spent = round(parity.ms_per_text(judge, texts[:TIMED]), 3)
    return variant.model_copy(update={"parity": found, "ms_per_text": spent})


def readme(export: Export, run: str) -> str:
    """How to load an export, its labels, and what was compared; in Markdown."""
    environment = Environment(
        loader=PackageLoader("tasks.pipeline.exporting"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.get_template("export.md.j2").render(e=export, run=run)
