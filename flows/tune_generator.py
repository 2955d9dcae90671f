"""Fine-tune a causal language model so that it writes in wanted labels, and say how well it does.

    python -m flows.tune_generator --data DIR --out build/generator
    make embedded-generator DATA=DIR          remakes the model in tasks/embedded

Trigger: by hand. Needs people's labelled text (GoEmotions and SST files); the folder `out` gets the model,
its checksums and its card. An interrupted run goes on with the same command.
"""

from prefect import flow

from tasks.cli.commands import run_tuning
from tasks.config import RunConfig, TrainingConfig, TuneConfig
from tasks.data.generator_scores import GeneratorScores
from tasks.data.references import RealRef
from tasks.orchestration.caching import cached
from tasks.orchestration.fingerprints import real_sha256
from tasks.orchestration.run import open_run
from tasks.pipeline.reporting.generator_card import write_generator
from tasks.stages import generator_tuning
from tasks.stages.real_data import add_real
from tasks.stages.training import fit_classifier

DEFAULT = TuneConfig()


@flow(name="tune-generator")
def tune_generator(config: TuneConfig = DEFAULT) -> GeneratorScores:
    """Tune a generator, judge it with a classifier that was trained on people's text, and write its card.

    Args:
        config: Every knob.
    """
    data = RealRef(source=config.data, sha256=real_sha256(config.data))
    texts = cached(generator_tuning.annotate_task, data)
    generator = cached(generator_tuning.tune_generator_task, texts, config)

    people = open_run(judge_config(config))
    rows = add_real(people, people.store.put_rows([]))
    judge = fit_classifier(people, rows)

    scores = cached(generator_tuning.measure_generator_task, generator, judge, texts, config)
    write_generator(people.store.get_folder(generator), config, scores)
    return scores


def judge_config(config: TuneConfig) -> RunConfig:
    """The run whose classifier judges: real text alone."""
    real = f"{config.data}/goemotions"
    return RunConfig(taxonomy="goemotions", real=real, mix=1.0, training=TrainingConfig(epochs=2))


if __name__ == "__main__":
    run_tuning(tune_generator)
