"""Forms in which a classifier goes to other runtimes."""

from enum import StrEnum


class ExportFormat(StrEnum):
    """Runtime that loads the export."""

    onnx = "onnx"
    openvino = "openvino"
    sentence_transformers = "sentence-transformers"
    spacy = "spacy"
