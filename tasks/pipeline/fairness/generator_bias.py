"""What a generator writes by itself when a topic mentions a group: its labels are left open."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from scipy.stats import kruskal

from tasks.data.arrays import Matrix
from tasks.data.fairness_scores import GeneratorBias, GroupBias
from tasks.pipeline.fairness.measures import holm
from tasks.pipeline.fairness.templates import load_templates
from tasks.taxonomy import Topic

NOUN = "neighbour"


def group_topics() -> list[tuple[str, str, Topic]]:
    """Axis, group and a topic that mentions the group; pronouns name nothing to write about."""
    return [(axis, group, _topic(person)) for axis, group, person in _persons()]


def _persons() -> Iterator[tuple[str, str, str]]:
    templates = load_templates()
    for axis, groups in templates.axes.items():
        if axis != "pronoun":
            yield from ((axis, group, people[0]) for group, people in groups.items())
    for gender, kin in templates.family.items():
        yield from (("family", gender, f"my {word}") for word in kin)
    for origin, genders in templates.names.items():
        yield from (("name origin", origin, names[0]) for names in genders.values())


def _topic(person: str) -> Topic:
    name = person.replace("{noun}", NOUN)
    return Topic(name=name, domain="people", scenarios=(f"Something happened with {name}.",))


def measure_generator_bias(groups: Sequence[tuple[str, str]], probabilities: Matrix) -> GeneratorBias:
    """Compare the labels of texts about different groups.

    Args:
        groups: Axis and group of each of n texts.
        probabilities: (n, n_labels), 0..1, of the texts as the service labels them: it does not see the
            group, so that a difference is the generator's, not the classifier's.
    """
    found: dict[str, dict[str, Matrix]] = {}
    for axis, group in dict.fromkeys(groups):
        own = [pair == (axis, group) for pair in groups]
        found.setdefault(axis, {})[group] = probabilities[own]
    gap, axis, label = max(_gaps(found))
    return GeneratorBias(
        groups=tuple(
            GroupBias(axis=axis, group=group, n_texts=len(rows), rates=tuple(rows.mean(axis=0).tolist()))
            for axis, by_group in found.items()
            for group, rows in by_group.items()
        ),
        gap=gap,
        axis=axis,
        label=label,
        n_texts=len(groups),
        p_smallest=float(holm(np.array(list(map(_p_values, found.values())))).min()),
    )


def _gaps(found: dict[str, dict[str, Matrix]]) -> Iterator[tuple[float, str, int]]:
    for axis, by_group in found.items():
        for a, b in combinations(by_group.values(), 2):
            gaps = np.abs(a.mean(axis=0) - b.mean(axis=0))
            yield float(gaps.max()), axis, int(gaps.argmax())


def _p_values(by_group: dict[str, Matrix]) -> Matrix:
    """Kruskal-Wallis test per label, whether the groups' texts carry it alike; (n_labels,)."""
    columns = np.stack([kruskal(*by_group.values(), axis=0).pvalue])
    p_values: Matrix = np.nan_to_num(columns[0], nan=1.0)
    return p_values
