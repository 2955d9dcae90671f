"""Measure the reference range of text diversity: sentimill reference-bands DATA/goemotions DATA/sst."""

import json
from collections.abc import Sequence

import numpy as np

from tasks.cli.options import ReferenceBandsOptions
from tasks.data.reading import LabelledText, read_real
from tasks.data.reading.mapping import level_of_score
from tasks.models.embedding import embed
from tasks.pipeline.diversity.lexical import Figures, wording
from tasks.pipeline.diversity.reference_bands import FILE, SAMPLE_SIZES
from tasks.pipeline.diversity.semantic import dispersion, topic_leak
from tasks.pipeline.diversity.topics import nearest_topics
from tasks.taxonomy import load_taxonomy, load_topics

DRAWS = 20
"""Draws per data set and number of texts; the reference range is from the 2.5th to the 97.5th percentile."""
EMBEDDED = 4_000
"""Texts of a data set that figures of meaning are measured on."""


def figures_of(source: str) -> dict[int, list[Figures]]:
    """Figures of every draw from the train part of a data set, per number of texts."""
    real_texts = [_named(text) for text in read_real(source, "train")]
    rng = np.random.default_rng(0)
    real_texts = [real_texts[i] for i in rng.permutation(len(real_texts))]
    topics = load_topics().topics
    vectors = embed([text.text for text in real_texts[:EMBEDDED]], "embed texts")
    nearest = nearest_topics(vectors, topics)
    draws: dict[int, list[Figures]] = {}
    for n in SAMPLE_SIZES:
        for seed in range(DRAWS):
            chosen = np.random.default_rng(seed).permutation(len(real_texts))[: 2 * n]
            texts = [real_texts[i] for i in chosen]
            figures = wording([t.text for t in texts], [t.labels for t in texts], n, seed)
            near = np.random.default_rng(seed).permutation(len(vectors))[:n]
            figures["dispersion"] = dispersion(vectors[near])
            single = [i for i in near if len(real_texts[i].labels) == 1]
            leak = topic_leak([nearest[i] for i in single], [real_texts[i].labels[0] for i in single], seed)
            draws.setdefault(n, []).append(figures | ({} if leak is None else {"topic_leak": leak}))
    return draws


def _named(text: LabelledText) -> LabelledText:
    """The text with its level for a label where it was given a score."""
    if text.score is None:
        return text
    return text._replace(labels=(level_of_score(text.score, load_taxonomy("sentiment7")),))


def reference_ranges(sources: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """Lowest to highest value over the data sets, per number of texts and figure."""
    found: dict[str, dict[str, list[float]]] = {}
    for source in sources:
        for n, draws in figures_of(source).items():
            for name in sorted({name for draw in draws for name in draw}):
                values = [draw[name] for draw in draws if name in draw]
                low, high = np.percentile(values, [2.5, 97.5]).tolist()
                known = found.setdefault(str(n), {}).setdefault(name, [low, high])
                found[str(n)][name] = [round(min(low, known[0]), 4), round(max(high, known[1]), 4)]
    return found


def measure(options: ReferenceBandsOptions) -> None:
    """Write the file of reference ranges that ships."""
    value = {
        "command": "sentimill reference-bands DATA/goemotions DATA/sst",
        "measured_on": "20 draws from the train parts of GoEmotions and of the Stanford Sentiment Treebank",
        "bands": reference_ranges(options.sources),
    }
    FILE.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
