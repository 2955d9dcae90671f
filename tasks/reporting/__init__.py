"""What a run leaves for people to read: the report, the dataset card and the model card."""

from tasks.reporting.cards import dataset_card, model_card
from tasks.reporting.report import write_report

__all__ = ["dataset_card", "model_card", "write_report"]
