"""Every Prefect task: read what a ref points at, call one plain function, write, return a ref.

A task's result is cached by what decides it: its name, its version and its inputs (configurations, refs
with sha256, scalars). Raise the version when the code behind a stage changes what comes out.
"""

from tasks.stages.accounting import account_scrubbing
from tasks.stages.dividing import balance_split, mix, read_real_part
from tasks.stages.learning import Evaluation, evaluate, train
from tasks.stages.texts import clean, sample_cell, scrub, verify

__all__ = [
    "Evaluation",
    "account_scrubbing",
    "balance_split",
    "clean",
    "evaluate",
    "mix",
    "read_real_part",
    "sample_cell",
    "scrub",
    "train",
    "verify",
]
