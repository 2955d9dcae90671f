"""The results block in a bucket: a real S3 interface on loopback that can be told to fail."""

import threading
from pathlib import Path

import pytest

pytest.importorskip("s3fs")
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tasks.data.references import DatasetRef, ModelRef
from tasks.storage.hashing import folder_sha256
from tasks.storage.retention import prune
from tasks.storage.store import ResultsStore

ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"


class Endpoint:
    """Moto behind a door that first gives the answers it is told to give."""

    def __init__(self):
        self.app = DomainDispatcherApplication(create_backend_app)
        self.answers = []
        self.always = None
        self.requests = []
        self.server = make_server("127.0.0.1", 0, self, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __call__(self, environ, respond):
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        status = self.answers.pop(0) if self.answers else self.always
        if status is None:
            return self.app(environ, respond)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        respond(status, [("Content-Type", "application/xml")])
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return [ERROR.format(code=status[4:].replace(" ", "")).encode()]


@pytest.fixture(scope="module")
def endpoint():
    door = Endpoint()
    yield door
    door.server.shutdown()


@pytest.fixture
def store(endpoint, monkeypatch, tmp_path):
    """A results block in a new bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "local"))
    (tmp_path / "local").mkdir()
    block = block_in(endpoint, f"bucket-{tmp_path.name.replace('_', '-')}")
    block._fs.mkdir(block.root)
    yield block
    endpoint.answers, endpoint.always = [], None


def block_in(endpoint, bucket):
    # One try instead of five each: what is tried again is s3fs's business, and slow.
    options = {"endpoint_url": endpoint.url, "config_kwargs": {"retries": {"total_max_attempts": 2}}}
    return ResultsStore(root=f"s3://{bucket}", storage_options=options)


def test_rows_and_models_come_back_as_they_went(store, make_row, model):
    rows, folder = store.put_rows([make_row()]), store.put_folder(model)

    assert store.get_rows(rows) == [make_row()]
    assert folder_sha256(store.get_folder(folder)) == folder.sha256
    assert store.intact(rows)
    assert store.intact(folder)
    assert sorted(store.written("models")) == [
        f"{folder.uri}/SHA256",
        f"{folder.uri}/sub/tokens.txt",
        f"{folder.uri}/weights.bin",
    ]


def test_what_is_in_the_bucket_is_neither_downloaded_nor_sent_when_it_is_put_again(
    store, endpoint, make_row, model
):
    rows, folder = store.put_rows([make_row()]), store.put_folder(model)
    endpoint.requests.clear()

    assert store.put_rows([make_row()]) == rows
    assert store.put_folder(model) == folder
    asked = [(method, path) for method, path in endpoint.requests if "/data/" in path or "/models/" in path]
    assert {method for method, _ in asked} == {"HEAD"}
    assert len(asked) == 4  # the rows, two files of the model, and its mark


def test_what_is_not_there_or_was_changed_is_not_intact(store, make_row, model):
    rows, folder = store.put_rows([make_row()]), store.put_folder(model)
    store.write_path(rows.uri, b"changed")
    store.write_path(f"{folder.uri}/weights.bin", b"changed")

    assert not store.intact(rows)
    assert not store.intact(folder)
    assert not store.intact(DatasetRef(uri="data/none.parquet", sha256="0" * 64, n_rows=1))
    assert not store.intact(ModelRef(uri="models/none", sha256="0" * 64))
    assert store.put_folder(model) == folder
    assert store.intact(folder)


def test_a_local_copy_that_is_damaged_or_half_there_is_fetched_again(store, model):
    ref = store.put_folder(model)
    copy = store.get_folder(ref)
    (copy / "weights.bin").write_bytes(b"half")
    (copy / "sub" / "tokens.txt").unlink()

    assert store.get_folder(ref) == copy
    assert folder_sha256(copy) == ref.sha256
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_what_another_run_wrote_is_seen_at_once(store, endpoint):
    other = ResultsStore(root=store.root, storage_options={**store.storage_options, "use_ssl": False})

    assert not store.exists("cache/a")
    assert store.written("cache") == {}
    other.write_path("cache/a", b"1")
    assert store.exists("cache/a")
    assert list(store.written("cache")) == ["cache/a"]


def test_an_endpoint_that_is_busy_for_a_moment_is_asked_again(store, endpoint, make_row):
    endpoint.answers = ["503 Slow Down"]
    ref = store.put_rows([make_row()])
    endpoint.answers = ["503 Slow Down"]

    assert store.get_rows(ref) == [make_row()]


def test_an_endpoint_that_stays_busy_is_an_error_and_no_answer(store, endpoint, make_row):
    ref = store.put_rows([make_row()])
    store.write_path("champion.json", b"{}")
    endpoint.always = "503 Slow Down"

    for ask in (
        lambda: store.intact(ref),
        lambda: store.exists("champion.json"),
        lambda: store.get_rows(ref),
    ):
        with pytest.raises(OSError, match=r"SlowDown|Slow Down|503|Unavailable"):
            ask()
    with pytest.raises(PermissionError) as caught:
        store.require_writable()
    assert str(caught.value).startswith(f"results block at {store.root} cannot be used (")
    endpoint.always = None
    assert store.get_rows(ref) == [make_row()]


@pytest.mark.parametrize(("answer", "reason"), [("403 Access Denied", "AccessDenied"), (None, "bucket")])
def test_a_bucket_without_rights_or_without_being_is_refused(store, endpoint, answer, reason):
    block = store if answer else block_in(endpoint, "none-such")
    endpoint.always = answer
    with pytest.raises(PermissionError) as caught:
        block.require_writable()

    assert str(caught.value).startswith(f"results block at {block.root} cannot be used (")
    assert reason in str(caught.value)
    assert str(caught.value).endswith(
        "); expected a place with read and write access. Fix the permissions or credentials, free some "
        "space, or set SENTIMILL_RESULTS."
    )


def test_a_bucket_is_pruned_like_a_folder(store, make_row):
    kept, gone = store.put_rows([make_row(id="1")]), store.put_rows([make_row(id="2")])
    for run, ref in (("run-20260102-000000-a", kept), ("run-20260101-000000-b", gone)):
        store.write_path(f"cache/scrub-{run}", ref.model_dump_json().encode())
        store.write_path(f"runs/{run}/results.json", f'["cache/scrub-{run}"]'.encode())
        store.write_path(f"runs/{run}/scores.json", b"{}")
    removed = prune(store, 1, 0.0, now=4e9).removed

    assert sorted(removed) == [
        "cache/scrub-run-20260101-000000-b",
        gone.uri,
        "runs/run-20260101-000000-b/results.json",
        "runs/run-20260101-000000-b/scores.json",
    ]
    assert store.get_rows(kept) == [make_row(id="1")]
    assert not Path(store.root).exists()
