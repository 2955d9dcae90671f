"""The temporary server of a run starts while the flow is imported, and answers when the flow begins."""

import gc
import os
import subprocess
import sys

import pytest

from tasks.orchestration.environment import quick_imports

FLOW = """
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.server.api.server import SubprocessASGIServer

STARTED = SubprocessASGIServer().running

@flow
def answer(config):
    with get_client(sync_client=True) as client:
        return STARTED, config, client.api_version().split(".")[0]
"""


def test_a_server_starts_while_the_flow_is_imported_and_ends_with_the_process(tmp_path):
    (tmp_path / "slow_flow.py").write_text(FLOW)
    program = (
        "from tasks.orchestration.server import run_flow\n"
        "print(run_flow('slow_flow:answer', 7))\n"
        "from prefect.server.api.server import SubprocessASGIServer\n"
        "print(SubprocessASGIServer().server_process.pid)\n"
    )
    paths = os.pathsep.join([str(tmp_path), os.getcwd()])
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    env |= {"PREFECT_HOME": str(tmp_path / "home"), "PYTHONPATH": paths}

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=env, check=False
    )
    *_, said, server = done.stdout.splitlines() or [done.stderr]

    assert said == "(True, 7, '3')"
    assert not os.path.exists(f"/proc/{server}")


def test_garbage_is_looked_for_again_once_libraries_are_imported():
    with quick_imports():
        with quick_imports():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ModuleNotFoundError), quick_imports():
        import no_such_library  # noqa: F401
    assert gc.isenabled()
