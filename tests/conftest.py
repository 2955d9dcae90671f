"""Fixtures that several test files share: rows, tiny models, one Prefect server for all flows."""

import os

import factories
import pytest
from hypothesis import HealthCheck, settings


def pytest_addoption(parser):
    """Measurements are written to results/bench only on demand."""
    parser.addoption("--record", action="store_true", help="write figures and pictures to results/bench")


def pytest_configure():
    """Set the environment before a test file imports Prefect or transformers; make hypothesis repeatable."""
    for name in ("PREFECT_API_URL", "SENTIMILL_RESULTS"):
        os.environ.pop(name, None)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
    import flows  # noqa: F401  (sets the rest of the environment)

    # The same examples in every run, and no deadline: a busy machine fails no test.
    settings.register_profile(
        "sentimill",
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("sentimill")


@pytest.fixture(scope="session")
def vocabulary():
    """Tokens of the tiny models."""
    return factories.VOCABULARY


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """Folder of a BERT encoder with one layer of width 16 and random weights."""
    folder = tmp_path_factory.mktemp("encoder")
    factories.save_tiny_encoder(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_generator(tmp_path_factory):
    """Folder of a decoder that writes random words."""
    folder = tmp_path_factory.mktemp("generator")
    factories.save_tiny_generator(folder)
    return folder


@pytest.fixture(scope="session")
def make_row():
    """Build a row; every column can be given."""
    return factories.make_row


@pytest.fixture(scope="session")
def prefect_api():
    """A real Prefect server on loopback with its own database, stopped at the end of the session."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    # Without heartbeats a flow ends at once: their thread sleeps in whole seconds.
    with (
        prefect_test_harness(server_startup_timeout=240),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.fixture(scope="session")
def site(request, tmp_path_factory):
    """Postgres, S3, Prefect server and worker on loopback, for the tests of operations."""
    from operations_site import SCREENS, running_site, write_figures

    record = request.config.getoption("--record")
    screens = SCREENS if record else tmp_path_factory.mktemp("screens")
    screens.mkdir(parents=True, exist_ok=True)
    with running_site(tmp_path_factory.mktemp("site"), screens) as running:
        yield running
    if record:
        write_figures(running.figures)


@pytest.fixture(scope="module")
def chromium():
    """Chromium without a window; while it runs, nothing in this thread can start an event loop of its own."""
    from operations_site import running_browser

    with running_browser() as running:
        yield running


@pytest.fixture
def browser(chromium):
    """A window of its own, closed after the test: an open page keeps drawing, which takes a whole core."""
    from operations_site import SIZE

    with chromium.new_context(viewport=SIZE) as window:
        yield window


@pytest.fixture
def without_server():
    """Prefect without a server, whatever the session has started; with one, the block saved there counts."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


@pytest.fixture
def local_store(tmp_path):
    """A results block in the temporary folder of the test."""
    from tasks.storage.store import ResultsStore

    return ResultsStore(root=str(tmp_path / "results"))


@pytest.fixture
def finished_run(tmp_path, make_row, tiny_encoder):
    """Folder as a run leaves it, without test rows: configuration, taxonomy, training and validation rows."""
    import json

    from tasks.storage.store import ResultsStore
    from tasks.taxonomy import load_taxonomy

    taxonomy = load_taxonomy("polarity3")
    words = {"positive": "lovely", "neutral": "dull", "negative": "awful"}
    rows = [
        make_row(
            f"the {noun} was {words[name]} {end}",
            id=f"{noun}-{name}-{end}",
            labels=[name],
            targets=taxonomy.targets_of([name]),
            level=taxonomy.level_of([name]),
            split="validation" if end == "again" else "train",
        )
        for noun in ("soup", "phone", "hotel", "garden", "lesson", "story")
        for end in ("today", "early", "late", "again")
        for name in words
    ]
    folder = tmp_path / "run"
    store = ResultsStore(root=str(tmp_path / "store"))
    (folder / "dataset").mkdir(parents=True)
    for part in ("train", "validation"):
        ref = store.put_rows([row for row in rows if row["split"] == part])
        (folder / "dataset" / f"{part}.parquet").write_bytes(store.read_path(ref.uri))
    training = {
        "base": str(tiny_encoder), "epochs": 20, "early_stopping_patience": 20, "batch_size": 8,
        "precision": "no",
        "learning_rate": 0.02, "head_learning_rate": 0.02, "max_length": 32,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps({"taxonomy": "polarity3", "training": training}))
    (folder / "scores.json").write_text(json.dumps({"taxonomy": taxonomy.model_dump(mode="json")}))
    return folder


@pytest.fixture
def model(tmp_path):
    """Folder in place of a model: two files, one in a subfolder."""
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes(range(256)))
    (folder / "sub" / "tokens.txt").write_text("a\nb\n")
    return folder
