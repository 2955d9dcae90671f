"""Synthetic rows beside real ones: topped up, capped, weighed."""

from collections import Counter

import numpy as np
import pytest

from tasks.config import MixingConfig
from tasks.pipeline.balancing import choose_synthetic, weigh_few, weigh_rows


@pytest.fixture
def rows(make_row):
    def make(source, **counts):
        return [
            make_row(f"{source} {label} {i}", labels=[label], source=source, id=f"{source}-{label}-{i}")
            for label, n in counts.items()
            for i in range(n)
        ]

    return make


def counts(rows):
    return Counter(label for row in rows for label in row["labels"])


def test_by_default_every_synthetic_row_joins_in_its_order(rows):
    ours = rows("synthetic", joy=3, grief=2)

    assert choose_synthetic(ours, rows("real", joy=1), MixingConfig(), 0) == ours


def test_a_top_up_fills_rare_labels_alone_and_no_further(rows):
    real_rows = rows("real", joy=50, grief=4)
    chosen = choose_synthetic(rows("synthetic", joy=30, grief=30), real_rows, MixingConfig(top_up=20), 0)

    assert counts(chosen) == {"grief": 16}


def test_the_synthetic_share_of_a_label_is_capped(rows):
    real_rows = rows("real", joy=30, grief=10)
    config = MixingConfig(max_synthetic_fraction=0.5)
    chosen = choose_synthetic(rows("synthetic", joy=100, grief=100), real_rows, config, 0)

    assert counts(chosen) == {"joy": 30, "grief": 10}


def test_a_row_of_two_labels_joins_only_where_both_have_room(make_row, rows):
    real_rows = rows("real", joy=1)
    both = [make_row(str(i), labels=["joy", "grief"], id=str(i)) for i in range(3)]

    assert choose_synthetic(both, real_rows, MixingConfig(max_synthetic_fraction=0.5), 0) == []


@pytest.mark.parametrize(
    ("n_synthetic", "most", "weight"), [(40, 10.0, 8.0), (100, 10.0, 10.0), (40, 1.0, 1.0), (3, 10.0, 1.0)]
)
def test_few_real_rows_weigh_as_much_as_the_synthetic_ones_up_to_a_bound(rows, n_synthetic, most, weight):
    weighed = weigh_few(rows("real", joy=4, grief=1), n_synthetic, MixingConfig(max_real_weight=most))

    assert [row["weight"] for row in weighed] == [weight] * 5


def test_a_weight_that_a_real_row_has_is_kept_in_proportion(make_row):
    real_rows = [make_row(id="a", weight=1.0), make_row(id="b", weight=3.0)]

    assert [row["weight"] for row in weigh_few(real_rows, 4, MixingConfig())] == [2.0, 6.0]


def test_without_real_rows_nothing_is_capped(rows):
    ours = rows("synthetic", joy=3)

    assert choose_synthetic(ours, [], MixingConfig(top_up=1, max_synthetic_fraction=0.1), 0) == ours


def test_the_seed_decides_which_rows_are_chosen(rows):
    ours, real_rows = rows("synthetic", joy=40), rows("real", joy=1)
    ids = [
        [row["id"] for row in choose_synthetic(ours, real_rows, MixingConfig(top_up=9), seed)]
        for seed in (0, 0, 1)
    ]

    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 8


def test_rows_that_read_like_people_weigh_more(rows):
    rng = np.random.default_rng(0)
    ours, real_rows = rows("synthetic", joy=200), rows("real", joy=200)
    # The first hundred lie where people's texts lie, the others elsewhere.
    near, far = rng.normal(1.0, 1.0, (100, 4)), rng.normal(-1.0, 1.0, (100, 4))
    weighed = weigh_rows(
        ours,
        real_rows,
        np.vstack([near, far]).astype(np.float32),
        rng.normal(1.0, 1.0, (200, 4)).astype(np.float32),
        0,
    )
    weights = np.array([row["weight"] for row in weighed])

    assert weights.mean() == pytest.approx(1.0)
    assert weights[:100].mean() > 2 * weights[100:].mean()
    assert weights.max() / weights.min() <= 25.001
    assert [row["id"] for row in weighed] == [row["id"] for row in ours]
