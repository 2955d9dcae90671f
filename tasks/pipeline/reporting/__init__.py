"""What a run leaves for people to read: the report, the dataset card and the model card."""

from tasks.pipeline.reporting.ablation_page import render_ablation
from tasks.pipeline.reporting.cards import dataset_card, model_card
from tasks.pipeline.reporting.report import render_report

__all__ = ["dataset_card", "model_card", "render_ablation", "render_report"]
