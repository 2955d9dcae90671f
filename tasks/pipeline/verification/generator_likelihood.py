"""The generator's vote: how much less likely it finds a text once a label is removed from the prompt.

    log p(text | labels) - log p(text | labels without this one)

A noisy-channel reading of a conditional language model, as in Min et al. 2022, "Noisy Channel Language Model
Prompting for Few-Shot Text Classification". Topic, style and length are the same on both sides, and so is the
text, which is why its length and its odd words cancel out. Where a text was asked to carry one label,
sampling with guidance has computed both sides already.
"""

from collections.abc import Callable, Sequence

from tasks.config import PromptForm
from tasks.data.records import LOG_RATIO, Row
from tasks.data.votes import LIKELIHOOD, with_votes
from tasks.prompts.rendering import Manner, length_word, render
from tasks.taxonomy import Style, Taxonomy

Score = Callable[[Sequence[tuple[str, str]]], list[float]]
"""Log-likelihoods of texts after prompts."""

# For texts that nobody asked for.
OPEN_STYLE = Style(name="text")


def likelihood_votes(
    rows: Sequence[Row], taxonomy: Taxonomy, styles: Sequence[Style], form: PromptForm, score: Score
) -> list[Row]:
    """Rows with the generator's vote on every label that they were asked to carry.

    Args:
        rows: Rows with labels.
        taxonomy: Meanings of the labels.
        styles: Styles that rows name; others are put as an open one.
        form: How the generator is asked.
        score: The generator, see `tasks.pipeline.sampling.engine.likelihood`.
    """
    by_name = {style.name: style for style in styles}
    prompts = [[] if _known(row) else _prompts(row, taxonomy, by_name, form) for row in rows]
    pairs = [(prompt, row["text"]) for row, own in zip(rows, prompts, strict=True) for prompt in own]
    scores = iter(score(pairs) if pairs else ())
    voted = []
    for row, own in zip(rows, prompts, strict=True):
        if _known(row):
            ratios = {row["labels"][0]: row["votes"][LOG_RATIO]}
        else:
            whole, *without = [next(scores) for _ in own]
            ratios = {label: whole - rest for label, rest in zip(row["labels"], without, strict=True)}
        voted.append(with_votes(row, LIKELIHOOD, ratios))
    return voted


def _known(row: Row) -> bool:
    return len(row["labels"]) == 1 and LOG_RATIO in row["votes"]


def _prompts(row: Row, taxonomy: Taxonomy, styles: dict[str, Style], form: PromptForm) -> list[str]:
    """The prompt with all labels of the row, then without each of them in turn."""
    manner = Manner(
        topic=row["topic"],
        scenario=row["scenario"],
        style=styles.get(row["style"], OPEN_STYLE),
        length=length_word(len(row["text"].split())),  # what it turned out to be, on both sides
    )
    labels = [taxonomy.labels[taxonomy.index[name]] for name in row["labels"]]
    sets = [list(range(len(labels)))]
    sets += [[i for i in sets[0] if i != left_out] for left_out in sets[0]]
    return [render(form, [labels[i] for i in kept], manner) for kept in sets]
