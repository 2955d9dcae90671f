"""Texts to probabilities in ONNX Runtime or OpenVINO; neither torch nor transformers is imported."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from tasks.config.exporting import ExportFormat
from tasks.pipeline.exporting.manifest import BF16, TOKENIZER

ROWS = 8
"""Texts per forward pass: from here on a CPU gains nothing, and texts of like length waste no padding."""
PROBABILITIES, LEVELS = "probabilities", "levels"
"""Outputs of the graph; `levels` only of a model with a head for a scale."""
INPUTS = ("input_ids", "attention_mask")
Session = Callable[[Mapping[str, np.ndarray]], Sequence[np.ndarray]]
"""Inputs by name to the outputs of the graph in their order."""


class Judged(NamedTuple):
    """What a classifier says about n texts."""

    probabilities: np.ndarray
    """float64 (n, n_labels), 0..1."""
    levels: np.ndarray | None
    """int (n,), 1..n_labels, from a head for the scale; None without one."""
    n_tokens: list[int]
    """Tokens of the whole texts, also those that are not read."""


class Judge(Protocol):
    """A classifier of any runtime; what it says of one text does not depend on the others."""

    def __call__(self, texts: Sequence[str]) -> Judged:
        """Judge texts."""


class ExportedClassifier:
    """A `Judge` that runs an export.

    Args:
        tokenizer: `tokenizers.Tokenizer` that cuts a text where the evaluated model did.
        session: Runs the graph.
        n_labels: Labels of the model.
    """

    def __init__(self, tokenizer: Any, session: Session, n_labels: int) -> None:
        self._pad_id = int((tokenizer.padding or {}).get("pad_id", 0))
        tokenizer.no_padding()  # a batch is padded to its own longest text
        self._tokenizer, self._session, self._n_labels = tokenizer, session, n_labels

    @classmethod
    def of_file(
        cls, folder: Path, target: ExportFormat, variant: str, file: str, n_labels: int, threads: int
    ) -> "ExportedClassifier":
        """Load a graph of `SERVED` formats and the tokenizer beside it.

        Args:
            folder: Folder of the export.
            target: Its format.
            variant: Name of the variant; bf16 is what OpenVINO does with a file in fp32.
            file: Its file.
            n_labels: Labels of the model.
            threads: Threads of a forward pass.
        """
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        is_onnx = target is ExportFormat.onnx
        session = (
            open_onnx(folder / file, threads)
            if is_onnx
            else open_openvino(folder / file, threads, variant == BF16)
        )
        return cls(tokenizer, session, n_labels)

    def __call__(self, texts: Sequence[str]) -> Judged:
        """Judge texts, `ROWS` of like length at a time."""
        encoded = self._tokenizer.encode_batch_fast(list(texts)) if texts else []
        lengths = np.array([len(one.ids) for one in encoded], dtype=int)
        probabilities = np.zeros((len(texts), self._n_labels))
        levels: np.ndarray | None = None
        order = np.argsort(lengths, kind="stable")
        for start in range(0, len(order), ROWS):
            rows = order[start : start + ROWS]
            outputs = self._session(self._padded([encoded[i].ids for i in rows]))
            probabilities[rows] = outputs[0]
            if len(outputs) > 1:
                levels = np.zeros(len(texts), dtype=int) if levels is None else levels
                levels[rows] = outputs[1]
        return Judged(probabilities, levels, [_whole_length(one) for one in encoded])

    def _padded(self, ids: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
        """Token ids and mask, int64 (batch, tokens)."""
        tokens = np.full((len(ids), max(map(len, ids))), self._pad_id, dtype=np.int64)
        mask = np.zeros_like(tokens)
        for row, one in enumerate(ids):
            tokens[row, : len(one)], mask[row, : len(one)] = one, 1
        return dict(zip(INPUTS, (tokens, mask), strict=True))


def _whole_length(encoded: Any) -> int:
    """Tokens of a text before it was cut; every piece has the special tokens once more."""
    special = sum(encoded.special_tokens_mask)
    return int(len(encoded.ids) + sum(len(piece.ids) - special for piece in encoded.overflowing))


def open_onnx(file: Path, threads: int) -> Session:
    """A session of ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # warnings tell of optimisations alone
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        found: Sequence[np.ndarray] = session.run(None, dict(inputs))
        return found

    return run


def has_bf16() -> bool:
    """Whether OpenVINO computes in bf16 on this processor."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def open_openvino(file: Path, threads: int, bf16: bool = False) -> Session:
    """A request of OpenVINO on the CPU, in fp32 unless bf16 is asked for, whatever the machine has."""
    import openvino

    compiled = openvino.Core().compile_model(
        file,
        "CPU",
        {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
        },
    )
    request = compiled.create_infer_request()

    def run(inputs: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        found = request.infer(dict(inputs))
        return [found[output].copy() for output in compiled.outputs]

    return run
