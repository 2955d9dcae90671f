"""What `run`, `estimate`, `ablate`, `audit` and `tune-generator` do once their options are known.

Everything that can be wrong with the options is found before a flow is imported or a server started.
"""

from tasks.cli.errors import FAILED, fail
from tasks.cli.options import RunOptions
from tasks.config import AblationConfig, AuditConfig, RunConfig, TuneConfig
from tasks.orchestration.environment import quick_imports
from tasks.taxonomy import load_taxonomy, load_topics


def run(options: RunOptions) -> None:
    """Check the configuration, run the flow `regenerate`, and print scores and paths; or preview it."""
    config = RunConfig.model_validate(options.model_dump(exclude={"preview"}, exclude_unset=True))
    with quick_imports():
        _check(config)
        if options.preview:
            from tasks.cli.preview import preview
        else:
            from tasks.cli.tables import show
            from tasks.orchestration.server import run_flow
    if options.preview:
        preview(config)
        return
    _require_places()
    show(run_flow("flows.regenerate:regenerate", config))


def estimate(config: RunConfig) -> None:
    """Print what a run would sample and cost."""
    _require_files(config)
    from tasks.orchestration.preflight import check
    from tasks.pipeline.planning import cost

    print("\n".join(cost.estimate(*check(config)).lines()))


def ablate(config: AblationConfig) -> None:
    """Check the configuration, run the flow of the ablation, and print its table."""
    _check(config)
    from tasks.cli.tables import show_ablation
    from tasks.orchestration.server import run_flow

    _require_places()
    show_ablation(run_flow("flows.ablation:ablation", config))


def audit(config: AuditConfig) -> None:
    """Measure the champion again, and print the scores beside those recorded; exit code 1 if it fell."""
    from tasks.orchestration.server import run_flow
    from tasks.stages.champion_audit import AuditFailedError

    _require_places()
    try:
        found = run_flow("flows.audit_model:audit_model", config)
    except AuditFailedError as error:
        fail(str(error), FAILED)
    scores = ", ".join(
        f"{name} {found.found[name]:.3f} (was {old:.3f})" for name, old in found.recorded.items()
    )
    print(f"champion {found.run} on {found.n_rows:,} {found.test_set} texts: {scores}")


def tune_generator(config: TuneConfig) -> None:
    """Check the data, tune, and say where the generator is."""
    from tasks.orchestration.preflight import check_tuning
    from tasks.orchestration.server import run_flow

    check_tuning(config)
    _require_places()
    scores = run_flow("flows.tune_generator:tune_generator", config)
    print(
        f"generator in {config.out}: fidelity {scores.fidelity:.3f}, "
        f"memorised {100 * scores.memorised:.2f} %, dev perplexity {scores.dev_perplexity:.1f}"
    )


def _require_files(config: RunConfig) -> None:
    """Refuse a taxonomy or topics that are not there, which takes no large import to see."""
    load_taxonomy(config.taxonomy)
    load_topics(config.plan.topics_file).select(config.plan.topics, config.plan.styles)


def _check(config: RunConfig) -> None:
    """Refuse what cannot work."""
    _require_files(config)
    from tasks.orchestration.preflight import check

    check(config)


def _require_places() -> None:
    """Refuse a server that does not answer, or a results block that cannot be written."""
    from tasks.orchestration.server import require_server
    from tasks.storage.connection import require_writable_root

    require_server()
    require_writable_root()
