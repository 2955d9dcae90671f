"""What can be promised about texts that are not unsure, and what is said about texts on other matters."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from tasks.data.arrays import Matrix
from tasks.data.system_scores import OutOfScope
from tasks.models.embedding import embed
from tasks.pipeline.decision.thresholds import confidence
from tasks.taxonomy import Taxonomy, Topic

N_EXAMPLES = 8


def error_bound(n_wrong: int, n_texts: int, level: float) -> float:
    """Upper bound on an error rate that holds with probability `level`, exactly, whatever the true rate is.

    One-sided: Clopper and Pearson 1934, "The Use of Confidence or Fiducial Limits Illustrated in the Case of
    the Binomial". It holds for texts drawn as the measured ones were.

    Args:
        n_wrong: Texts that were labelled wrongly.
        n_texts: Texts that were measured, at least one; none of them chose what is kept.
        level: Confidence, above 0.5 and below 1.
    """
    found = binomtest(n_wrong, n_texts, alternative="less").proportion_ci(level, method="exact")
    return float(found.high)


def least_alike(topics: Sequence[Topic], plan: Sequence[Topic], taxonomy: Taxonomy, n: int) -> list[Topic]:
    """The `n` topics that lie furthest from the topics of a plan and from the meanings of its labels.

    Far is a low largest cosine of sentence embeddings; the order of `topics` is kept.
    """
    own = [*map(_described, plan), *(label.meaning for label in taxonomy.labels)]
    nearest = (embed([_described(topic) for topic in topics]) @ embed(own).T).max(axis=1)
    return [topics[i] for i in sorted(np.argsort(nearest, kind="stable")[:n].tolist())]


def _described(topic: Topic) -> str:
    return f"{topic.name}. {' '.join(topic.scenarios)}"


def refusals(
    texts: Sequence[str],
    probabilities: Matrix,
    decided: NDArray[np.bool_],
    unsure_below: float,
    names: Sequence[str],
    topics: Sequence[str],
) -> OutOfScope:
    """Count how many texts on other matters are answered with no label, and how many are unsure.

    Args:
        texts: n texts that carry no label.
        probabilities: (n, n_labels) of the classifier.
        decided: Their label sets, (n, n_labels).
        unsure_below: Confidence below which a text is marked as unsure; 0 marks none.
        names: Labels.
        topics: What the texts are about.
    """
    given_any = decided.any(axis=1)
    unsure = given_any & (confidence(probabilities, decided) < unsure_below)
    labelled = np.flatnonzero(given_any & ~unsure).tolist()
    given = Counter(names[label] for i in labelled for label in np.flatnonzero(decided[i]).tolist())
    return OutOfScope(
        n_texts=len(texts),
        no_label=int((~given_any).sum()),
        unsure=int(unsure.sum()),
        labels=dict(given.most_common()),
        topics=tuple(topics),
        examples=tuple(texts[i] for i in labelled[:N_EXAMPLES]),
    )
