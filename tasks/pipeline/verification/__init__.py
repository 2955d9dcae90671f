"""Does a text carry the labels that it was asked to carry?"""

from tasks.pipeline.verification.decisions import outcome_counts
from tasks.pipeline.verification.generator_likelihood import likelihood_votes
from tasks.pipeline.verification.judges import llm_votes, nli_votes
from tasks.pipeline.verification.real_data_model import Teacher
from tasks.pipeline.verification.verify import verify_rows
from tasks.pipeline.verification.weight_fitting import teach

__all__ = [
    "Teacher",
    "likelihood_votes",
    "llm_votes",
    "nli_votes",
    "outcome_counts",
    "teach",
    "verify_rows",
]
