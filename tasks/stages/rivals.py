"""What one would take instead of the classifier: every rival is a cached task of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.config import EvaluationConfig, GeneratorConfig, PromptForm, RivalKind, RivalsConfig
from tasks.config.judging import GREEDY, backend_beside
from tasks.data.columns import ids_of, parts_of, targets_of, texts_of
from tasks.data.records import Record, Row
from tasks.data.references import DatasetRef, RivalRef
from tasks.data.scores import REAL
from tasks.data.system_scores import Cost
from tasks.orchestration.caching import stage
from tasks.orchestration.engines import engine_of
from tasks.orchestration.run import RunContext
from tasks.pipeline.evaluation.ablation_arms import draw_per_label
from tasks.pipeline.evaluation.baselines import Baseline
from tasks.pipeline.evaluation.predictions import Predictions, levels_of, to_bytes
from tasks.pipeline.evaluation.rivals import ALWAYS, RIVALS, SETFIT, SLOW, Answers, Problem
from tasks.pipeline.evaluation.rivals.interface import megabytes
from tasks.pipeline.sampling import Scorer
from tasks.pipeline.training.classifier.calibrate import calibration_rows
from tasks.prompts.rendering import Manner, render
from tasks.stages.unlabelled import unlabelled_human_texts
from tasks.stages.verification import ask_llm
from tasks.storage.connection import open_store
from tasks.taxonomy import Style, Taxonomy

OPEN_STYLE = Style(name="text")
"""The generator's rival asks for a text of any kind."""
SHORTEST_S = 0.02
"""Seconds below which a speed is not stated."""


class RivalSettings(Record):
    """One rival, and all options that decide what it says."""

    name: str
    """In `RIVALS`."""
    title: str
    """In tables: the name, and what sets it apart from others of that name."""
    min_positives: int
    models: RivalsConfig = RivalsConfig()
    n_texts: int | None = None
    """Test texts that it labels, and as many validation texts; None means all."""
    rows_per_label: int | None = None
    """Human-labelled rows per label that it learns from; None means all training rows."""


def wanted(evaluation: EvaluationConfig, models: RivalsConfig) -> list[RivalSettings]:
    """Rivals of an evaluation: those that are always measured, then those that were asked for by name."""
    found = list[RivalSettings]()
    for name in (*ALWAYS, *(SLOW[kind] for kind in evaluation.rivals)):
        rival = settings_of(name, evaluation, models)
        if name == SETFIT:
            found += [
                rival.model_copy(update={"title": f"{name}, {n} rows per label", "rows_per_label": n})
                for n in models.setfit_rows
            ]
        else:
            found.append(rival)
    return found


def settings_of(name: str, evaluation: EvaluationConfig, models: RivalsConfig) -> RivalSettings:
    """A rival with the options that decide what it says, and no others: they are its cache key."""
    kind = next((kind for kind, slow in SLOW.items() if slow == name), None)
    if kind is None:
        return RivalSettings(name=name, title=name, min_positives=evaluation.min_positives)
    options = models.model_dump(exclude={"setfit_rows"})
    return RivalSettings(
        name=name,
        title=name,
        min_positives=evaluation.min_positives,
        n_texts=None if kind is RivalKind.setfit else models.texts,
        models=RivalsConfig.model_validate(
            {option: value for option, value in options.items() if option.startswith(kind.value)}
        ),
    )


@stage("rival", retry_on_network_error=True, task_run_name="{rival.title}")
def rival_task(
    *,
    rival: RivalSettings,
    rows: DatasetRef,
    tests: dict[str, DatasetRef],
    human: DatasetRef | None,
    unlabelled: DatasetRef | None,
    taxonomy: Taxonomy,
    generator: GeneratorConfig | None,
    generator_sha256: str,
    seed: int,
) -> RivalRef:
    """What one rival says about every test set; thresholds come from validation rows, as the classifier's do.

    Args:
        rival: Which one, and its options.
        rows: Training and validation rows of the classifier.
        tests: Rows of each test set.
        human: Human-labelled training rows, for a rival that is shown a few of them.
        unlabelled: Human-written texts that thresholds are chosen on, as the classifier's are.
        taxonomy: Of the run.
        generator: Given to a rival that asks a language model.
        generator_sha256: Of its weights; empty where it is not asked.
        seed: Decides samples of texts and whatever the rival draws.
    """
    store = open_store()
    parts = parts_of(store.get_rows(rows))
    validation, weights = calibration_rows(parts["validation"], taxonomy)
    train = parts["train"]
    if rival.rows_per_label and human:
        train = draw_per_label(store.get_rows(human), taxonomy.names, rival.rows_per_label, seed)
    kept = sample_of(len(validation), rival.n_texts, seed)
    tested = {name: _sampled(store.get_rows(ref), rival.n_texts, seed) for name, ref in tests.items()}
    chosen_rows = [validation[i] for i in kept]
    # Validation rows of the world need no help, as for the classifier.
    human_rows = store.get_rows(unlabelled) if unlabelled and weights is not None else []
    problem = Problem(
        train=(texts_of(train), targets_of(train)),
        validation=(texts_of(chosen_rows), targets_of(chosen_rows)),
        weights=None if weights is None else weights[kept],
        tests={name: texts_of(some) for name, some in tested.items()},
        taxonomy=taxonomy,
        seed=seed,
        min_positives=rival.min_positives,
        human_texts=texts_of(_sampled(human_rows, rival.n_texts, seed)),
        models=rival.models,
        **_language_model(rival, taxonomy, generator),
    )
    found = RIVALS[rival.name](problem)
    said = {name: _predictions(found, name, some, taxonomy) for name, some in tested.items()}
    n_texts = sum(len(some) for some in tested.values())
    return RivalRef(
        name=rival.title,
        predictions={name: store.put_blob(to_bytes(some), ".npz") for name, some in said.items()},
        cost=Cost(
            texts_per_second=n_texts / found.seconds if found.seconds > SHORTEST_S else None,
            weights_mb=found.weights_mb,
            price_per_1000=None if found.price is None else 1_000 * found.price / n_texts,
        ),
    )


