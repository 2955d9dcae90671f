"""What a run leaves for people to read: the report, the dataset card and the model card."""

from tasks.reporting.cards import dataset_card, model_card
from tasks.reporting.proof import render_proof
from tasks.reporting.report import write_report

__all__ = ["dataset_card", "model_card", "render_proof", "write_report"]
