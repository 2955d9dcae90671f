"""Bad input ends with one clear message and exit code 2 before anything is started."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import BaseModel

from tasks.cli.commands import run_flow
from tasks.cli.errors import BAD_INPUT, INTERRUPTED
from tasks.cli.parsing import parse
from tasks.config import RunConfig
from tasks.pipeline.reporting.provenance import command_of
from tasks.pipeline.training.loop import NotFiniteError

ROOT = Path(__file__).parent.parent
PROGRAM = "python -m flows.regenerate"


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """A results folder of the test's own."""
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


@pytest.fixture
def complaint(monkeypatch, capsys):
    """Give a command line to the program and hand back what it complains of."""

    def complain(*arguments, flow=_never, code=BAD_INPUT):
        monkeypatch.setattr(sys, "argv", ["regenerate", *arguments])
        with pytest.raises(SystemExit) as caught:
            run_flow(flow)
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (code, "")
        assert err.startswith("sentimill: ")
        return err.removeprefix("sentimill: ").removesuffix("\n")

    return complain


def _never(config):
    pytest.fail("the flow was started")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--plan.texts-per-label", "0"],
            "--plan.texts-per-label is '0'; expected greater than or equal to 1. See --help.",
        ),
        (
            ["--plan.texts-per-label", "-5"],
            "--plan.texts-per-label is '-5'; expected greater than or equal to 1. See --help.",
        ),
        (
            ["--plan.topics", "[]"],
            "--plan.topics is []; expected at least 1 item after validation, not 0. See --help.",
        ),
        (
            ["--profile", "embeded"],
            "--profile is 'embeded'; expected 'embedded', 'hub' or 'server'. See --help.",
        ),
        (
            ["--cleaning.min-words", "500"],
            "cleaning.min_words is 500 and max_words 400; expected min_words <= max_words. Raise max_words. "
            "See --help.",
        ),
        (
            ["--seed", "x", "--mixing.real-fraction", "2"],
            "--seed is 'x'; expected a valid integer, unable to parse string as an integer.\n"
            "--mixing.real-fraction is '2'; expected less than or equal to 1. See --help.",
        ),
        (["--per-label", "5"], "unrecognized arguments: --per-label 5. See --help."),
        (["stray"], "unrecognized arguments: stray. See --help."),
        (
            ["--plan", '{"per_lable": 3}'],
            "unknown option --plan.per-lable; expected one of those that --help lists. Check its spelling. "
            "See --help.",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(complaint, arguments, message):
    assert complaint(*arguments) == message


@pytest.mark.parametrize("arguments", [["--plan.topics", ""], ["--plan.topics", "flihgts"]])
def test_an_unknown_topic_is_refused(complaint, arguments):
    assert complaint(*arguments).startswith(
        f"topic is {arguments[1]!r}; expected one of the topics at hand: "
    )


def test_an_unknown_taxonomy_is_refused(complaint):
    assert complaint("--taxonomy", "sentiment8") == (
        "taxonomy is 'sentiment8'; expected ekman, goemotions, polarity3, sentiment7, or the path of a YAML "
        "file. Did you mean sentiment7? Check the name."
    )


def test_a_taxonomy_file_that_is_missing_is_refused(complaint, tmp_path):
    assert complaint("--taxonomy", f"{tmp_path}/none.yaml") == (
        f"{tmp_path}/none.yaml is missing; expected a YAML file. Check the path."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "name: own\nlabels:\n  - {name: good, meaning: Good.}\n",
            "{file}, line 1: taxonomy own has 1 label; expected at least two. Add labels.",
        ),
        (
            "name: own\nlabels:\n  - {name: good, meaning: Good.}\n  - {name: bad, meanign: Bad.}\n",
            "{file}, line 4: labels.1.meaning is missing; expected a value. Add it.\n"
            "{file}, line 4: labels.1.meanign is not a known key. Check its spelling.",
        ),
        (
            "name: own\nlabels: [\n",
            "{file}, line 3 is not YAML: expected the node content, but found '<stream end>'; expected valid "
            "YAML. Fix that line.",
        ),
        (
            "name: own\npairs: [[good, bda]]\nlabels:\n  - {name: good, meaning: G.}\n"
            "  - {name: bad, meaning: B.}\n",
            "{file}, line 1: label is 'bda'; expected one of taxonomy own: good, bad. Did you mean bad? "
            "Check the spelling.",
        ),
        (
            "name: own\nlabels:\n  - {name: good, meaning: G.}\n  - {name: bad, meaning: B.}\n",
            "labels good, bad of taxonomy own have no control words; expected some that the embedded "
            "generator knows (tasks/embedded/README.md lists them). Add `control` to the labels, or take "
            "profile hub or server, which read the labels' meanings.",
        ),
    ],
)
def test_a_taxonomy_of_ones_own_is_checked_to_the_line(complaint, tmp_path, content, message, tiny_encoder):
    file = tmp_path / "own.yaml"
    file.write_text(content)

    # A generator folder that is at hand: whether the embedded one is has a test of its own.
    assert complaint("--taxonomy", str(file), *_models(tiny_encoder)) == message.format(file=file)


