"""Every rival by its name in tables."""

from tasks.config import RivalKind
from tasks.data.scores import EMBEDDING, EMBEDDING_LOGREG, MAJORITY, TFIDF
from tasks.pipeline.evaluation.baselines import Baseline, majority, tfidf_logreg, tfidf_ridge
from tasks.pipeline.evaluation.rivals.by_embedding import embedding_logreg, zero_shot_embedding
from tasks.pipeline.evaluation.rivals.by_hub_model import (
    few_shot_setfit,
    zero_shot_gliner,
    zero_shot_nli,
    zero_shot_reranker,
)
from tasks.pipeline.evaluation.rivals.by_language_model import zero_shot_generator, zero_shot_llm
from tasks.pipeline.evaluation.rivals.interface import Problem, Rival

RIDGE = "TF-IDF ridge"
SETFIT = "SetFit"


def _majority(problem: Problem) -> Baseline:
    return majority(problem.train[1], {name: len(texts) for name, texts in problem.tests.items()})


def _tfidf(problem: Problem) -> Baseline:
    return tfidf_logreg(
        *problem.train,
        *problem.validation,
        problem.tests,
        problem.seed,
        problem.min_positives,
        problem.weights,
        problem.human_texts,
        problem.taxonomy.shares,
    )


def _ridge(problem: Problem) -> Baseline:
    return tfidf_ridge(*problem.train, *problem.validation, problem.tests, problem.weights)


RIVALS: dict[str, Rival] = {
    TFIDF: _tfidf,
    MAJORITY: _majority,
    RIDGE: _ridge,
    EMBEDDING: zero_shot_embedding,
    EMBEDDING_LOGREG: embedding_logreg,
    "zero-shot by the generator": zero_shot_generator,
    "zero-shot by NLI": zero_shot_nli,
    "zero-shot by reranker": zero_shot_reranker,
    "zero-shot by GLiNER2": zero_shot_gliner,
    "zero-shot by LLM": zero_shot_llm,
    SETFIT: few_shot_setfit,
}
"""What every rival is called, and how it labels."""
ALWAYS = (TFIDF, MAJORITY, EMBEDDING, EMBEDDING_LOGREG)
"""Rivals that every evaluation measures."""
SLOW = {
    RivalKind.generator: "zero-shot by the generator",
    RivalKind.nli: "zero-shot by NLI",
    RivalKind.reranker: "zero-shot by reranker",
    RivalKind.gliner: "zero-shot by GLiNER2",
    RivalKind.llm: "zero-shot by LLM",
    RivalKind.setfit: SETFIT,
}
"""Rivals that are measured where `evaluation.rivals` names them; all but SetFit on a sample of the texts."""
