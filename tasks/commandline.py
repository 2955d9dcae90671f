"""Run a flow from the command line: knobs from `RunConfig`, one clear error, a short table at the end."""

import errno
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_API_KEY,
    PREFECT_CLIENT_MAX_RETRIES,
    get_current_settings,
    temporary_settings,
)
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tasks.auditing import Audit, AuditFailedError
from tasks.checks import check, check_tuning
from tasks.config import AuditConfig, ProofConfig, RunConfig, TuneConfig
from tasks.equity import NAMES, Fairness
from tasks.estimating import estimate
from tasks.leftovers import end_leftovers
from tasks.records import ProofSummary, RunSummary
from tasks.reporting.quality import MOST_NAMED, short_cells, shortfall, why_short
from tasks.reporting.scores import RunScores
from tasks.store import open_store, require_writable_root

FELL = 1
BAD_INPUT = 2
ESTIMATE = "--estimate"
INTERRUPTED = 130
RETRIES_ON_ITS_OWN = 3
"""Over 14 s, for requests that a busy machine does not answer at once."""
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def parse(config: type[BaseModel], arguments: list[str], program: str) -> Any:
    """Read a configuration from command-line arguments; `--help` prints every knob.

    Raises:
        SystemExit: 2 with one line per wrong value.
    """
    settings = SettingsConfigDict(
        cli_prog_name=program,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_exit_on_error=False,  # argparse would print forty lines of usage above the one that matters
        cli_use_class_docs_for_groups=True,
    )
    made = type(
        config.__name__, (config, BaseSettings), {"model_config": settings, "__doc__": config.__doc__}
    )
    try:
        return config.model_validate(CliApp.run(made, cli_args=arguments).model_dump(exclude_unset=True))
    except (ValidationError, SettingsError) as error:
        fail(complaint(error))


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
        with on_its_own():
            summary = flow(config)
        show(summary)


def run_proof(flow: Callable[[ProofConfig], ProofSummary]) -> None:
    """Parse the arguments, check them, prove, and print the table."""
    config: ProofConfig = parse(ProofConfig, sys.argv[1:], "python -m flows.prove")
    with one_clear_error():
        check(config)
        require_writable_root()
        with on_its_own():
            summary = flow(config)
    show_proof(summary)


def run_tuning(flow: Callable[[TuneConfig], Any]) -> None:
    """Parse the arguments, check the data, tune, and say where the generator lies."""
    config: TuneConfig = parse(TuneConfig, sys.argv[1:], "python -m flows.tune_generator")
    with one_clear_error():
        check_tuning(config)
        require_server()
        require_writable_root()
        with on_its_own():
            scores = flow(config)
    Console().print(
        f"generator in {config.out}: fidelity {scores.fidelity:.3f}, "
        f"memorised {100 * scores.memorised:.2f} %, dev perplexity {scores.dev_perplexity:.1f}",
        highlight=False,
    )


def run_audit(flow: Callable[[AuditConfig], Audit]) -> None:
    """Parse the arguments, audit, and print what was recorded beside what was found; 1 if it fell."""
    config: AuditConfig = parse(AuditConfig, sys.argv[1:], "python -m flows.audit_model")
    with one_clear_error():
        require_server()
        require_writable_root()
        try:
            with on_its_own():
                audit = flow(config)
        except AuditFailedError as error:
            fail(str(error), FELL)
    scores = ", ".join(
        f"{name} {audit.found[name]:.3f} (was {old:.3f})" for name, old in audit.recorded.items()
    )
    Console().print(
        f"champion {audit.run} on {audit.n_rows:,} {audit.test_set} texts: {scores}", highlight=False
    )


def require_server() -> str:
    """Version of the Prefect server at PREFECT_API_URL; empty without one.

    Raises:
        ValueError: It does not answer, or speaks another major version.
    """
    if not get_current_settings().api.url:
        return ""
    try:
        with get_client(sync_client=True) as client:
            client.raise_for_api_version_mismatch()
            return str(client.api_version())
    except (RuntimeError, httpx.HTTPError) as error:
        cause = str(error).removesuffix(" Major versions must match.").rstrip("/.")
        raise ValueError(
            f"{cause}; expected Prefect {version('prefect')} at PREFECT_API_URL. Start one (make server), or "
            "mend the address."
        ) from error


@contextmanager
def on_its_own() -> Iterator[None]:
    """Without a server, end what killed runs left, and send no events of task runs.

    The server that Prefect starts for such a run ends with it and loses them, and they cost it more than
    half of what a task costs. Prefect sends none to that server when it is given a key for another. Nor does
    that server come back once it is gone: asking it for a minute, call after call, only delays the end.
    """
    own = {PREFECT_API_KEY: "none", PREFECT_CLIENT_MAX_RETRIES: RETRIES_ON_ITS_OWN}
    local = not get_current_settings().api.url
    if local:
        end_leftovers()
    with temporary_settings(own if local else {}):
        yield


@contextmanager
def one_clear_error() -> Iterator[None]:
    """Turn what went wrong into one message and an exit code: 2, or 130 after Ctrl-C."""
    try:
        yield
    except OSError as error:
        fail(_place_complaint(error))
    except httpx.TransportError as error:
        fail(
            f"the Prefect server does not answer ({type(error).__name__}); expected it for the whole run. "
            "See that it is up, then give the same command again: it goes on where this one stopped."
        )
    except (ValueError, ArithmeticError) as error:
        fail(str(error))
    except RuntimeError as error:
        if "ephemeral Prefect API server" not in str(error):
            raise
        fail(
            "Prefect's server for this run did not start in time; expected it within "
            f"{get_current_settings().server.ephemeral.startup_timeout_seconds} s. The machine is very busy: "
            "give the same command again, or set PREFECT_API_URL to a server that runs."
        )
    except KeyboardInterrupt:
        fail("interrupted. The same command goes on where this one stopped.", INTERRUPTED)