def _models(folder):
    return ("--generator.model", str(folder), "--training.base", str(folder), "--no-verifying.enabled")


@pytest.mark.parametrize("knob", ["generator.model", "training.base"])
def test_a_model_folder_that_is_not_there_is_refused(complaint, tmp_path, tiny_encoder, knob):
    nowhere = str(tmp_path / "nowhere")

    assert complaint(*_models(tiny_encoder), f"--{knob}", nowhere) == (
        f"{knob} is {nowhere!r}, which holds no model; expected a folder with config.json and weights, or a "
        "name on the Hugging Face Hub. Check the path."
    )


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_model_folder_that_lacks_a_file_is_refused(complaint, tmp_path, tiny_encoder, missing):
    folder = tmp_path / "model"
    shutil.copytree(tiny_encoder, folder)
    (folder / missing).unlink()

    assert "which holds no model; expected a folder with config.json and weights" in complaint(
        *_models(tiny_encoder), "--generator.model", str(folder)
    )


def test_a_damaged_model_folder_is_refused(complaint, tmp_path, tiny_encoder):
    folder = tmp_path / "model"
    shutil.copytree(tiny_encoder, folder)
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  config.json\n")
    found = hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()

    assert complaint(*_models(tiny_encoder), "--generator.model", str(folder)).startswith(
        f"sha256 of {folder}/config.json is {found}; expected {'0' * 64}."
    )


def test_a_broken_row_of_real_data_is_named_by_file_and_line(complaint, tmp_path, tiny_encoder):
    (tmp_path / "train.csv").write_text("sentence,score\nFine .,0.5\nBroken .,7\n")
    (tmp_path / "dev.csv").write_text("sentence,score\nFine .,0.5\n")

    assert complaint("--real", str(tmp_path), *_models(tiny_encoder)) == (
        "train.csv line 3 is broken; expected UTF-8 text in columns sentence and score, with a score from 0 "
        "to 1. Fix or remove the line."
    )


def test_real_data_that_does_not_fit_the_labels_is_refused(complaint, tmp_path, tiny_encoder):
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text("sentence,score\nGreat .,0.9\nBad .,0.1\n")

    assert complaint("--taxonomy", "ekman", "--real", str(tmp_path), *_models(tiny_encoder)) == (
        f"real data {str(tmp_path)!r} has labels very negative, very positive; expected some that taxonomy "
        "ekman knows. Choose data that fits the taxonomy."
    )


def test_mixing_without_real_data_is_refused(complaint):
    assert complaint("--mixing.real-fraction", "0.5") == (
        "mixing.real_fraction is 0.5 but real is empty; expected a real data set. Give --real, or leave "
        "--mixing.real-fraction out."
    )


