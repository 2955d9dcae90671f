"""Does a text carry the labels that it was asked to carry?"""

from tasks.verifying.deciding import outcome_counts
from tasks.verifying.judging import llm_votes, nli_votes
from tasks.verifying.likelihood import likelihood_votes
from tasks.verifying.teacher import Teacher
from tasks.verifying.teaching import teach
from tasks.verifying.verifying import verify_rows

__all__ = [
    "Teacher",
    "likelihood_votes",
    "llm_votes",
    "nli_votes",
    "outcome_counts",
    "teach",
    "verify_rows",
]
