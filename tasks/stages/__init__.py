"""Every Prefect task: read what a ref points at, call one plain function, write, return a ref.

A task's result is cached by what decides it: its name, its version and its inputs (configurations, refs
with sha256, scalars). Raise the version when the code behind a stage changes what comes out.
"""

from tasks.stages.accounting import account_scrubbing
from tasks.stages.dividing import balance_split, mix, read_real_part
from tasks.stages.fairness import audit_fairness, counterfactuals, judge_tone
from tasks.stages.learning import Evaluation, evaluate, train
from tasks.stages.proving import predict_baseline, predict_test, prove_rare, prove_rows, prove_test
from tasks.stages.reviewing import review
from tasks.stages.texts import clean, collect_texts, freed_when_interrupted, sample_cell, scrub, verify
from tasks.stages.voting import ask_generator, judge, teach_on_real

__all__ = [
    "Evaluation",
    "account_scrubbing",
    "ask_generator",
    "audit_fairness",
    "balance_split",
    "clean",
    "collect_texts",
    "counterfactuals",
    "evaluate",
    "freed_when_interrupted",
    "judge",
    "judge_tone",
    "mix",
    "predict_baseline",
    "predict_test",
    "prove_rare",
    "prove_rows",
    "prove_test",
    "read_real_part",
    "review",
    "sample_cell",
    "scrub",
    "teach_on_real",
    "train",
    "verify",
]