def sample_of(n: int, wanted: int | None, seed: int) -> list[int]:
    """Places of `wanted` of n rows, drawn at random, in order; all where None is wanted or n is less."""
    if wanted is None or n <= wanted:
        return list(range(n))
    drawn: list[int] = np.random.default_rng(seed).permutation(n)[:wanted].tolist()
    return sorted(drawn)


def _sampled(rows: Sequence[Row], wanted: int | None, seed: int) -> list[Row]:
    return [rows[i] for i in sample_of(len(rows), wanted, seed)]


def _predictions(found: Baseline, test: str, rows: Sequence[Row], taxonomy: Taxonomy) -> Predictions:
    probabilities = found.probabilities[test].astype(float)
    return Predictions(
        ids=ids_of(rows),
        probabilities=probabilities,
        thresholds=found.thresholds,
        targets=targets_of(rows),
        levels=levels_of(probabilities, None, found.recalibration, taxonomy),
        weights=np.array([row["weight"] for row in rows], dtype=float),
        none_below=np.zeros(len(rows)),
    )


def _language_model(
    rival: RivalSettings, taxonomy: Taxonomy, generator: GeneratorConfig | None
) -> dict[str, Any]:
    """The generator or the LLM, for the rival that asks it."""
    if generator and rival.name == SLOW[RivalKind.llm]:
        return {"answers": lambda prompts: _answers(prompts, rival.models, generator)}
    if generator and rival.name == SLOW[RivalKind.generator]:
        engine = engine_of(generator)
        form = generator.prompt_form or PromptForm.chat
        manner = Manner("", "", OPEN_STYLE, "")

        def prompt(label: int | None) -> str:
            return render(form, [] if label is None else [taxonomy.labels[label]], manner)

        scores = engine.log_likelihoods if isinstance(engine, Scorer) else None
        model = getattr(engine, "model", None)
        return {
            "likelihoods": scores,
            "prompt": prompt,
            "generator_mb": None if model is None else megabytes(model),
        }
    return {}


def _answers(prompts: Sequence[str], models: RivalsConfig, generator: GeneratorConfig) -> Answers:
    own = {"model": models.llm, "endpoint": models.llm_endpoint} if models.llm_endpoint else {}
    asked = generator.model_copy(update={**GREEDY, **own, "prompt_form": PromptForm.chat})
    engine = engine_of(asked.model_copy(update={"backend": backend_beside(asked.endpoint)}))
    before = engine.usage()
    texts = ask_llm(prompts, engine)
    after = engine.usage()
    return Answers(
        texts, after.n_prompt_tokens - before.n_prompt_tokens, after.n_new_tokens - before.n_new_tokens
    )


def measure_rivals(
    run: RunContext,
    rivals: Sequence[RivalSettings],
    *,
    rows: DatasetRef,
    tests: Mapping[str, DatasetRef],
    seed: int,
    human: DatasetRef | None = None,
) -> tuple[RivalRef, ...]:
    """What rivals say; those that learn or choose thresholds do so on `rows`, few-shot ones learn on `human`.

    A rival that was asked for by name labels the test set that decides alone.
    """
    deciding = {REAL: tests[REAL]} if REAL in tests else dict(tests)
    slow = set(SLOW.values())
    asks = {SLOW[RivalKind.generator], SLOW[RivalKind.llm]}
    unlabelled = unlabelled_human_texts(run)
    return tuple(
        run.call(
            rival_task,
            rival=rival,
            rows=rows,
            tests=deciding if rival.name in slow else dict(tests),
            human=human if rival.rows_per_label else None,
            unlabelled=unlabelled,
            taxonomy=run.taxonomy,
            generator=run.config.generator if rival.name in asks else None,
            generator_sha256=run.generator_sha256 if rival.name in asks else "",
            seed=seed,
        )
        for rival in rivals
    )
