"""Fine-tune a causal language model so that it writes in wanted labels, and say how well it does.

    sentimill tune-generator --data DIR --out build/generator
    make embedded-generator DATA=DIR          remakes the adapter in tasks/models/embedded

Trigger: by hand. Needs human-labelled text (GoEmotions and SST files); the folder `out` gets the model,
its checksums and its card. An interrupted run goes on with the same command.
"""

from prefect import flow

from tasks.config import MixingConfig, RunConfig, TrainingConfig, TuneConfig
from tasks.data.generator_scores import GeneratorScores
from tasks.data.references import RealRef
from tasks.orchestration.caching import run_cached
from tasks.orchestration.fingerprints import real_sha256
from tasks.orchestration.run import open_run
from tasks.pipeline.reporting.generator_card import write_generator
from tasks.stages import generator_tuning
from tasks.stages.real_data import add_real
from tasks.stages.training import calibrate, train
from tasks.storage.connection import open_store

DEFAULT = TuneConfig()


@flow(name="tune-generator")
def tune_generator(config: TuneConfig = DEFAULT) -> GeneratorScores:
    """Tune a generator, judge it with a classifier trained on human-written text, and write its card.

    Args:
        config: Every option.
    """
    store = open_store()
    data = RealRef(source=config.data, sha256=real_sha256(config.data))
    texts = run_cached(
        store,
        generator_tuning.annotate_task,
        data=data,
        texts_per_label=config.texts_per_label,
        seed=config.seed,
    )
    generator = run_cached(store, generator_tuning.tune_generator_task, texts_ref=texts, config=config)

    judge_run = open_run(judge_config(config))
    rows = add_real(judge_run, store.put_rows([]))
    judge = calibrate(judge_run, train(judge_run, rows), rows)

    scores = run_cached(
        store,
        generator_tuning.measure_generator_task,
        generator=generator,
        judge=judge,
        texts_ref=texts,
        config=config,
    )
    write_generator(store.get_folder(generator), config, scores)
    return scores


def judge_config(config: TuneConfig) -> RunConfig:
    """The run whose classifier judges: real text alone."""
    real = f"{config.data}/goemotions"
    mixing, training = MixingConfig(real_fraction=1.0), TrainingConfig(epochs=2)
    return RunConfig(taxonomy="goemotions", real=real, mixing=mixing, training=training)
