"""A night is compared with the nights before it."""

import pytest

from tasks.pipeline.evaluation.drift import Band, RunRecord, band, bands, departures


def record(i, **figures):
    return RunRecord(run=f"r{i}", created=f"2026-11-{i:02}T02:30:00+00:00", figures=figures)


def test_a_band_is_three_robust_deviations_around_the_median():
    # Median 0.51; deviations 0.01, 0.02, 0, 0.01, 0.29, their median 0.01; 3 * 1.4826 * 0.01 = 0.044478.
    found = band([0.5, 0.49, 0.51, 0.52, 0.8], least=0.0)

    assert (found.low, found.high) == pytest.approx((0.465522, 0.554478))


def test_nights_that_are_alike_leave_the_least_width():
    assert band([0.5] * 6, least=0.02) == Band(low=0.48, high=0.52)


def test_four_nights_make_no_band_and_five_do():
    assert bands([record(i, f1_macro=0.5) for i in range(1, 5)]) == {}
    assert set(bands([record(i, f1_macro=0.5) for i in range(1, 6)])) == {"f1_macro"}


def test_a_band_forgets_what_is_older_than_fourteen_nights():
    old = [record(i, f1_macro=0.9) for i in range(1, 15)]
    new = [record(i, f1_macro=0.5) for i in range(15, 29)]

    assert bands([*old, *new])["f1_macro"] == Band(low=0.48, high=0.52)


def test_only_what_lies_outside_its_band_departs():
    expected = {"f1_macro": Band(low=0.48, high=0.52), "acceptance": Band(low=0.6, high=0.8)}

    found = departures(record(9, f1_macro=0.4, acceptance=0.6, self_bleu=0.3), expected)

    assert found == {"f1_macro": "f1_macro is 0.400; expected 0.480 to 0.520"}
