"""The command `sentimill`: one table of subcommands, each parsed before what it runs is imported.

Nothing here imports torch, transformers or Prefect, so `--help` and a mistyped option answer at once.
"""

import os
import select
import sys
from collections.abc import Sequence
from pkgutil import resolve_name
from typing import NamedTuple

from tasks.cli.errors import fail, one_clear_error
from tasks.cli.parsing import parse
from tasks.config.messages import suggestion
from tasks.orchestration.environment import quiet_libraries

CLOSED_PIPE = 141
"""What a shell reports for a process that ended because nobody read on."""


class Command(NamedTuple):
    """A subcommand; both addresses are `module:name` and are imported when the subcommand is given."""

    purpose: str
    options: str
    """The pydantic model of its options, in a module that is quick to import."""
    function: str
    """What runs: takes the options, raises ValueError or OSError for bad input."""


COMMANDS = {
    "run": Command(
        "Make labelled text, train a classifier on it, and measure it",
        "tasks.cli.options:RunOptions",
        "tasks.cli.commands:run",
    ),
    "estimate": Command(
        "Say what a run would sample and cost, before anything is loaded",
        "tasks.config:RunConfig",
        "tasks.cli.commands:estimate",
    ),
    "ablate": Command(
        "Compare real, synthetic and mixed training rows on human-written text",
        "tasks.config:AblationConfig",
        "tasks.cli.commands:ablate",
    ),
    "audit": Command(
        "Measure the champion again; exit code 1 if it got worse",
        "tasks.config:AuditConfig",
        "tasks.cli.commands:audit",
    ),
    "tune-generator": Command(
        "Fine-tune a language model to write texts with given labels",
        "tasks.config:TuneConfig",
        "tasks.cli.commands:tune_generator",
    ),
    "train": Command(
        "Train the classifier of a finished run again, also in several processes",
        "tasks.cli.options:TrainOptions",
        "tasks.cli.train:train",
    ),
    "search": Command(
        "Search training settings on the rows of a finished run",
        "tasks.cli.options:SearchOptions",
        "tasks.cli.search:search",
    ),
    "scrub": Command(
        "Remove names and demographics from a JSON Lines file",
        "tasks.cli.options:ScrubOptions",
        "tasks.cli.scrub:scrub",
    ),
    "data": Command(
        "Say what a file of human-written text holds, or propose a taxonomy for it",
        "tasks.cli.options:DataOptions",
        "tasks.cli.data:describe_data",
    ),
    "classify": Command(
        "Label the rows of a file, or a text",
        "tasks.cli.options:ClassifyOptions",
        "deployments.classify.command:classify",
    ),
    "export": Command(
        "Write a classifier for ONNX Runtime, OpenVINO, Sentence Transformers or spaCy",
        "tasks.cli.options:ExportOptions",
        "deployments.export:export",
    ),
    "review export": Command(
        "Write rows that are worth a person's look for Label Studio, Argilla or a spreadsheet",
        "tasks.cli.options:ReviewExportOptions",
        "tasks.cli.review:export_review",
    ),
    "review import": Command(
        "Read people's answers: human rows for the next run, and agreement with the votes",
        "tasks.cli.options:ReviewImportOptions",
        "tasks.cli.review:import_review",
    ),
    "serve": Command(
        "Serve a classifier over HTTP",
        "deployments.api.settings:ApiSettings",
        "deployments.api.__main__:serve",
    ),
    "doctor": Command(
        "Check a set-up from end to end; exit code 1 if anything is wrong",
        "tasks.cli.options:DoctorOptions",
        "deployments.doctor:doctor",
    ),
    "deploy": Command(
        "Make the work pools, deployments and automations on a Prefect server",
        "tasks.cli.options:DeployOptions",
        "deployments.setup:deploy",
    ),
    "prune": Command(
        "Remove what old runs left in the results block",
        "tasks.config:PruneConfig",
        "tasks.cli.prune:prune_results",
    ),
    "rollback": Command(
        "Show the champions, or make the one before the present champion again",
        "tasks.cli.options:RollbackOptions",
        "tasks.cli.rollback:rollback",
    ),
    "reference-bands": Command(
        "Measure the reference range of text diversity on real data sets",
        "tasks.cli.options:ReferenceBandsOptions",
        "tasks.cli.reference_bands:measure",
    ),
}


def main() -> None:
    """Run the subcommand that was given; end quietly where the reader of the output went away."""
    try:
        try:
            dispatch(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _output_is_closed():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered
        sys.exit(CLOSED_PIPE)


def dispatch(arguments: Sequence[str]) -> None:
    """Parse the arguments of a subcommand, then import and run it.

    Raises:
        SystemExit: 0 after help, 2 after a message about what was wrong.
    """
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help", "help"):
        sys.stdout.write(overview())
        return
    if name == "--version":
        print_version()
        return
    if rest and f"{name} {rest[0]}" in COMMANDS:
        name = f"{name} {rest.pop(0)}"
    if name not in COMMANDS:
        kind = "an option of sentimill" if name.startswith("-") else "a command"
        fail(
            f"{name} is not {kind}; expected one of {', '.join(COMMANDS)}."
            f"{suggestion(name, list(COMMANDS))} See sentimill --help."
        )
    command = COMMANDS[name]
    options = parse(resolve_name(command.options), rest, f"sentimill {name}")
    quiet_libraries()
    with one_clear_error():
        resolve_name(command.function)(options)


def print_version() -> None:
    """Print the version that is installed."""
    from importlib.metadata import PackageNotFoundError, version  # slow, and needed here alone

    try:
        print(f"sentimill {version('sentimill')}")
    except PackageNotFoundError:
        fail("sentimill is not installed; expected it. Run `pip install --no-deps --editable .`.")


def overview() -> str:
    """Every subcommand on a line."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:{width}}{command.purpose}\n" for name, command in COMMANDS.items()]
    return (
        "usage: sentimill COMMAND [options]\n\n"
        "Labels and topics in, an evaluated text classifier out.\n\n"
        f"{''.join(lines)}\n"
        "sentimill COMMAND --help lists the options of a command. Each can come from a file (--config FILE,\n"
        "which is YAML or the config.json of a run), from the environment (SENTIMILL_PLAN__TOPICS is\n"
        "--plan.topics), or from the command line; the later of these wins.\n"
    )


def _output_is_closed() -> bool:
    """Whether it was standard output that broke, not some connection."""
    try:
        output = select.poll()
        output.register(sys.stdout.fileno(), 0)
    except (AttributeError, OSError):  # a system without poll, or an output that is no file
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll(0))


if __name__ == "__main__":
    main()
