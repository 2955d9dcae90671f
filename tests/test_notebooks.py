"""The notebooks run from top to bottom in an empty folder, as a reader would run them."""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
pytestmark = pytest.mark.slow


def test_there_are_three():
    assert [path.name for path in NOTEBOOKS] == ["emotions.ipynb", "own_labels.ipynb", "thresholds.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent.parent))
    book = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells)  # stored without outputs
    NotebookClient(book, timeout=1_200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert list(tmp_path.glob("results/runs/*/report.html"))
