"""Sources that read a text: an entailment model, or a language model that is asked."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from tasks.data.records import Row
from tasks.data.votes import JUDGE, with_votes
from tasks.prompts.label_question import label_question, named_labels, says_none
from tasks.taxonomy import Taxonomy

NLI_BATCH = 32
SURE = 0.9
"""Probability that a language model's word is taken for: it says yes or no, and errs now and then."""


def nli_votes(rows: Sequence[Row], taxonomy: Taxonomy, classify: Any) -> list[Row]:
    """Rows with the probability that the text entails the meaning of each label that it was asked to carry.

    Yin et al. 2019, "Benchmarking Zero-shot Text Classification": premise text, hypothesis label.

    Args:
        rows: Rows with labels.
        taxonomy: Meanings of the labels, each a sentence.
        classify: A `zero-shot-classification` pipeline of transformers.
    """
    indices = defaultdict(list)
    for index, row in enumerate(rows):
        indices[tuple(row["labels"])].append(index)
    voted = list(rows)
    for labels, own in indices.items():
        meaning = {taxonomy.labels[taxonomy.index[name]].meaning: name for name in labels}
        answers = classify(
            [rows[index]["text"] for index in own],
            candidate_labels=list(meaning),
            hypothesis_template="{}",
            multi_label=True,
            batch_size=NLI_BATCH,
        )
        for index, answer in zip(own, answers, strict=True):
            says = {meaning[m]: score for m, score in zip(answer["labels"], answer["scores"], strict=True)}
            voted[index] = with_votes(rows[index], JUDGE, says)
    return voted


def llm_votes(
    rows: Sequence[Row], taxonomy: Taxonomy, answer: Callable[[Sequence[str]], list[str]]
) -> tuple[list[Row], int]:
    """Rows with a language model's yes or no on every label that they were asked to carry.

    A label that it names without having been asked for gets its yes, too.

    Args:
        rows: Rows with labels.
        taxonomy: Names and meanings of the labels.
        answer: Answers to prompts, in order.

    Returns:
        The rows, and how many answers named no label and not `none`; on these rows there is no vote.
    """
    answers = answer([label_question(row["text"], taxonomy.labels) for row in rows])
    voted, n_unread = [], 0
    for row, said in zip(rows, answers, strict=True):
        named = named_labels(said, taxonomy.names)
        if not named and not says_none(said):
            voted.append(row)
            n_unread += 1
            continue
        concerned = dict.fromkeys([*row["labels"], *named])
        voted.append(
            with_votes(row, JUDGE, {name: SURE if name in named else 1 - SURE for name in concerned})
        )
    return voted, n_unread
