"""Rivals that are models of the hub: entailment, cross-encoder, GLiNER2, and SetFit on few rows."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tasks.data.arrays import Matrix
from tasks.models.bundled import MINILM, minilm_folder
from tasks.pipeline.evaluation.baselines import Baseline
from tasks.pipeline.evaluation.rivals.interface import Problem, label_by_scores, log_odds, megabytes

BATCH = 32
PAIRS_PER_TEXT = 40
"""Of SetFit, half of them of like labels; each is seen once, as in the paper."""


def zero_shot_nli(problem: Problem) -> Baseline:
    """Log-odds that a text entails each label's meaning, by transformers' zero-shot pipeline.

    Yin et al. 2019, "Benchmarking Zero-shot Text Classification": premise text, hypothesis label.
    """
    from transformers import pipeline

    classify = pipeline("zero-shot-classification", model=problem.models.nli)
    meanings = [label.meaning for label in problem.taxonomy.labels]

    def score(texts: Sequence[str]) -> Matrix:
        answers = classify(
            list(texts),
            candidate_labels=meanings,
            hypothesis_template="{}",
            multi_label=True,
            batch_size=BATCH,
        )
        found = [dict(zip(a["labels"], a["scores"], strict=True)) for a in answers]
        return log_odds(np.array([[says[meaning] for meaning in meanings] for says in found]))

    return label_by_scores(problem, score, megabytes(classify.model))


def zero_shot_reranker(problem: Problem) -> Baseline:
    """Score that a cross-encoder gives each text as an answer to each label's meaning.

    Raises:
        ValueError: The model has more outputs than one.
    """
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    model = CrossEncoder(problem.models.reranker, activation_fn=Identity())
    if model.num_labels != 1:
        raise ValueError(
            f"rivals.reranker is {problem.models.reranker!r}, which has {model.num_labels} "
            "outputs; expected a cross-encoder with one. Name a reranker."
        )
    meanings = [label.meaning for label in problem.taxonomy.labels]

    def score(texts: Sequence[str]) -> Matrix:
        pairs = [(meaning, text) for text in texts for meaning in meanings]
        found: Matrix = model.predict(pairs, batch_size=BATCH, show_progress_bar=False).reshape(
            len(texts), -1
        )
        return found

    return label_by_scores(problem, score, megabytes(model.model))


def zero_shot_gliner(problem: Problem) -> Baseline:
    """Logit of each label by a GLiNER2 model, which is told the labels' names and meanings."""
    from gliner2.classification import ClassificationSchema, Classifier

    classifier = Classifier.from_pretrained(problem.models.gliner)
    labels = {label.name: label.meaning for label in problem.taxonomy.labels}
    task = "labels"
    schema = ClassificationSchema().multi(task, labels)

    def score(texts: Sequence[str]) -> Matrix:
        found = classifier.batch_score(list(texts), schema)
        return np.array([[scores.logit(task, name) for name in labels] for scores in found])

    return label_by_scores(problem, score, megabytes(classifier.model))


def few_shot_setfit(problem: Problem) -> Baseline:
    """SetFit on the training texts: contrastive tuning of a sentence encoder, then logistic regressions.

    Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts".

    Raises:
        ValueError: No training text has a label that another one lacks.
    """
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    texts, targets = problem.train
    given = np.asarray(targets) >= 0.5
    learnt = np.flatnonzero(given.any(axis=0) & ~given.all(axis=0))
    if not len(learnt):
        raise ValueError(
            f"the {len(texts)} training texts of SetFit all carry the same labels; expected texts with and "
            "without a label. Raise rivals.setfit_rows."
        )
    base = problem.models.setfit_base
    model = SetFitModel.from_pretrained(
        str(minilm_folder()) if base == MINILM else base, multi_target_strategy="one-vs-rest"
    )
    steps = min(problem.models.setfit_steps, -(-PAIRS_PER_TEXT * len(texts) // BATCH))
    rows = Dataset.from_dict({"text": list(texts), "label": given[:, learnt].astype(int).tolist()})
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=str(Path(folder)),
            batch_size=BATCH,
            num_iterations=PAIRS_PER_TEXT // 2,
            max_steps=steps,
            seed=problem.seed,
            report_to="none",
            show_progress_bar=False,
            save_strategy="no",
        )
        Trainer(model=model, args=arguments, train_dataset=rows).train()

    def score(some: Sequence[str]) -> Matrix:
        found = np.full((len(some), given.shape[1]), log_odds(np.zeros(1))[0])
        predicted = model.predict_proba(list(some), as_numpy=True)
        found[:, learnt] = log_odds(np.asarray(predicted, dtype=float))
        return found

    return label_by_scores(problem, score, megabytes(model.model_body))
