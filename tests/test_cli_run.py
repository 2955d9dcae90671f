"""What cannot work is refused by `sentimill run` with one message, before a model or a server is started."""

import hashlib
import shutil
import subprocess
import sys

import pytest
import torch
from prefect.settings import PREFECT_API_URL, temporary_settings
from safetensors.torch import save_file

from tasks.cli.errors import BAD_INPUT
from tasks.cli.main import dispatch
from tasks.models.weights_cache import BASE_KEY
from tasks.orchestration import server


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """A results folder of the test's own."""
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


@pytest.fixture
def complaint(monkeypatch, capsys):
    """Give arguments to `sentimill run` and hand back what it complains of; no flow may start."""
    monkeypatch.setattr(server, "run_flow", lambda flow, config: pytest.fail(f"{flow} was started"))

    def complain(*arguments):
        with pytest.raises(SystemExit) as caught:
            dispatch(["run", *arguments])
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (BAD_INPUT, "")
        assert err.startswith("sentimill: ")
        return err.removeprefix("sentimill: ").removesuffix("\n")

    return complain


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


def test_an_adapter_for_another_base_is_refused(complaint, tmp_path, tiny_encoder):
    (tmp_path / "adapter_config.json").write_text("{}")
    save_file({"a": torch.zeros(1)}, tmp_path / "adapter_model.safetensors", metadata={BASE_KEY: "a" * 64})

    assert complaint("--generator.adapter", str(tmp_path)).startswith(
        f"adapter {tmp_path}/adapter_model.safetensors was tuned on aaaaaaaaaaaa; expected "
    )
    assert complaint("--generator.adapter", str(tmp_path), *_models(tiny_encoder)).startswith(
        f"adapter {tmp_path}/adapter_model.safetensors was tuned on {'a' * 64}; expected {tiny_encoder}."
    )
    assert complaint("--generator.adapter", f"{tmp_path}/none").startswith(
        f"{tmp_path}/none holds no adapter; expected adapter_config.json and adapter_model.safetensors."
    )


def test_topics_of_which_the_generator_knows_no_word_are_refused(complaint, tmp_path):
    file = tmp_path / "topics.yaml"
    file.write_text("topics: [qwzxq, 42nd, {name: Blorf, scenarios: [zzyzx]}]\n")

    assert complaint("--plan.topics-file", str(file)) == (
        "the generator knows no word of the topics qwzxq, 42nd, Blorf; expected topics in plain English "
        "words. Rename them, or give each some scenarios in a sentence."
    )


def test_options_are_refused_before_prefect_is_imported():
    code = (
        "import sys; from tasks.cli.main import dispatch\n"
        "try: dispatch(['run', '--mixing.real-fraction', '0.5'])\n"
        "finally: print(sorted({'prefect', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (BAD_INPUT, "[]\n")
    assert done.stderr.startswith("sentimill: mixing.real_fraction is 0.5 but real is empty;")


def test_a_broken_row_of_real_data_is_named_by_file_and_line(complaint, tmp_path, tiny_encoder):
    (tmp_path / "train.csv").write_text("sentence,score\nFine .,0.5\nBroken .,7\n")
    (tmp_path / "dev.csv").write_text("sentence,score\nFine .,0.5\n")

    assert complaint("--real", str(tmp_path), *_models(tiny_encoder)) == (
        "train.csv row 2: column 'score' holds 7; expected names, ids, stars from 1 to 5, or scores from 0 "
        "to 1. Name the column of the labels: --real.labels COLUMN."
    )


def test_real_data_that_does_not_fit_the_labels_is_refused(complaint, tmp_path, tiny_encoder):
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text("sentence,score\nGreat .,0.9\nBad .,0.1\n")

    assert complaint("--taxonomy", "ekman", "--real", str(tmp_path), *_models(tiny_encoder)) == (
        "real data holds scores or stars, but taxonomy ekman is no scale; expected one with ordinal: true, "
        "such as sentiment7. Take another taxonomy, or name the column of the labels: --real.labels COLUMN."
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
        f"results block at {tmp_path}/file cannot be used (File exists); expected a place with read and "
        "write access. Fix the permissions or credentials, free some space, or set SENTIMILL_RESULTS."
    )


def test_a_long_message_is_one_line_however_narrow_the_terminal(complaint, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    assert "\n" not in complaint("--mixing.real-fraction", "0.5")


def test_refused_input_writes_nothing(complaint, results):
    complaint("--mixing.real-fraction", "0.5")

    assert not results.exists()
