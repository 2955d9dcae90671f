"""Which task runner a run gets."""

import re

import pytest
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.orchestration import task_runners


def test_cells_are_sampled_in_threads_unless_a_cluster_is_named(monkeypatch):
    monkeypatch.delenv(task_runners.RAY, raising=False)
    assert isinstance(task_runners.task_runner(), ThreadPoolTaskRunner)


def test_a_cluster_without_the_extra_is_refused(monkeypatch):
    monkeypatch.setenv(task_runners.RAY, "auto")
    monkeypatch.setattr(task_runners, "find_spec", lambda name: None)
    message = (
        "SENTIMILL_RAY is auto but prefect-ray is not installed; expected it. "
        "Run `pip install 'sentimill[ray]'`, or unset SENTIMILL_RAY."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        task_runners.task_runner()
