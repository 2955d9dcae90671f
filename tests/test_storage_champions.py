"""The champion: one goes, the one before comes back, nothing is lost."""

import re
from pathlib import Path

import pytest

from tasks.cli.main import dispatch
from tasks.storage.champions import read_champions, roll_back, set_champion


@pytest.fixture
def entries(local_store, tmp_path):
    """Three models in the results block, as a run would crown them."""
    made = []
    for name in ("first", "second", "third"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.safetensors").write_text(name)
        made.append({"run": name, "model": local_store.put_folder(folder).model_dump(), "f1_macro": 0.5})
    return made


def runs(store):
    entry = read_champions(store)["joys"]
    return entry["run"], [e["run"] for e in entry["history"]], [e["run"] for e in entry["withdrawn"]]


def test_a_store_without_runs_has_no_champion(local_store):
    assert read_champions(local_store) == {}


def test_the_champion_before_moves_into_the_history(local_store, entries):
    for entry in entries:
        set_champion(local_store, "joys", entry)
    set_champion(local_store, "other", entries[0])

    assert runs(local_store) == ("third", ["second", "first"], [])
    assert read_champions(local_store)["joys"]["model"] == entries[2]["model"]
    assert list(read_champions(local_store)) == ["joys", "other"]


def test_rolling_back_makes_the_one_before_champion_and_keeps_the_other_on_record(local_store, entries):
    for entry in entries:
        set_champion(local_store, "joys", entry)
    found = roll_back(local_store, "joys")

    assert found["run"] == "second"
    assert found["model"] == entries[1]["model"]
    assert runs(local_store) == ("second", ["first"], ["third"])
    roll_back(local_store, "joys")
    assert runs(local_store) == ("first", [], ["second", "third"])
    set_champion(local_store, "joys", entries[2])
    assert runs(local_store) == ("third", ["first"], ["second", "third"])


def test_an_entry_of_an_older_version_has_no_history_yet(local_store, entries):
    local_store.write_path("champion.json", b'{"joys": {"run": "old", "model": {"uri": "m", "sha256": "s"}}}')
    set_champion(local_store, "joys", entries[0])

    assert runs(local_store) == ("first", ["old"], [])


def test_there_is_nothing_before_the_first(local_store, entries):
    set_champion(local_store, "joys", entries[0])
    message = "champion first of joys is the first; expected one before it. There is nothing to roll back to."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        roll_back(local_store, "joys")


def test_an_unknown_taxonomy_is_named(local_store, entries):
    set_champion(local_store, "joys", entries[0])
    message = "taxonomy 'joy' has no champion; expected one of joys. Check its spelling."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        roll_back(local_store, "joy")


def test_a_damaged_model_does_not_come_back(local_store, entries):
    for entry in entries[:2]:
        set_champion(local_store, "joys", entry)
    uri = entries[0]["model"]["uri"]
    Path(local_store.root, uri, "model.safetensors").write_text("damaged")
    with pytest.raises(ValueError, match=f"^model {uri} of first is missing or damaged; expected it whole"):
        roll_back(local_store, "joys")
    assert runs(local_store) == ("second", ["first"], [])


def test_one_command_rolls_back(local_store, entries, monkeypatch, capsys, without_server):
    monkeypatch.setenv("SENTIMILL_RESULTS", local_store.root)
    dispatch(["rollback"])
    assert capsys.readouterr().out == f"There is no champion in {local_store.root} yet.\n"
    for entry in entries[:2]:
        set_champion(local_store, "joys", entry)

    dispatch(["rollback"])
    assert capsys.readouterr().out == "joys: second (before: first)\n"
    dispatch(["rollback", "joys"])
    assert capsys.readouterr().out == "joys: first\n"
    with pytest.raises(SystemExit) as caught:
        dispatch(["rollback", "joys"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("sentimill: champion first of joys is the first;")
