"""Commands that run no flow need no server; a results block that cannot be used is one message."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.api.settings import ApiSettings
from deployments.api.sources import find
from tasks.cli.main import dispatch
from tasks.storage.connection import open_results
from tasks.storage.files import results_address
from tasks.storage.store import ResultsStore

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.usefixtures("without_server")


@pytest.fixture
def champions(tmp_path):
    """A results folder with a champion."""
    entry = {"run": "first", "model": {"uri": "models/m", "sha256": "s"}, "history": [{"run": "before"}]}
    (tmp_path / "champion.json").write_text(json.dumps({"joys": entry}))
    return tmp_path


def in_a_process(*commands, **environment):
    """Give commands one after another, then say whether a server was started or a block saved."""
    code = (
        "import sys\nfrom tasks.cli.main import dispatch\n"
        f"for command in {commands!r}: dispatch(command)\n"
        "print([name for name in sys.modules if name.startswith('prefect.server.api.server')])"
    )
    env = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)


def test_prune_and_rollback_start_no_server_and_print_their_own_lines_alone(champions, tmp_path):
    home = tmp_path / "home"
    done = in_a_process(["rollback"], ["prune"], SENTIMILL_RESULTS=champions, PREFECT_HOME=home)

    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines() == [
        "joys: first (before: before)",
        f"0 files removed from {champions}; 2 runs kept.",
        "[]",
    ]
    assert not (home / "prefect.db").exists()


@pytest.mark.parametrize("address", ["file://{folder}", "local://{folder}", "{folder}"])
def test_an_address_of_a_folder_is_the_folder(champions, monkeypatch, capsys, address):
    monkeypatch.setenv("SENTIMILL_RESULTS", address.format(folder=champions))
    dispatch(["rollback"])

    assert capsys.readouterr().out == "joys: first (before: before)\n"
    assert open_results().root == str(champions)
    assert open_results().is_local


@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("file://results", "root is 'file://results'; expected file:///folder. Give an absolute path."),
        (" ", "root is empty; expected a folder or an address such as s3://bucket/prefix."),
        (
            "nowhere://x",
            "root is 'nowhere://x', which cannot be reached (Protocol not known: nowhere); expected a folder "
            "or an address whose file system is installed. For s3:// run: pip install 'sentimill[s3]'.",
        ),
    ],
)
def test_an_address_that_names_no_place_is_refused_by_every_command(root, message, monkeypatch, capsys):
    with pytest.raises(ValueError, match="root is"):
        results_address(root)
    for command in ("rollback", "prune", "serve"):
        monkeypatch.setenv("SENTIMILL_RESULTS", root)
        with pytest.raises(SystemExit) as caught:
            dispatch([command])
        assert caught.value.code == 2
        assert capsys.readouterr().err == f"sentimill: {message}\n"


def test_a_bucket_without_credentials_is_one_message_in_every_command(monkeypatch, capsys, tmp_path):
    pytest.importorskip("s3fs")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SENTIMILL_RESULTS", "s3://sentimill-test/results")
    said = set()
    for command in ("rollback", "prune", "serve"):
        with pytest.raises(SystemExit) as caught:
            dispatch([command])
        assert caught.value.code == 2
        said.add(capsys.readouterr().err.removeprefix("sentimill: ").rstrip("\n"))
    with pytest.raises(PermissionError) as refused:
        ResultsStore(root="s3://sentimill-test/results").require_writable()  # what a run asks first

    assert said | {str(refused.value)} == {
        "results block at s3://sentimill-test/results cannot be used (Unable to locate credentials); "
        "expected a place with read and write access. Fix the permissions or credentials, free some space, "
        "or set SENTIMILL_RESULTS."
    }


def test_the_service_finds_the_same_champion(champions, monkeypatch):
    monkeypatch.setenv("SENTIMILL_RESULTS", f"file://{champions}")

    assert find(ApiSettings()).run == "first"
