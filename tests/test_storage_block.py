"""The results block: what is read is what was written, and nothing is ever half there."""

import hashlib
import io
import math
import os
import subprocess
import tempfile
import threading
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.data.records import reject
from tasks.data.references import DatasetRef, ModelRef
from tasks.storage.connection import block_name, open_store, require_writable_root
from tasks.storage.hashing import folder_sha256
from tasks.storage.parquet import FEATURES, parquet_bytes, rows_of_parquet
from tasks.storage.store import ResultsStore, write_json


@pytest.fixture
def memory_store(tmp_path, monkeypatch):
    """A results block on another file system, as a bucket would be."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield ResultsStore(root="memory://bucket/prefix")
    bucket = fsspec.filesystem("memory")
    if bucket.exists("/bucket"):
        bucket.rm("/bucket", recursive=True)


@pytest.fixture(params=["local", "memory"])
def store(request):
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture
def rows(make_row):
    return [
        make_row("Plain.", id="1"),
        make_row(
            'Zeile\r\nzwei — "日本" 🙂',
            labels=("joy", "fear"),
            targets=(1.0, 0.25, -1.0),
            id="2",
            level=7,
            seed=2**31 - 1,
            votes={"fold": 0.5, "cut": 1.0},
            scrubbed={"PERSON": 2},
        ),
        make_row("", labels=(), targets=(), id="3"),
    ]


def files(store):
    return sorted(p.relative_to(store.root).as_posix() for p in Path(store.root).rglob("*") if p.is_file())


def test_rows_come_back_as_they_went(store, rows):
    ref = store.put_rows(rows)

    assert store.get_rows(ref) == rows
    assert ref.n_rows == 3
    assert store.intact(ref)


def test_no_rows_come_back_as_no_rows(store):
    ref = store.put_rows([])

    assert store.get_rows(ref) == []
    assert ref.n_rows == 0


def test_a_row_does_not_gain_the_votes_of_the_rows_beside_it(make_row):
    rows = [make_row(votes={"fold": 0.1}), make_row(votes={}), make_row(votes={"cut": 1.0})]

    assert [row["votes"] for row in rows_of_parquet(parquet_bytes(rows))] == [{"fold": 0.1}, {}, {"cut": 1.0}]


def test_rows_are_written_as_datasets_writes_them(rows):
    columns = {name: [row[name] for row in rows] for name in FEATURES}
    table = Dataset.from_dict(columns, features=FEATURES).data.table
    expected = io.BytesIO()
    pq.write_table(table, expected)

    assert parquet_bytes(rows) == expected.getvalue()


def test_rejects_come_back_with_stage_and_reason(store, rows):
    rejects = [*reject(rows[:1], "cleaning", "too short"), *reject(rows[1:], "verifying", "label disputed")]

    assert store.get_rejects(store.put_rejects(rejects)) == rejects
    assert store.get_rejects(store.put_rejects([])) == []


def test_equal_rows_have_one_name_and_other_rows_another(store, rows):
    first, again, other = store.put_rows(rows), store.put_rows(list(rows)), store.put_rows(rows[:2])

    assert first == again
    assert other.uri != first.uri
    assert first.uri == f"data/{first.sha256[:20]}.parquet"


def test_a_name_is_the_hash_of_the_content(local_store, rows):
    ref = local_store.put_rows(rows)
    content = (Path(local_store.root) / ref.uri).read_bytes()

    assert hashlib.sha256(content).hexdigest() == ref.sha256


def test_changed_rows_are_refused(local_store, rows):
    ref = local_store.put_rows(rows)
    path = Path(local_store.root) / ref.uri
    path.write_bytes(parquet_bytes(rows[:1]))
    found = hashlib.sha256(path.read_bytes()).hexdigest()

    assert not local_store.intact(ref)
    with pytest.raises(ValueError, match="sha256") as caught:
        local_store.get_rows(ref)
    assert str(caught.value) == (
        f"{ref.uri} has sha256 {found[:12]}; expected {ref.sha256[:12]}. It was changed after it was "
        "written: delete it and run again."
    )


def test_missing_rows_are_not_intact(store):
    assert not store.intact(DatasetRef(uri="data/none.parquet", sha256="0" * 64, n_rows=1))
    assert not store.intact(ModelRef(uri="models/none", sha256="0" * 64))


def test_writing_rows_again_mends_a_damaged_file(local_store, rows):
    ref = local_store.put_rows(rows)
    (Path(local_store.root) / ref.uri).write_bytes(b"damaged")
    local_store.put_rows(rows)

    assert local_store.get_rows(ref) == rows


def test_what_was_damaged_and_kept_its_size_is_found_on_reading_and_written_again_once_removed(store, rows):
    ref = store.put_rows(rows)
    store.write_path(ref.uri, store.read_path(ref.uri)[::-1])

    assert store.put_rows(rows) == ref
    assert not store.intact(ref)
    store.remove_damaged(ref)
    assert not store.exists(ref.uri)
    assert store.put_rows(rows) == ref
    assert store.get_rows(ref) == rows


def test_a_model_whose_weights_were_damaged_and_kept_their_size_is_written_again_once_removed(store, model):
    ref = store.put_folder(model)
    store.write_path(f"{ref.uri}/weights.bin", bytes(256))

    assert not store.intact(ref)
    store.remove_damaged(ref)
    assert store.written(ref.uri) == {}
    assert store.put_folder(model) == ref
    assert store.intact(ref)


def test_a_model_folder_comes_back_whole(store, model):
    ref = store.put_folder(model)
    back = store.get_folder(ref)

    assert (back / "weights.bin").read_bytes() == bytes(range(256))
    assert (back / "sub" / "tokens.txt").read_text() == "a\nb\n"
    assert folder_sha256(back) == ref.sha256 == folder_sha256(model)
    assert store.intact(ref)


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename"])
def test_a_changed_model_folder_is_refused_and_can_be_written_again(local_store, model, change):
    ref = local_store.put_folder(model)
    kept = Path(local_store.root) / ref.uri
    if change == "edit":
        (kept / "weights.bin").write_bytes(b"other")
    elif change == "add":
        (kept / "extra.txt").write_text("")
    elif change == "remove":
        (kept / "sub" / "tokens.txt").unlink()
    else:
        (kept / "weights.bin").rename(kept / "wights.bin")

    assert not local_store.intact(ref)
    with pytest.raises(
        ValueError, match=rf"^{ref.uri} has sha256 \w{{12}}; expected {ref.sha256[:12]}\. It was"
    ):
        local_store.get_folder(ref)
    assert local_store.put_folder(model) == ref
    assert local_store.intact(ref)


def test_a_model_folder_that_was_half_written_is_written_again(local_store, model):
    ref = local_store.put_folder(model)
    kept = Path(local_store.root) / ref.uri
    (kept / "SHA256").unlink()  # written last, so a killed copy lacks it
    (kept / "weights.bin").write_bytes(b"half")
    local_store.put_folder(model)

    assert local_store.intact(ref)


def test_a_failed_write_leaves_nothing_behind(local_store, monkeypatch):
    local_store.write_path("a/b.txt", b"old")

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        local_store.write_path("a/b.txt", b"new")

    assert files(local_store) == ["a/b.txt"]
    assert local_store.read_path("a/b.txt") == b"old"


def test_a_write_that_breaks_off_leaves_nothing_behind(local_store, monkeypatch):
    real = Path.write_bytes

    def half(self, content):
        real(self, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space left"):
        local_store.write_path("a.txt", b"content")

    assert files(local_store) == []


def test_writing_leaves_only_what_was_written(store, rows):
    store.write_path("a/b/c.txt", b"1")
    store.write_path("a/b/c.txt", b"2")

    assert store.read_path("a/b/c.txt") == b"2"
    assert store.exists("a/b/c.txt")
    assert not store.exists("a/b/d.txt")


@pytest.mark.parametrize("path", ["../outside", "data/../../outside", ".."])
def test_a_path_that_leaves_the_block_is_refused(store, path):
    for use in (store.read_path, store.exists, lambda p: store.write_path(p, b"")):
        with pytest.raises(ValueError, match="leaves") as caught:
            use(path)
        assert str(caught.value) == (
            f"path {path!r} leaves the results block; expected a path below its root."
        )


def test_a_root_that_cannot_be_written_is_refused_with_the_reason(tmp_path):
    (tmp_path / "file").write_text("")
    store = ResultsStore(root=str(tmp_path / "file"))
    with pytest.raises(PermissionError) as caught:
        store.require_writable()
    assert str(caught.value) == (
        f"results block at {tmp_path}/file cannot be used (File exists); expected a place with read and "
        "write access. Fix the permissions or credentials, free some space, or set SENTIMILL_RESULTS."
    )


def test_probing_a_root_leaves_nothing_there(local_store):
    local_store.require_writable()

    assert files(local_store) == []


def test_an_empty_root_is_refused():
    with pytest.raises(ValueError, match="root is empty; expected a folder or an address"):
        ResultsStore(root=" ")


def test_a_relative_root_does_not_move_with_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = ResultsStore(root="here")
    store.write_path("a.txt", b"1")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert store.read_path("a.txt") == b"1"


def test_two_roots_have_two_blocks_and_one_root_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        first, second = block_name("one"), block_name("two")

        assert first != second
        assert first == block_name(str(tmp_path / "one"))
        assert first.startswith("results-")


def test_on_a_server_there_is_one_block():
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        assert block_name("one") == block_name("two") == "results"


def test_without_a_server_an_unwritable_root_is_refused_before_one_is_started(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path / "file" / "results"))
    with (
        temporary_settings(restore_defaults={PREFECT_API_URL}),
        pytest.raises(PermissionError, match=r"cannot be used \(Not a directory\)"),
    ):
        require_writable_root()


def test_a_block_saved_on_the_server_is_found_again(prefect_api, tmp_path):
    ResultsStore(root=str(tmp_path / "chosen")).save("results", overwrite=True)

    assert open_store().root == str(tmp_path / "chosen")


def test_scratch_is_the_same_for_the_same_name(store):
    store.scratch("train-1").joinpath("current").write_text("7")

    assert store.scratch("train-1").joinpath("current").read_text() == "7"
    assert not store.scratch("train-2").joinpath("current").exists()


def test_json_is_written_for_people(local_store):
    write_json(local_store, "a.json", {"name": "Zoë", "share": 0.5, "none": None})

    assert local_store.read_path("a.json").decode() == (
        '{\n  "name": "Zoë",\n  "share": 0.5,\n  "none": null\n}\n'
    )


def test_targets_keep_their_marks_of_the_unknown(make_row):
    (row,) = rows_of_parquet(parquet_bytes([make_row(targets=(-1.0, 0.5, 1.0))]))

    assert row["targets"] == [-1.0, 0.5, 1.0]
    assert not any(math.isnan(value) for value in row["targets"])


@pytest.fixture
def small_disk(tmp_path):
    """A results block on a disk of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a disk needs rights that this user lacks")
    yield ResultsStore(root=str(disk / "results"))
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_loses_nothing_and_leaves_nothing_half(small_disk):
    def fill():
        for i in range(10):
            refs.append(small_disk.put_blob(bytes([i]) * 50_000, ".bin"))

    refs = []
    with pytest.raises(OSError, match="No space left on device"):
        fill()

    assert len(refs) >= 3
    assert all(small_disk.intact(ref) for ref in refs)
    assert files(small_disk) == sorted(ref.uri for ref in refs)
    small_disk.remove(refs[0].uri)
    assert small_disk.intact(small_disk.put_blob(b"x" * 50_000, ".bin"))


@pytest.mark.parametrize(
    ("root", "reason"), [("nosuch://bucket", "Protocol not known: nosuch"), ("gs://bucket", "gcsfs")]
)
def test_a_place_whose_file_system_is_not_installed_is_refused_when_the_block_is_made(root, reason):
    with pytest.raises(ValueError, match="which cannot be reached") as caught:
        ResultsStore(root=root)
    assert reason in str(caught.value)
    assert "expected a folder or an address whose file system is installed." in str(caught.value)


def test_the_form_of_the_block_says_what_is_wanted_and_refuses_nothing():
    schema = ResultsStore.model_json_schema()

    assert schema["properties"]["root"]["pattern"] == r"\S"
    assert all(
        {"title", "description"} <= set(schema["properties"][name]) for name in ("root", "storage_options")
    )
    assert "ResultsStore(root=" in ResultsStore.get_code_example()


def test_a_model_that_another_run_is_reading_is_never_gone_for_a_moment(local_store, model):
    ref = local_store.put_folder(model)
    seen, done = [], threading.Event()

    def look():
        while not done.is_set():
            seen.append(local_store.intact(ref))

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(20):
        local_store.put_folder(model)
    done.set()
    reader.join()

    assert set(seen) == {True}
