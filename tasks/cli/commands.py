"""Run a flow from the command line: options from `RunConfig`, one clear error, a short table at the end."""

import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console

from tasks.cli.errors import FELL, fail, one_clear_error
from tasks.cli.parsing import parse
from tasks.cli.tables import show, show_ablation
from tasks.config import AblationConfig, AuditConfig, RunConfig, TuneConfig
from tasks.data.summaries import AblationSummary, RunSummary
from tasks.orchestration.preflight import check, check_tuning
from tasks.orchestration.server import ephemeral_server, require_server
from tasks.pipeline.planning.cost import estimate
from tasks.stages.champion_audit import AuditFailedError, ChampionAudit
from tasks.storage.connection import require_writable_root

ESTIMATE = "--estimate"


def run_flow(flow: Callable[[RunConfig], RunSummary]) -> None:
    """Parse the arguments, check them before anything is started, run, and print what came of it.

    With `--estimate`, print what the run would cost instead.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != ESTIMATE]
    config: RunConfig = parse(RunConfig, arguments, f"python -m flows.regenerate [{ESTIMATE}]")
    with one_clear_error():
        checked = check(config)
        if ESTIMATE in sys.argv:
            Console().print("\n".join(estimate(*checked).lines()), highlight=False)
            return
        require_server()
        require_writable_root()
        with ephemeral_server():
            summary = flow(config)
        show(summary)


def run_ablation(flow: Callable[[AblationConfig], AblationSummary]) -> None:
    """Parse the arguments, check them, run the ablation, and print its table."""
    config: AblationConfig = parse(AblationConfig, sys.argv[1:], "python -m flows.ablation")
    with one_clear_error():
        check(config)
        require_writable_root()
        with ephemeral_server():
            summary = flow(config)
    show_ablation(summary)


def run_tuning(flow: Callable[[TuneConfig], Any]) -> None:
    """Parse the arguments, check the data, tune, and say where the generator lies."""
    config: TuneConfig = parse(TuneConfig, sys.argv[1:], "python -m flows.tune_generator")
    with one_clear_error():
        check_tuning(config)
        require_server()
        require_writable_root()
        with ephemeral_server():
            scores = flow(config)
    Console().print(
        f"generator in {config.out}: fidelity {scores.fidelity:.3f}, "
        f"memorised {100 * scores.memorised:.2f} %, dev perplexity {scores.dev_perplexity:.1f}",
        highlight=False,
    )


def run_audit(flow: Callable[[AuditConfig], ChampionAudit]) -> None:
    """Parse the arguments, audit, and print what was recorded beside what was found; 1 if it fell."""
    config: AuditConfig = parse(AuditConfig, sys.argv[1:], "python -m flows.audit_model")
    with one_clear_error():
        require_server()
        require_writable_root()
        try:
            with ephemeral_server():
                audit = flow(config)
        except AuditFailedError as error:
            fail(str(error), FELL)
    scores = ", ".join(
        f"{name} {audit.found[name]:.3f} (was {old:.3f})" for name, old in audit.recorded.items()
    )
    Console().print(
        f"champion {audit.run} on {audit.n_rows:,} {audit.test_set} texts: {scores}", highlight=False
    )
