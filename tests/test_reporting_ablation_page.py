"""The page of a proof: what it says of differences, and that no name can break it."""

import re

import pytest

from tasks.pipeline.reporting.ablation_page import arm_chart, gap_chart, label_rows, render_ablation, verdicts

HOSTILE = "</style><script>alert('x')</script>"


def found(value, low, high):
    return {"value": value, "low": low, "high": high}


def scores(value):
    names = ("f1_macro", "f1_micro", "f1_macro_common", "brier")
    return {name: found(value, value - 0.02, value + 0.03) for name in names}


@pytest.fixture
def page():
    return {
        "created": "2026-01-02T03:04:05+00:00",
        "taxonomy": HOSTILE,
        "config": {"seed": 0},
        "seeds": 2,
        "rows_per_arm": 3000,
        "rows": {"real": [3000, 3000], "synthetic": [2000, 2100]},
        "test_rows": 5318,
        "test_rows_seen_in_training": 108,
        "n_common_labels": 2,
        "labels": {"joy": 120, "grief": 6},
        "rarest_labels": ["grief"],
        "texts_labelled": {"real": 5318, "real, TF-IDF + logistic regression": 5318},
        "costs": {
            "real, TF-IDF + logistic regression": {
                "texts_per_second": 9_876.5,
                "weights_mb": None,
                "price_per_1000": None,
            }
        },
        "caution": "The generator has read the training rows.",
        "arms": {
            "real": scores(0.5) | {"f1_rarest_in_test": found(0.2, 0.1, 0.3)},
            "real, TF-IDF + logistic regression": scores(0.4),
            "synthetic": scores(0.3) | {"f1_rarest_in_test": found(0.1, 0.0, 0.2)},
            "real + synthetic": scores(0.55) | {"f1_rarest_in_test": found(0.3, 0.2, 0.4)},
            "synthetic, labels shuffled": scores(0.05),
        },
        "differences": {
            "real + synthetic - real": {
                "f1_macro": found(0.05, -0.01, 0.11),
                "f1_micro": found(-0.02, -0.03, -0.01),
                "f1_rarest_in_test": found(0.1, 0.02, 0.18),
            },
            "real - real, TF-IDF + logistic regression": {"f1_macro": found(0.1, 0.06, 0.14)},
            "synthetic - real": {"f1_macro": found(-0.2, -0.3, -0.1)},
        },
        "each_seed": {"real": [scores_only(0.48), scores_only(0.52)]},
        "per_label": {"real": {"joy": 0.8, "grief": 0.2}, "synthetic": {"joy": 0.6, "grief": 0.0}},
        "versions": {"python": "3.11"},
    }


def scores_only(value):
    return {"f1_macro": value, "f1_micro": value}


def test_every_difference_is_put_in_words_what_the_first_costs_and_gives_after_it(page):
    assert verdicts(page) == [
        "Real + synthetic, beside real: macro-F1 +0.050 (-0.010 to +0.110), not told apart.",
        "Real + synthetic, beside real: micro-F1 -0.020 (-0.030 to -0.010), worse beyond chance.",
        "Real + synthetic, beside real: mean F1 of grief in the test +0.100 (+0.020 to +0.180), "
        "better beyond chance.",
        "Real, beside real, TF-IDF + logistic regression: macro-F1 +0.100 (+0.060 to +0.140), "
        "better beyond chance.",
        "Synthetic, beside real: macro-F1 -0.200 (-0.300 to -0.100), worse beyond chance.",
    ]


def test_a_scale_is_spoken_of_in_kappa(page):
    page["arms"]["real"]["kappa"] = found(0.7, 0.6, 0.8)
    page["differences"]["synthetic - real"]["kappa"] = found(-0.1, -0.2, 0.1)

    assert verdicts(page) == [
        "Synthetic, beside real: quadratic kappa -0.100 (-0.200 to +0.100), not told apart."
    ]


def test_on_a_scale_kappa_is_drawn_first(page):
    among_labels = re.findall(r"<h3>(.*?)</h3>", render_ablation(page))
    page["arms"]["real"]["kappa"] = found(0.7, 0.6, 0.8)
    on_a_scale = re.findall(r"<h3>(.*?)</h3>", render_ablation(page))

    assert among_labels[:2] == ["Macro-F1", "F1 of the rarest, in the test"]
    assert on_a_scale[:2] == ["Quadratic kappa", "Macro-F1"]


def test_an_arm_is_drawn_with_its_interval_and_its_seeds(page):
    chart = arm_chart(page, "f1_macro", "Macro-F1")
    real = chart.whiskers[0]

    assert chart.end == 0.6
    assert (real.low, real.value, real.high) == (800, 833, 883)
    assert real.seeds == (800, 867)
    assert [w.kind for w in chart.whiskers] == ["own", "bag", "own", "own", "base"]


def test_a_difference_is_coloured_by_what_its_interval_holds(page):
    chart = gap_chart(page, "f1_macro", "Macro-F1")

    assert (chart.zero, chart.end) == (500, 0.3)
    assert [(w.kind, w.text) for w in chart.whiskers] == [
        ("base", "+0.050"),
        ("own", "+0.100"),
        ("miss", "-0.200"),
    ]


def test_labels_stand_with_their_test_rows_and_every_arm(page):
    assert label_rows(page) == [("joy", 120, [(0.8, 8), (0.6, 6)]), ("grief", 6, [(0.2, 2), (0.0, 0)])]


def test_the_page_is_whole_and_no_name_breaks_it(page):
    html = render_ablation(page)

    assert HOSTILE not in html
    assert "<script" not in html
    assert "Macro-F1 of 2 labels" in html
    assert '<p class="note">The generator has read the training rows.</p>' in html
    assert "108 test rows also occur in training text" in html
    links = set(re.findall(r'href="#(\w+)"', html))
    assert links == set(re.findall(r'<section id="(\w+)"', html))