def test_a_results_folder_that_cannot_be_written_is_refused(complaint, tmp_path, monkeypatch, tiny_encoder):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path / "file"))

    with temporary_settings(restore_defaults={PREFECT_API_URL}):  # with a server, the block there counts
        complained = complaint(*_models(tiny_encoder))
    assert complained == (
        f"results block at {tmp_path}/file cannot be written (File exists); expected a place with write "
        "access. Fix the permissions, free some space, or set SENTIMILL_RESULTS."
    )


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (
            OSError(28, "No space left on device"),
            "No space left on device; expected room for the results. Free some and rerun the same command.",
            BAD_INPUT,
        ),
        (
            PermissionError(13, "Permission denied", "out/a.txt"),
            "cannot use out/a.txt: permission denied. Fix the cause and rerun the same command; finished "
            "stages are cached.",
            BAD_INPUT,
        ),
        (OSError("hub/name is not a folder"), "hub/name is not a folder", BAD_INPUT),
        (ValueError("a is 1; expected 2. Fix it."), "a is 1; expected 2. Fix it.", BAD_INPUT),
        (NotFiniteError("loss is nan"), "loss is nan", BAD_INPUT),
        (KeyboardInterrupt(), "interrupted. The same command continues where this one stopped.", INTERRUPTED),
    ],
)
def test_what_goes_wrong_on_the_way_is_one_message(complaint, tiny_encoder, error, message, code):
    def flow(config):
        raise error

    assert complaint(*_models(tiny_encoder), flow=flow, code=code) == message


def test_a_long_message_is_one_line_however_narrow_the_terminal(complaint, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    assert "\n" not in complaint("--mixing.real-fraction", "0.5")


def test_refused_input_writes_nothing(complaint, results):
    complaint("--mixing.real-fraction", "0.5")

    assert not results.exists()


def test_help_lists_every_knob_with_its_meaning(capsys):
    with pytest.raises(SystemExit) as caught:
        parse(RunConfig, ["--help"], PROGRAM)
    out, err = capsys.readouterr()
    text = " ".join(out.split())

    assert (caught.value.code, err) == (0, "")
    assert text.startswith("usage: python -m flows.regenerate ")
    for section, model in (("", RunConfig), *((n, type(v)) for n, v in dict(RunConfig()).items() if _is(v))):
        for name, field in model.model_fields.items():
            if not _is(field.default):
                assert f"--{f'{section}.{name}'.lstrip('.').replace('_', '-')}" in text
                assert " ".join(field.description.split()[:4]) in text


def _is(value):
    return isinstance(value, BaseModel)


def test_no_arguments_are_the_defaults():
    assert parse(RunConfig, [], PROGRAM) == RunConfig()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"taxonomy": "goemotions", "seed": 7, "real": "my data/it's here"},
        {
            "plan": {
                "texts_per_label": 20,
                "topics": ["flights", "books and reading"],
                "topics_file": "own.yaml",
            }
        },
        {"plan": {"topics": ["salt, pepper", "tea"], "styles": ["diary line"]}},
        {"scrubbing": {"enabled": False, "categories": ["religion", "age"]}, "verifying": {"enabled": False}},
        {"scrubbing": {"categories": []}},
        {"cleaning": {"language": None, "profanity_filter": True}},
        {"generator": {"model": "a/b", "prompt_form": "plain", "temperature": 0.7}, "profile": "hub"},
        {
            "training": {"precision": "no", "learning_rate": 3e-05},
            "mixing": {"real_fraction": 0.25, "max_real_rows": 100},
        },
    ],
)
def test_the_command_of_a_run_remakes_its_configuration(values):
    config = RunConfig.model_validate(values)
    python, *arguments = shlex.split(command_of(config))[2:]

    assert python == "flows.regenerate"
    assert parse(RunConfig, arguments, PROGRAM) == config


def test_the_command_of_a_run_reads_as_one_would_type_it():
    values = {
        "taxonomy": "ekman",
        "plan": {"texts_per_label": 9, "topics": ["a", "b"]},
        "mixing": {"real_fraction": 0.5},
    }

    assert command_of(RunConfig.model_validate(values)) == (
        "python -m flows.regenerate --taxonomy ekman --plan.texts-per-label 9 --plan.topics a,b "
        "--mixing.real-fraction 0.5"
    )


def test_from_the_shell_a_wrong_value_is_one_line_and_exit_code_2():
    done = subprocess.run(
        [sys.executable, "-m", "flows.regenerate", "--plan.texts-per-label", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "40"},
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "sentimill: --plan.texts-per-label is '0'; expected greater than or equal to 1. See --help.\n"
    )
