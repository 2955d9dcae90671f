"""What one would take instead of the classifier, each with the same threshold rule on the same texts."""

from tasks.pipeline.evaluation.rivals.interface import Answers, Problem, Rival
from tasks.pipeline.evaluation.rivals.registry import ALWAYS, RIDGE, RIVALS, SETFIT, SLOW

__all__ = ["ALWAYS", "RIDGE", "RIVALS", "SETFIT", "SLOW", "Answers", "Problem", "Rival"]
