"""Label verification: does a text express the requested labels?"""

from tasks.pipeline.verification.decisions import outcome_counts
from tasks.pipeline.verification.generator_likelihood import likelihood_votes
from tasks.pipeline.verification.judges import llm_votes, nli_votes
from tasks.pipeline.verification.label_signal import LabelSignal, label_signals
from tasks.pipeline.verification.real_data_model import Teacher
from tasks.pipeline.verification.verify import verify_rows
from tasks.pipeline.verification.weight_fitting import fit_teacher_and_weights

__all__ = [
    "LabelSignal",
    "Teacher",
    "fit_teacher_and_weights",
    "label_signals",
    "likelihood_votes",
    "llm_votes",
    "nli_votes",
    "outcome_counts",
    "verify_rows",
]
