"""The search for training options: it starts from the run's own, and cannot see a test row."""

import pytest

from tasks.cli.main import dispatch
from tasks.cli.search import flags
from tasks.cli.train import read_run
from tasks.pipeline.training.classifier.search import SEARCHED_OPTIONS, search


def test_knobs_are_shown_as_flags():
    assert flags({"learning_rate": 0.00012, "batch_size": 16, "loss": "bce"}) == (
        "--training.learning-rate 0.00012 --training.batch-size 16 --training.loss bce"
    )


def test_a_search_is_no_worse_than_where_it_started(finished_run):
    pytest.importorskip("optuna", reason="an extra: pip install 'sentimill[search]'")
    config, taxonomy, rows = read_run(finished_run)
    training = config.training.model_copy(update={"epochs": 3})
    found = search(rows, taxonomy, training, 3, seed=0)

    assert set(found.options) == set(SEARCHED_OPTIONS)
    assert found.score >= found.before > 0


def test_only_rows_to_learn_from_are_read(finished_run):
    assert not (finished_run / "dataset" / "test.parquet").exists()
    assert {row["split"] for row in read_run(finished_run)[2]} == {"train", "validation"}


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        read_run(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} has no config.json; expected the folder of a finished run. Give results/runs/<run>."
    )


def test_without_optuna_the_command_says_what_to_install(finished_run, monkeypatch, capsys):
    monkeypatch.setattr("tasks.cli.search.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as caught:
        dispatch(["search", str(finished_run)])

    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "sentimill: optuna is not installed; expected it. Run `pip install 'sentimill[search]'`.\n"
    )


def test_a_folder_that_is_no_run_ends_the_command(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        dispatch(["train", str(tmp_path), str(tmp_path / "out")])

    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        f"sentimill: {tmp_path} has no config.json; expected the folder of a finished run. Give "
        "results/runs/<run>.\n"
    )
