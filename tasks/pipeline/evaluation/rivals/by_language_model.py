"""Rivals that a language model answers for: the generator's likelihood, and an LLM that is asked."""

import time
from collections.abc import Sequence

import numpy as np

from tasks.data.arrays import Matrix
from tasks.pipeline.evaluation.baselines import Baseline
from tasks.pipeline.evaluation.rivals.interface import Answers, Problem, label_by_scores
from tasks.prompts.label_question import label_question, named_labels


def zero_shot_generator(problem: Problem) -> Baseline:
    """How much likelier the generator finds a text once its prompt asks for the label.

    Log-likelihood of the text after each label's prompt, less that after the prompt without a label, so that
    a text's length and odd words cancel out: Min et al. 2022, "Noisy Channel Language Model Prompting for
    Few-Shot Text Classification".

    Raises:
        ValueError: The generator scores no texts, as behind an endpoint.
    """
    ask, prompt = problem.likelihoods, problem.prompt
    if ask is None or prompt is None:
        raise ValueError(
            "the generator scores no texts; expected one in this process. Leave generator.endpoint empty, or "
            "leave `generator` out of evaluation.rivals."
        )
    prompts = [prompt(None), *(prompt(label) for label in range(problem.taxonomy.n_labels))]

    def score(texts: Sequence[str]) -> Matrix:
        found = np.array(ask([(asked, text) for text in texts for asked in prompts])).reshape(len(texts), -1)
        ratios: Matrix = found[:, 1:] - found[:, :1]
        return ratios

    return label_by_scores(problem, score, problem.generator_mb)


def zero_shot_llm(problem: Problem) -> Baseline:
    """What an LLM says when it is asked which labels a text conveys: 1 for each label that it names.

    Raises:
        ValueError: No LLM is at hand.
    """
    ask, taxonomy, models = problem.answers, problem.taxonomy, problem.models
    if ask is None:
        raise ValueError(
            "no LLM is at hand; expected one. Set rivals.llm_endpoint, or leave `llm` out "
            "of evaluation.rivals."
        )
    validation = ask([label_question(text, taxonomy.labels) for text in problem.validation[0]])
    started = time.perf_counter()
    tested = {
        name: ask([label_question(text, taxonomy.labels) for text in texts])
        for name, texts in problem.tests.items()
    }
    seconds = time.perf_counter() - started
    said = dict(zip(problem.validation[0], validation.texts, strict=True))
    for name, texts in problem.tests.items():
        said |= dict(zip(texts, tested[name].texts, strict=True))

    def score(texts: Sequence[str]) -> Matrix:
        return np.array([taxonomy.targets_of(named_labels(said[text], taxonomy.names)) for text in texts])

    found = label_by_scores(problem, score)
    prices = (models.llm_price_prompt, models.llm_price_answer)
    return Baseline(
        found.probabilities,
        found.thresholds,
        found.recalibration,
        seconds=seconds,
        price=None if prices == (None, None) else sum(_price(some, *prices) for some in tested.values()),
    )


def _price(answers: Answers, per_prompt_million: float | None, per_answer_million: float | None) -> float:
    prompts = answers.n_prompt_tokens * (per_prompt_million or 0.0)
    return (prompts + answers.n_answer_tokens * (per_answer_million or 0.0)) / 1e6
