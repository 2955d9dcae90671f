"""Fairness: pairs differ in nothing but the person, figures are exact, limits speak, twins teach."""

import numpy as np
import pytest
import torch

from tasks.config import FairnessConfig
from tasks.data.records import COUNTERFACTUAL
from tasks.pipeline.fairness import (
    audit_classifier,
    counterfactual_rows,
    group_topics,
    measure_generator_bias,
    rate_gaps,
)
from tasks.pipeline.fairness.group_recall import groups_mentioned
from tasks.pipeline.fairness.measures import holm, measure_countries, measure_pairs
from tasks.pipeline.fairness.pairs import Pair, counterfactual_pairs
from tasks.pipeline.fairness.templates import fill, load_corrections, load_templates
from tasks.pipeline.fairness.violations import NAMES, violated_limits
from tasks.pipeline.training.classifier.logit_pairing import pair_indices, pairing_loss, rising

ALL = 1_000_000
COUNTRIES = measure_countries(["Peru", "Mali"], np.full((1, 2, 2), 0.5))


def pair(axis="religion", a="Sikh", b="Hindu", carrier=0):
    return Pair(axis, a, b, f"{a}.", f"{b}.", carrier)


def test_there_are_more_than_eight_thousand_pairs_and_no_two_texts_of_a_pair_are_the_same():
    pairs = counterfactual_pairs(load_templates(), ALL)

    assert len(pairs) == len(set(pairs)) == 20_952
    assert all(p.text_a != p.text_b for p in pairs)
    assert not [p for p in pairs if "{" in p.text_a + p.text_b]


def test_a_smaller_audit_takes_whole_sentences_from_all_tones():
    pairs = counterfactual_pairs(load_templates(), 8_000)
    per_sentence = {p.carrier: sum(q.carrier == p.carrier for q in pairs) for p in pairs}

    assert len(pairs) == 8_148
    assert set(per_sentence.values()) == {291}
    assert {0, 71} <= set(per_sentence)  # first and last tone


def test_the_two_texts_of_a_pair_differ_in_the_person_alone():
    pairs = counterfactual_pairs(load_templates(), ALL)
    first = {(p.axis, p.group_a, p.group_b): (p.text_a, p.text_b) for p in pairs if p.carrier == 0}

    assert first["pronoun", "she", "he"] == (
        "She took the early bus to work.",
        "He took the early bus to work.",
    )
    assert first["disability", "unmarked", "wheelchair"] == (
        "My colleague took the early bus to work.",
        "My colleague in a wheelchair took the early bus to work.",
    )
    assert first["name origin", "Arabic", "Irish"] == (
        "Mohammed took the early bus to work.",
        "Cormac took the early bus to work.",
    )


@pytest.mark.parametrize(
    ("sentence", "person", "text"),
    [
        ("{S} left.", "she/her", "She left."),
        ("I saw {O}.", "she/her", "I saw her."),
        ("I saw {O}.", "my old {noun}", "I saw my old boss."),
        ("{S} left.", "my old {noun}", "My old boss left."),
    ],
)
def test_a_person_is_put_in_its_case(sentence, person, text):
    assert fill(sentence, person, "boss") == text


def test_corrections_never_see_a_sentence_or_a_name_of_the_audit():
    audit, taught = load_templates(), load_corrections()
    sentences = {s for tone in audit.carriers.values() for s in tone} | set(audit.countries.carriers)
    names = {name for genders in audit.names.values() for group in genders.values() for name in group}
    words = {word for name in names for word in name.split()}
    learnt = {name for genders in taught.names.values() for group in genders.values() for name in group}

    assert sentences.isdisjoint({*taught.bare.persons, *taught.bare.countries})
    assert words.isdisjoint({word for name in learnt for word in name.split()})
    assert set(audit.countries.names) <= set(taught.countries)


def test_change_gap_largest_and_flips_are_what_they_say():
    pairs = [
        pair(a="Sikh", b="Hindu"),
        pair(a="Sikh", b="Jewish"),
        pair(a="Hindu", b="Jewish"),
        pair("family", "female", "male"),
    ]
    first = np.array([[0.5, 0.5], [0.6, 0.5], [0.5, 0.5], [0.9, 0.1]])
    second = np.array([[0.4, 0.5], [0.4, 0.5], [0.5, 0.5], [0.5, 0.1]])
    setting = measure_pairs(pairs, first, second, np.array([True, False, False, True]), COUNTRIES)
    religion, family = setting.axes
    sikh, hindu, _, kin = setting.groups

    assert (religion.n_pairs, family.n_pairs) == (3, 1)
    assert religion.mean == pytest.approx(0.3 / 6)
    assert religion.largest == pytest.approx(0.2)
    assert religion.flips == pytest.approx(1 / 3)
    assert family.mean == pytest.approx(0.2)
    assert sikh.gap_per_label == pytest.approx((0.15, 0.0))
    assert hindu.gap_per_label == pytest.approx((-0.05, 0.0))
    assert (sikh.worst_label, sikh.gap, religion.gap) == (0, pytest.approx(0.15), pytest.approx(0.15))
    assert (kin.group, kin.gap_per_label) == ("female / male", pytest.approx((0.4, 0.0)))
    assert setting.flips == 0.5


