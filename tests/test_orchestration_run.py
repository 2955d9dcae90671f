"""What a run is called."""

from datetime import UTC, datetime

import pytest

from tasks.orchestration import run as runs
from tasks.orchestration.run import run_name


@pytest.fixture
def clock(monkeypatch):
    """A clock that shows what it is told to show."""

    class Clock(datetime):
        shown = datetime(2026, 11, 20, 15, 16, 23, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.shown

    monkeypatch.setattr(runs, "datetime", Clock)
    return Clock


def test_runs_that_begin_in_the_same_second_have_names_of_their_own(clock):
    first, second = run_name("ekman", "embedded"), run_name("ekman", "embedded")

    assert first.startswith("ekman-embedded-20261120-151623-")
    assert second.startswith("ekman-embedded-20261120-151623-")
    assert len({first, second}) == 2
    assert len(first.rsplit("-", 1)[1]) == 8


def test_a_clock_that_jumps_back_to_a_time_that_was_gives_no_name_twice(clock):
    names = [run_name("ekman", "embedded")]
    clock.shown = datetime(2026, 11, 20, 16, 0, 0, tzinfo=UTC)
    names.append(run_name("ekman", "embedded"))
    clock.shown = datetime(2026, 11, 20, 15, 16, 23, tzinfo=UTC)
    names.append(run_name("ekman", "embedded"))

    assert len(set(names)) == 3
