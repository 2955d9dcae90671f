"""References to what lies in the results block."""

from tasks.config.real import RealConfig
from tasks.data.records import Record
from tasks.data.system_scores import Cost


class BlobRef(Record):
    """A file in the results block."""

    uri: str
    sha256: str


class DatasetRef(BlobRef):
    """Rows in the results block."""

    n_rows: int


class SampledRef(DatasetRef):
    """Sampled rows, and the tokens that they cost."""

    n_tokens: int


class ReferenceTexts(Record):
    """Lists of texts that new ones are compared with, as JSON."""

    known: BlobRef
    """Not to be repeated: what people wrote for training, and what earlier runs hold."""
    held_out: BlobRef
    """Not to be copied: what will be measured on."""


class ModelRef(Record):
    """A folder with a model in the results block; `sha256` covers every file in it."""

    uri: str
    sha256: str


class FilterRefs(Record):
    """What a stage kept and what it dropped, both in the results block."""

    kept: DatasetRef
    rejects: DatasetRef


class RealRef(Record):
    """A real data set as the user named it, and the content that it had."""

    source: RealConfig
    sha256: str


class TeacherRef(Record):
    """A classifier that learnt from real rows, and the weight of every vote as fitted on real rows."""

    model: BlobRef
    weights: dict[str, float]


class RivalRef(Record):
    """What one rival said about each test set, and what that took."""

    name: str
    predictions: dict[str, BlobRef]
    """Per test set, see `tasks.pipeline.evaluation.predictions`."""
    cost: Cost
