"""Work in a thread that ends with it."""

import threading

import pytest

from tasks.models.own_thread import in_own_thread


def test_a_function_runs_in_a_thread_that_is_gone_afterwards():
    thread = in_own_thread(threading.current_thread)()
    assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_results_and_errors_come_back():
    assert in_own_thread(divmod)(7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        in_own_thread(divmod)(7, 0)
