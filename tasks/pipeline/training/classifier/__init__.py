"""Fine-tune an encoder as a multi-label classifier, and use it."""

from tasks.pipeline.training.classifier.fine_tuning import ONE_CLASS, of_one_class, train_classifier
from tasks.pipeline.training.classifier.model import (
    Classifier,
    count_cut,
    load_classifier,
    load_settings,
    predict,
    predict_levels,
    room_of,
    save_classifier,
)

__all__ = [
    "ONE_CLASS",
    "Classifier",
    "count_cut",
    "load_classifier",
    "load_settings",
    "of_one_class",
    "predict",
    "predict_levels",
    "room_of",
    "save_classifier",
    "train_classifier",
]
