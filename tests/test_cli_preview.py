"""`sentimill run --preview` shows a few texts per label and writes nothing."""

import pytest
from factories import generator_settings

from tasks.cli.arguments import flag_of
from tasks.cli.main import dispatch
from tasks.cli.preview import first_cells, shown
from tasks.config import RunConfig
from tasks.data.records import FilterResult, Reject
from tasks.taxonomy import load_taxonomy, load_topics

POLARITY = load_taxonomy("polarity3")


def test_each_label_is_shown_with_its_texts_and_no_results_are_made(
    tiny_generator, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path / "results"))
    settings = generator_settings(tiny_generator)
    options = [
        word for name, value in settings.items() for word in (flag_of(["generator", name]), str(value))
    ]
    options += ["--training.base", str(tiny_generator), "--cleaning.language", "null"]
    dispatch(["run", "--preview", "--taxonomy", "polarity3", *options])

    lines = capsys.readouterr().out.splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")]
    texts = [line for line in lines if line.startswith("  [")]
    assert headings == ["positive", "neutral", "negative"]
    assert 0 < len(texts) <= 9
    assert not (tmp_path / "results").exists()


def test_a_run_without_synthetic_text_has_no_preview(tmp_path, tiny_encoder, capsys):
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text("sentence,score\nFine .,0.9\nBad .,0.1\n")
    with pytest.raises(SystemExit) as caught:
        dispatch(["run", "--preview", "--taxonomy", "polarity3", "--real", str(tmp_path),
                  "--mixing.real-fraction", "1", "--training.base", str(tiny_encoder)])  # fmt: skip

    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "sentimill: mixing.real_fraction is 1, so the run samples no text; expected less. Leave "
        "--preview out.\n"
    )


def test_a_preview_samples_three_topics_per_label():
    config = RunConfig(taxonomy="polarity3").resolved()
    cells = first_cells(config, POLARITY, load_topics())

    assert [cell.labels for cell in cells] == [(name,) for name in POLARITY.names for _ in range(3)]
    assert all(len({c.topic for c in cells if c.labels == (name,)}) == 3 for name in POLARITY.names)
    assert {cell.n_to_sample for cell in cells} == {2}


def test_texts_of_other_topics_come_first_and_rejects_are_counted(make_row):
    def text(words, topic, label="positive"):
        return make_row(words, labels=[label], topic=topic, style="review")

    kept = [text(f"{topic} {i}", topic) for topic in ("food", "work") for i in (1, 2)]
    rejects = [Reject(row=text("No.", "food", "neutral"), stage="cleaning", reason="too short")] * 2

    assert shown(FilterResult(kept, rejects), POLARITY) == {
        "positive": ["[food, review] food 1", "[work, review] work 1", "[food, review] food 2"],
        "neutral": ["rejected: too short 2"],
        "negative": [],
    }
