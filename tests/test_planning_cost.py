"""What a run will cost, before anything is loaded."""

import pytest

from tasks.cli import commands
from tasks.cli.main import dispatch
from tasks.config import RunConfig
from tasks.models.bundled import EMBEDDED
from tasks.orchestration.preflight import check
from tasks.pipeline.planning.cost import count_weights, estimate

SMALL = {
    "taxonomy": "polarity3",
    "plan": {"texts_per_label": 8, "multi_label_fraction": 0, "topics": ["films", "phones"]},
}
ENDPOINT = {"profile": "server", "training": {"base": "all-MiniLM-L6-v2"}}


def _estimate(**changes):
    return estimate(*check(RunConfig.model_validate(SMALL | changes)))


def test_cells_texts_and_tokens_are_those_of_the_first_round():
    found = _estimate()

    assert (found.n_cells, found.n_texts, found.n_new_tokens) == (6, 30, 30 * 56)
    assert 6 * 20 < found.n_prompt_tokens < 12 * 60
    assert found.seconds > 0
    assert found.cost is None


def test_an_endpoint_costs_money_and_no_time_here():
    prices = {"per_million_prompt_tokens": 1_000_000.0, "per_million_text_tokens": 2_000_000.0}
    found = _estimate(**ENDPOINT, prices=prices)

    assert found.seconds is None
    assert found.cost == pytest.approx(found.n_prompt_tokens + 2 * 30 * 56, abs=1)
    assert "cost" in found.lines()[3]


def test_no_price_is_no_cost():
    assert _estimate(**ENDPOINT).cost is None


def test_weights_are_counted_in_the_headers(tmp_path):
    assert 4_000_000 < count_weights(EMBEDDED) < 6_000_000  # the adapter
    assert count_weights(tmp_path) == 0


def test_the_flow_is_not_started_for_an_estimate(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(commands, "resolve_name", lambda name: pytest.fail(f"{name} was started"))

    dispatch(["estimate", "--taxonomy", "polarity3"])

    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("cells    ")
    assert second == "texts    660 in the first round; later rounds refill what the filters drop"
    assert not (tmp_path / "results").exists()