def fail(message: str, code: int = BAD_INPUT) -> Any:
    """Print one message to standard error and leave."""
    console = Console(stderr=True)
    console.print(f"sentimill: {message}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def show(summary: RunSummary) -> None:
    """Print scores and paths of a finished run."""
    store = open_store()
    scores = json.loads(store.read_path(f"runs/{summary.run}/scores.json"))
    console = Console()
    ordinal = scores["taxonomy"]["ordinal"]
    title = f"{summary.run}: {summary.n_rows:,} texts"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in ("test", "what", "macro-F1", "micro-F1", *(("kappa", "MAE") if ordinal else ())):
        table.add_column(column, justify="left" if column in ("test", "what") else "right", no_wrap=True)
    for arm in scores["arms"]:
        m = arm["metrics"]
        values = [m["f1_macro"], m["f1_micro"], *((m["kappa"], m["mae"]) if ordinal else ())]
        shown = ["-" if value is None else f"{value:.3f}" for value in values]
        table.add_row(f"{arm['test_set']} ({m['n_rows']:,})", arm["name"], *shown)
    console.print(table)
    for line in _unfilled(RunScores.model_validate(scores)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if scores.get("fairness"):
        said = fairness_line(Fairness.model_validate(scores["fairness"]))
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    fate = "champion" if summary.champion else "candidate: " + "; ".join(summary.reasons)
    for name, value in (("report", summary.report), ("folder", summary.folder), ("outcome", fate)):
        console.print(f"{name:8}{value}", markup=False, highlight=False, soft_wrap=True)


def show_proof(summary: ProofSummary) -> None:
    """Print the protocol table and paths."""
    rows = [json.loads(row) for row in summary.table]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for column in dict.fromkeys(name for row in rows for name in row):
        table.add_column(column, justify="left" if column == "arm" else "right", no_wrap=column != "arm")
    for row in rows:  # "0.1 [0.0, 0.2]" in two lines, or the table would be wider than a terminal
        cells = [row.get(str(column.header), "") for column in table.columns]
        table.add_row(cells[0], *(re.sub(r" \[(.*), (.*)\]", r"\n\1…\2", cell) for cell in cells[1:]))
    console = Console()
    console.print(summary.title, markup=False, highlight=False)
    console.print(table)
    for name, value in (("report", summary.report), ("proof", summary.path)):
        console.print(f"{name:8}{value}", markup=False, highlight=False, soft_wrap=True)


def fairness_line(fairness: Fairness) -> str:
    """The audit in one line, as deployed."""
    door, n = fairness.audit.deployed, len(fairness.corrections)
    verdict = "limits passed" if fairness.complaints else "within the limits"
    return (
        f"fair    {verdict} after {n} correction{'' if n == 1 else 's'}: names change a probability by "
        f"{door.worst('mean', *NAMES).mean:.4f}, largest group gap {door.worst('gap').gap:.3f}, "
        f"flips {100 * door.flips:.2f} %, countries {door.countries.spread:.3f}"
    )


def _unfilled(scores: RunScores) -> list[str]:
    """What the quota loop could not fill, and why; the whole list stands in the report."""
    short = short_cells(scores.plan)
    lines = [f"        {why_short(cell)}" for cell in short[:MOST_NAMED]]
    more = (
        [f"        and {len(short) - MOST_NAMED} more cells; see the report"]
        if len(short) > MOST_NAMED
        else []
    )
    return [f"quotas  {shortfall(scores.plan, scores.taxonomy)}", *lines, *more] if scores.plan.cells else []


def complaint(error: ValidationError | SettingsError) -> str:
    """Say what is wrong with a configuration, one line per value, five at most."""
    if isinstance(error, SettingsError):
        return f"{str(error).removeprefix('error parsing CLI: ')}. See --help."
    lines = [_line(item) for item in error.errors()[:5]]
    more = f" And {error.error_count() - 5} more." if error.error_count() > 5 else ""
    return "\n".join(lines) + more + " See --help."


def _line(item: ErrorDetails) -> str:
    """One complaint, in terms of the flag that was given."""
    flag = "--" + ".".join(str(part) for part in item["loc"]).replace("_", "-")
    if item["type"] == "value_error":  # a rule of ours, which says all that there is to say
        return str(item["ctx"]["error"])
    if item["type"] == "extra_forbidden":
        return f"{flag} is not a knob; expected one of those that --help lists. Check its spelling."
    rule = re.sub(r"^(Input|List|Tuple|Value) should (be|have) ", "", item["msg"])
    return f"{flag} is {item['input']!r}; expected {rule}."


def _place_complaint(error: OSError) -> str:
    """Ours speak for themselves; the system's lack the advice."""
    if error.errno in NO_SPACE:
        return (
            f"{error.strerror}; expected room for the results. Free some, then give the same command again."
        )
    if error.errno is None:
        return str(error)
    return (
        f"{error.filename or 'a file'}: {error.strerror}. Mend the place, then give the same command again."
    )
