"""What a run will cost, before anything is loaded."""

import pytest

from tasks.cli.main import dispatch
from tasks.config import RunConfig
from tasks.models.bundled import EMBEDDED
from tasks.orchestration import server
from tasks.orchestration.preflight import check
from tasks.pipeline.planning.cost import Figure, count_weights, estimate

SMALL = {
    "taxonomy": "polarity3",
    "plan": {"texts_per_label": 8, "multi_label_fraction": 0, "topics": ["films", "phones"]},
}
ENDPOINT = {"profile": "server", "training": {"base": "all-MiniLM-L6-v2"}}


def _estimate(**changes):
    return estimate(*check(RunConfig.model_validate(SMALL | changes)))


def test_cells_texts_and_tokens_are_those_of_the_first_round():
    found = _estimate()

    assert (found.n_cells, found.n_texts) == (6, 30)
    assert found.n_new_tokens == Figure(about=30 * 19, at_most=30 * 56)
    assert 6 * 20 < found.n_prompt_tokens < 12 * 60
    assert found.cost is None


def test_time_grows_with_the_tokens_of_prompts_and_texts():
    found = _estimate()

    assert found.seconds.about > 0
    expected = (found.n_prompt_tokens + 30 * 56) / (found.n_prompt_tokens + 30 * 19)
    assert found.seconds.at_most / found.seconds.about == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "mean", "length"),
    [
        ({}, 19, "19 a text, as measured"),
        ({"generator": {"max_new_tokens": 12}}, 12, "12 a text, the limit"),
        (ENDPOINT, 40, "40 a text, assumed"),
        (ENDPOINT | {"generator": {"max_new_tokens": 200}}, 40, "40 a text, assumed"),
    ],
)
def test_the_mean_length_of_a_text_is_measured_assumed_or_the_limit(changes, mean, length):
    found = _estimate(**changes)

    assert (found.n_new_tokens.about, found.length) == (30 * mean, length)


def test_an_endpoint_costs_money_and_no_time_here():
    prices = {"per_million_prompt_tokens": 1_000_000.0, "per_million_text_tokens": 2_000_000.0}
    found = _estimate(**ENDPOINT, prices=prices)

    assert found.seconds is None
    assert found.cost == Figure(found.n_prompt_tokens + 2 * 30 * 40, found.n_prompt_tokens + 2 * 30 * 56)
    assert found.lines()[2:] == [
        f"tokens   about {found.n_prompt_tokens:,} of prompts and 1,200 of texts (40 a text, assumed); "
        "at most 1,680 of texts",
        f"cost     about {found.cost.about:,.2f} at the given prices; at most {found.cost.at_most:,.2f}",
        "time     not known: no weights on this machine",
    ]


def test_no_price_is_no_cost():
    assert _estimate(**ENDPOINT).cost is None


def test_weights_are_counted_in_the_headers(tmp_path):
    assert 4_000_000 < count_weights(EMBEDDED) < 6_000_000  # the adapter
    assert count_weights(tmp_path) == 0


def test_the_flow_is_not_started_for_an_estimate(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(server, "run_flow", lambda flow, config: pytest.fail(f"{flow} was started"))

    dispatch(["estimate", "--taxonomy", "polarity3"])

    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("cells    ")
    assert second == "texts    660 in the first round; later rounds refill what the filters drop"
    assert not (tmp_path / "results").exists()