def test_pairs_that_share_a_sentence_count_once_for_the_p_value():
    steady = [pair("family", "female", "male", carrier) for carrier in range(6) for _ in range(50)]
    wobble = np.repeat([[0.30], [0.10], [0.31], [0.09], [0.32], [-0.30]], 50, axis=0)
    setting = measure_pairs(steady, 0.5 + wobble, np.full((300, 1), 0.5), np.zeros(300, bool), COUNTRIES)

    assert setting.groups[0].p_per_label == (pytest.approx(0.2195, abs=1e-4),)  # 300 pairs, but six sentences


def test_p_values_are_corrected_by_holm():
    assert holm(np.array([[0.01, 0.04], [0.03, 0.5]])).ravel() == pytest.approx([0.04, 0.09, 0.09, 0.5])


def test_the_spread_of_countries_is_between_the_means_of_their_sentences():
    probabilities = np.array([[[0.9, 0.2], [0.1, 0.2], [0.5, 0.2]], [[0.7, 0.3], [0.1, 0.4], [0.5, 0.3]]])
    found = measure_countries(["France", "Mali", "Peru"], probabilities)

    assert found.spread_per_label == pytest.approx((0.7, 0.05))
    assert (found.highest, found.lowest, found.worst_label) == ("France", "Mali", 0)
    assert (found.n_countries, found.n_sentences) == (3, 2)


def asked(bias):
    """A classifier of two labels that looks for some words."""

    def ask(texts):
        first = [0.4 + sum(gap for word, gap in bias.items() if word in text) for text in texts]
        return np.array([[p, 0.3] for p in first])

    return ask


def decided(probabilities):
    return probabilities >= 0.5


def test_raw_and_deployed_differ_by_the_scrubber_alone_and_no_text_is_asked_twice():
    seen = []

    def ask(texts):
        seen.extend(texts)
        return asked({"Muslim": 0.2})(texts)

    audit = audit_classifier(ask, decided, lambda texts: [t.replace("Muslim ", "") for t in texts], 291)
    raw, deployed = ({axis.axis: axis for axis in setting.axes} for setting in (audit.raw, audit.deployed))

    assert len(seen) == len(set(seen))
    assert raw["religion"].gap == pytest.approx(0.2)
    assert raw["religion"].flips == pytest.approx(6 / 21)
    assert deployed["religion"].gap == pytest.approx(0.0)
    assert violated_limits(audit, FairnessConfig()) == ()


@pytest.mark.parametrize(
    ("bias", "said"),
    [
        ({}, ()),
        (
            {"Siobhan": -0.32},
            (
                "unfair: mean change of probability on name gender is 0.0067; expected below 0.005",
                "unfair: largest group gap on name origin is 0.0800; expected below 0.03",
            ),
        ),
        (
            {"deaf": 0.05},
            ("unfair: largest group gap on disability is 0.0500; expected below 0.03",),
        ),
        ({"Syria": -0.06}, ("unfair: spread between Afghanistan and Syria is 0.0600; expected below 0.05",)),
    ],
)
def test_every_limit_names_what_passed_it(bias, said):
    audit = audit_classifier(asked(bias), decided, list, 291)

    assert violated_limits(audit, FairnessConfig()) == said


def test_groups_are_read_from_whole_words_and_texts_that_name_both_are_left_out():
    texts = ["She left.", "The hero left.", "He saw her.", "MEN at work", "Nobody."]

    assert groups_mentioned(texts, load_templates().mentions["gender"]) == ["female", "", "", "male", ""]


def test_recall_is_compared_between_groups_and_too_few_texts_are_left_alone():
    texts = ["she smiled"] * 20 + ["he smiled"] * 20 + ["a muslim smiled"] * 9 + ["a christian smiled"] * 30
    truth = np.ones((79, 1), dtype=bool)
    found = np.array([[True]] * 20 + [[True]] * 5 + [[False]] * 15 + [[True]] * 39)
    (gap,) = rate_gaps(texts, truth, found, ["joy"])

    assert (gap.axis, gap.label, gap.n) == ("gender", "joy", {"female": 20, "male": 20})
    assert gap.rates == {"female": 1.0, "male": 0.25}
    assert gap.gap == 0.75
    assert gap.p < 1e-5


