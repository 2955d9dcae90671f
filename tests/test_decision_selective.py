"""What is promised about texts that are not unsure, and what is counted about texts on other matters."""

import numpy as np
import pytest
from scipy.stats import binom

from tasks.pipeline.decision.selective import error_bound, least_alike, refusals
from tasks.pipeline.decision.thresholds import decide
from tasks.taxonomy import Topic, load_out_of_scope, load_taxonomy, load_topics


@pytest.mark.parametrize(
    ("n_wrong", "n_texts", "level", "bound"),
    [
        (0, 59, 0.95, 1 - 0.05 ** (1 / 59)),  # the rule of three, exactly
        (0, 10, 0.99, 1 - 0.01 ** (1 / 10)),
        (10, 10, 0.95, 1.0),
        (5, 100, 0.95, 0.102254),  # Clopper and Pearson 1934: the upper end of the two-sided 90 % interval
    ],
)
def test_the_bound_on_an_error_rate_is_exact(n_wrong, n_texts, level, bound):
    assert error_bound(n_wrong, n_texts, level) == pytest.approx(bound, abs=1e-5)


def test_at_the_bound_so_few_errors_are_as_rare_as_promised():
    found = error_bound(7, 120, 0.9)

    assert binom.cdf(7, 120, found) == pytest.approx(0.1)


def test_a_text_is_refused_where_it_gets_no_label_or_confidence_is_low():
    probabilities = np.array([[0.1, 0.2], [0.9, 0.1], [0.55, 0.1], [0.3, 0.8]])
    texts = ["none", "joy", "unsure", "sadness"]
    decided = decide(probabilities, np.array([0.5, 0.5]), none_below=1.0)
    found = refusals(texts, probabilities, decided, 0.7, ["joy", "sadness"], ["paper"])

    # Confidence: 2 * 0.9 / (1 + 1.0) = 0.9, 2 * 0.55 / (1 + 0.65) = 0.667, 2 * 0.8 / (1 + 1.1) = 0.762.
    assert (found.n_texts, found.no_label, found.unsure) == (4, 1, 1)
    assert found.labels == {"joy": 1, "sadness": 1}
    assert found.examples == ("joy", "sadness")
    assert found.refused == 0.5
    nearest = decide(probabilities, np.array([0.5, 0.5]))
    always = refusals(texts, probabilities, nearest, 0.0, ["joy", "sadness"], ["paper"])
    assert (always.no_label, always.unsure, always.labels) == (0, 0, {"joy": 2, "sadness": 2})


def test_the_topics_least_like_the_plan_are_taken_in_their_order():
    plan = [Topic(name="prime numbers"), Topic(name="bus timetables")]
    offered = [Topic(name="a bus timetable"), Topic(name="types of clouds"), Topic(name="prime numbers")]

    assert [topic.name for topic in least_alike(offered, plan, load_taxonomy("polarity3"), 1)] == [
        "types of clouds"
    ]


def test_enough_topics_ship_and_none_is_a_topic_of_the_plan():
    offered = load_out_of_scope()

    assert len(offered.topics) == 20  # ten are measured on, the others are for training
    assert all(topic.scenarios for topic in offered.topics)
    assert not set(offered.names) & set(load_topics().names)
