"""One command: subcommands, exit codes, one message; arguments are read before anything heavy is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

from tasks.cli import main as cli
from tasks.cli.errors import BAD_INPUT, INTERRUPTED, one_clear_error
from tasks.cli.main import CLOSED_PIPE, COMMANDS, dispatch
from tasks.pipeline.training.loop import NotFiniteError

ROOT = Path(__file__).parent.parent
HEAVY = (
    "torch",
    "transformers",
    "prefect",
    "datasets",
    "sklearn",
    "pandas",
    "numpy",
    "presidio_analyzer",
    "rich",
)


def sentimill(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-m", "tasks.cli", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT, **options
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_heavy_is_imported_to_read_arguments(name):
    """In a process of its own, where no other test has imported anything."""
    code = (
        "import sys, json\nfrom tasks.cli.main import dispatch\n"
        f"try: dispatch([{name!r}, '--no-such-option'])\n"
        "except SystemExit as end: code = end.code\n"
        f"print(json.dumps([code, [m for m in {HEAVY} if m in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == [2, []]
    assert done.stderr == (
        f"sentimill: --no-such-option is not an option of sentimill {name}. See sentimill {name} --help.\n"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_function(name):
    assert callable(resolve_name(COMMANDS[name].function))


def test_a_taxonomy_that_is_not_there_is_refused_before_prefect_is_imported():
    code = (
        "import sys\nfrom tasks.cli.main import dispatch\n"
        "try: dispatch(['run', '--taxonomy', 'none.yaml'])\n"
        f"finally: print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "[]\n")
    assert done.stderr == (
        f"sentimill: none.yaml is missing (looked in {ROOT}); expected a YAML file. Check the path.\n"
    )


def test_without_a_command_all_are_listed():
    done = sentimill()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: sentimill COMMAND [options]\n")
    for name, command in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert f" {command.purpose}\n" in done.stdout


def test_the_version_is_that_of_the_package(monkeypatch, capsys):
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"sentimill": "1.2.3"}[name])
    dispatch(["--version"])

    assert capsys.readouterr().out == "sentimill 1.2.3\n"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("scrubb", "scrubb is not a command; expected one of {all}. Did you mean scrub?"),
        (
            "--estimate",
            "--estimate is not an option of sentimill; expected one of {all}. Did you mean estimate?",
        ),
    ],
)
def test_an_unknown_command_is_named(argument, message, capsys):
    with pytest.raises(SystemExit) as caught:
        dispatch([argument])

    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        f"sentimill: {message.format(all=', '.join(COMMANDS))} See sentimill --help.\n"
    )


def test_from_the_shell_a_wrong_value_is_one_line_and_exit_code_2():
    done = sentimill("run", "--plan.rounds", "0", env={"COLUMNS": "40"})

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "sentimill: --plan.rounds is '0'; expected greater than or equal to 1. See --help.\n"
    )


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_a_reader_that_goes_away_ends_the_command_quietly(arguments):
    """`sentimill ... | head`, with a reader that takes nothing."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        command = [sys.executable, "-m", "tasks.cli", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode in (0, CLOSED_PIPE)  # argparse ends its help with 0 whoever reads it
    assert done.stderr == ""


def test_a_connection_that_broke_is_no_closed_output(capsys, monkeypatch):
    def broken(arguments):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(cli, "dispatch", broken)
    with pytest.raises(BrokenPipeError):
        cli.main()


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (
            OSError(28, "No space left on device"),
            "No space left on device; expected room for the results. Free some and rerun the same command.",
            BAD_INPUT,
        ),
        (OSError("hub/name is not a folder"), "hub/name is not a folder", BAD_INPUT),
        (ValueError("a is 1; expected 2. Fix it."), "a is 1; expected 2. Fix it.", BAD_INPUT),
        (NotFiniteError("loss is nan"), "loss is nan", BAD_INPUT),
        (KeyboardInterrupt(), "interrupted. The same command continues where this one stopped.", INTERRUPTED),
    ],
)
def test_what_goes_wrong_on_the_way_is_one_message(capsys, error, message, code):
    with pytest.raises(SystemExit) as caught, one_clear_error():
        raise error

    assert caught.value.code == code
    assert capsys.readouterr() == ("", f"sentimill: {message}\n")


def test_an_error_that_nobody_foresaw_keeps_its_traceback():
    with pytest.raises(KeyError), one_clear_error():
        raise KeyError("x")
