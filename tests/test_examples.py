"""The taxonomies that ship as examples load, and their test texts carry labels that they have."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from tasks.taxonomy import load_taxonomy, load_topics

FOLDER = Path(__file__).resolve().parents[1] / "examples"


@pytest.mark.parametrize(
    ("name", "n_labels", "ordinal"),
    [("support_tickets", 5, False), ("hotel_reviews", 6, False), ("toxicity", 4, True)],
)
def test_an_example_has_topics_styles_and_sixty_test_texts(name, n_labels, ordinal):
    taxonomy = load_taxonomy(FOLDER / name / "taxonomy.yaml")
    topics = load_topics(FOLDER / name / "topics.yaml")
    with (FOLDER / name / "test.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = Counter(label for row in rows for label in (row.get("label") or row["labels"]).split(";"))

    assert (taxonomy.n_labels, taxonomy.ordinal) == (n_labels, ordinal)
    assert set(labels) == set(taxonomy.names)
    assert min(labels.values()) >= 11
    assert len(rows) == len({row["text"] for row in rows}) == 60
    assert 3 <= len(topics.styles) <= 9
