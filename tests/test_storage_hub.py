"""A champion leaves for the hub, or for a folder; a candidate does not."""

import pytest
from huggingface_hub import DatasetCard, ModelCard

from tasks.storage.hub import push_run, require_target


@pytest.fixture
def store(local_store):
    files = {
        "model/README.md": b"---\nlicense: apache-2.0\n---\n# A model\n",
        "model/model.safetensors": bytes(range(256)),
        "dataset/README.md": b"---\nlicense: apache-2.0\n---\n# Rows\n",
        "dataset/train.parquet": b"rows",
        "scores.json": b"{}",
    }
    for name, content in files.items():
        local_store.write_path(f"runs/quiet-otter/{name}", content)
    return local_store


def test_model_and_data_set_go_into_a_folder_with_cards_that_the_hub_reads(store, tmp_path):
    places = push_run(store, "quiet-otter", str(tmp_path / "out"))
    model, rows = tmp_path / "out/quiet-otter/model", tmp_path / "out/quiet-otter/dataset"

    assert places == [str(model), str(rows)]
    assert (model / "model.safetensors").read_bytes() == bytes(range(256))
    assert (rows / "train.parquet").read_bytes() == b"rows"
    assert ModelCard.load(model / "README.md").data.license == "apache-2.0"
    assert DatasetCard.load(rows / "README.md").data.license == "apache-2.0"
    assert {file.name for file in (tmp_path / "out/quiet-otter").iterdir()} == {"model", "dataset"}


def test_what_was_pushed_is_never_overwritten(store, tmp_path):
    push_run(store, "quiet-otter", str(tmp_path))
    with pytest.raises(FileExistsError) as caught:
        push_run(store, "quiet-otter", str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}/quiet-otter/model is there already; expected a new folder. Name another target."
    )


def test_a_target_that_is_none_is_refused_before_anything_starts(monkeypatch):
    monkeypatch.setattr("tasks.storage.hub.get_token", lambda: None)
    with pytest.raises(ValueError, match="push_to_hub") as caught:
        require_target("not a name/at/all")
    assert str(caught.value) == (
        "push_to_hub is 'not a name/at/all'; expected a name on the hub such as me/sentiment, or a folder "
        "that begins with . or /. Fix it."
    )
    with pytest.raises(ValueError, match="no token") as caught:
        require_target("me/sentiment")
    assert str(caught.value) == (
        "push_to_hub is 'me/sentiment', but there is no token; expected one that may write. Run `hf auth "
        "login`, or set HF_TOKEN."
    )
    require_target("./out")
