"""Reading of human-written text: any table of texts and labels, see docs/data.md."""

from tasks.config.real import RealConfig
from tasks.data.reading.dataset import LabelledText, RealData, read_dataset, read_real
from tasks.data.reading.describe import Description, describe
from tasks.data.reading.mapping import Mapping, label_mapping, map_labels, mapped, require_mapped
from tasks.data.reading.proposal import propose_taxonomy

__all__ = [
    "Description",
    "LabelledText",
    "Mapping",
    "RealConfig",
    "RealData",
    "describe",
    "label_mapping",
    "map_labels",
    "mapped",
    "propose_taxonomy",
    "read_dataset",
    "read_real",
    "require_mapped",
]