def test_the_generators_tone_is_compared_within_an_axis():
    groups = [("religion", "Sikh")] * 2 + [("religion", "Hindu")] * 2 + [("age", "young")] * 2
    groups += [("age", "old")] * 2
    probabilities = np.array([[0.9], [0.7], [0.1], [0.3], [0.0], [0.0], [0.1], [0.1]])
    tone = measure_generator_bias(groups, probabilities)

    assert (tone.axis, tone.label, tone.gap, tone.n_texts) == ("religion", 0, pytest.approx(0.6), 8)
    assert [g.rates for g in tone.groups] == [pytest.approx((p,)) for p in (0.8, 0.2, 0.0, 0.1)]
    assert 0 < tone.p_smallest <= 1


def test_every_group_is_a_topic_of_its_own():
    names = [topic.name for _, _, topic in group_topics()]

    assert {"my deaf neighbour", "my mother", "Guadalupe"} <= set(names)
    assert not [name for name in names if "{" in name]


@pytest.fixture(scope="module")
def twins(make_row):
    rows = [
        make_row("We liked France.", id="r1"),
        make_row("Person B sang.", id="r2"),
        make_row("Rain.", id="r3"),
    ]
    return counterfactual_rows(rows, 300, 1)


def test_twins_come_in_couples_with_the_labels_of_their_row_or_with_none(twins):
    couples = list(zip(twins[::2], twins[1::2], strict=True))

    assert len(couples) == 150
    assert {row["source"] for row in twins} == {COUNTERFACTUAL}
    assert all(a["group"] == b["group"] and a["text"] != b["text"] for a, b in couples)
    assert len({a["group"] for a, _ in couples}) == 150
    assert {tuple(row["targets"]) for row in twins} == {(1.0, 0.0), (-1.0, -1.0)}
    assert 0.2 < np.mean([row["targets"] == [-1.0, -1.0] for row in twins]) < 0.45
    assert not [row["text"] for row in twins if "{" in row["text"]]


def test_what_a_row_names_itself_is_changed_in_place(twins):
    texts = [row["text"] for row in twins]

    assert [t for t in texts if t.startswith("We liked ") and "France" not in t]
    assert [t for t in texts if t.endswith(" sang.") and not t.startswith("Person")]


def test_the_same_seed_makes_the_same_twins(make_row):
    rows = [make_row("We liked France.")]

    assert counterfactual_rows(rows, 40, 3) == counterfactual_rows(rows, 40, 3)
    assert counterfactual_rows(rows, 40, 3) != counterfactual_rows(rows, 40, 4)


def test_twins_are_found_by_their_group_and_plain_neighbours_are_not(make_row, twins):
    plain = [make_row(group=""), make_row(group="")]

    assert pair_indices(plain) == []
    assert pair_indices([*plain, *twins[:4]]) == [(2, 3), (4, 5)]


def test_pairing_rises_over_the_first_third_of_a_training():
    assert rising(2.0, 0, 4, 6) == pytest.approx([0.0, 0.25, 0.5, 0.75])
    assert rising(2.0, 1, 4, 6) == pytest.approx([1.0, 1.25, 1.5, 1.75])
    assert rising(2.0, 2, 4, 6) == rising(2.0, 5, 4, 6) == [2.0] * 4


def test_half_of_the_twins_by_name_stand_beside_what_the_scrubber_writes(twins):
    scrubbed = ["Person A" in a["text"] + b["text"] for a, b in zip(twins[::2], twins[1::2], strict=True)]
    assert 0.1 < np.mean(scrubbed) < 0.25  # a third of all twins differ by name


def test_the_pairing_loss_is_the_mean_difference_of_the_logits():
    logits = torch.tensor([[1.0, 2.0], [0.0, 4.0], [5.0, 5.0], [5.0, 9.0]])
    twins = [(0, 1), (2, 3)]

    def loss(batch):
        return pairing_loss(lambda _, places: logits[places], torch.nn.Identity(), twins, batch).item()

    assert loss([0]) == pytest.approx(1.5)
    assert loss([1]) == pytest.approx(2.0)
    assert loss([0, 1, 0, 1, 0, 1, 0, 1]) == pytest.approx(1.75)  # one couple per four rows


def test_the_axes_of_names_are_those_that_the_limits_know():
    assert set(NAMES) <= {p.axis for p in counterfactual_pairs(load_templates(), 1)}
