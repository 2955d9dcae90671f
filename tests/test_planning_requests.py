"""From a cell to its prompts: decided by the cell's seed alone."""

import json
import re

import pytest

from tasks.config import PlanConfig, PromptForm, RunConfig
from tasks.data.records import Cell, cell_key
from tasks.pipeline.planning.cells import plan_cells
from tasks.pipeline.planning.requests import TEXTS_PER_PROMPT, CellRequest, build_requests, in_batches
from tasks.pipeline.planning.rows import SampledText, rows_of
from tasks.prompts.rendering import Manner, check_template, length_word, render
from tasks.taxonomy import Label, Style, Taxonomy, Topic, Topics, load_taxonomy, load_topics

SCALE = load_taxonomy("sentiment7")
TOPICS = Topics(
    topics=(
        Topic(name="flights", domain="travel", scenarios=("A delayed flight.", "A window seat.")),
        Topic(name="soup", domain="food", scenarios=("A dinner at home.",)),
    ),
    styles=(
        Style(name="review", description="a short review"),
        Style(name="diary line", description="a line in a diary"),
    ),
)


def cell(**changes):
    base = Cell(labels=("positive",), topic="flights", wanted=8, n_to_sample=12, round=1, seed=77)
    return base.model_copy(update=changes)


def _rendered(labels, **changes):
    manner = {"topic": "flights", "scenario": "A delayed flight.", "length": "short"} | changes
    return render(PromptForm.chat, labels, Manner(style=Style(name="review"), **manner))


def test_a_chat_prompt_is_the_one_that_the_embedded_generator_was_tuned_with():
    joy, sad = Label(name="joy", meaning="The writer is glad."), Label(name="sadness", meaning="sadness")
    assert _rendered([joy, sad]) == (
        "Write one short review about flights. A delayed flight.\n"
        "It expresses:\n- joy: The writer is glad.\n- sadness"
    )
    assert _rendered([]) == "Write one short review about flights. A delayed flight."
    assert _rendered([], topic="", scenario="", length="") == "Write one review."


def test_signals_stand_behind_the_meaning():
    refund = Label(name="refund", meaning="The customer wants money back.", signals="They ask for a refund.")
    assert refund.asked == "refund: The customer wants money back. They ask for a refund."


@pytest.mark.parametrize(
    ("n_words", "word"), [(1, "short"), (9, "short"), (10, "medium"), (19, "medium"), (20, "long")]
)
def test_length_words_cut_at_nine_and_nineteen(n_words, word):
    assert length_word(n_words) == word


@pytest.mark.parametrize("form", PromptForm)
def test_the_same_seed_gives_the_same_order(form):
    assert build_requests(cell(), SCALE, TOPICS, form) == build_requests(cell(), SCALE, TOPICS, form)


@pytest.mark.parametrize("form", PromptForm)
def test_another_seed_gives_another_order(form):
    assert build_requests(cell(), SCALE, TOPICS, form) != build_requests(cell(seed=78), SCALE, TOPICS, form)


@pytest.mark.parametrize("draw", [1, 4, 5, 6, 12, 23])
def test_an_order_asks_for_exactly_the_texts_of_its_cell(draw):
    requests = build_requests(cell(n_to_sample=draw), SCALE, TOPICS, PromptForm.chat).requests
    sizes = [request.n for request in requests]

    assert sum(sizes) == draw
    assert max(sizes) <= TEXTS_PER_PROMPT
    assert max(sizes) - min(sizes) <= 1


def test_wishes_of_a_cell_have_seeds_of_their_own():
    requests = build_requests(cell(n_to_sample=100), SCALE, TOPICS, PromptForm.chat).requests

    assert len({request.seed for request in requests}) == 20
    assert all(0 <= request.seed < 2**31 for request in requests)


def test_written_prompts_name_topic_scenario_style_and_meaning():
    (request,) = build_requests(cell(n_to_sample=1), SCALE, TOPICS, PromptForm.chat).requests
    style = {style.name: style for style in TOPICS.styles}[request.style]

    assert "flights" in request.prompt
    assert request.scenario in TOPICS.by_name["flights"].scenarios
    assert request.scenario in request.prompt
    assert style.name in request.prompt
    assert SCALE.labels[1].meaning in request.prompt
    assert SCALE.labels[1].meaning not in request.unconditional_prompt


def test_prompts_are_not_escaped_as_html():
    salty = Topic(name="flights", domain="d", scenarios=("Salt & <pepper>.",))
    topics = Topics(topics=(salty,), styles=TOPICS.styles)
    (request,) = build_requests(cell(n_to_sample=1), SCALE, topics, PromptForm.plain).requests

    assert "Salt & <pepper>." in request.prompt


@pytest.mark.parametrize("form", PromptForm)
def test_orders_survive_json(form):
    cell_request = build_requests(cell(), SCALE, TOPICS, form)

    assert (
        CellRequest.model_validate(json.loads(json.dumps(cell_request.model_dump(mode="json"))))
        == cell_request
    )


def test_changing_one_topic_leaves_the_orders_of_all_others_as_they_were():
    topics = load_topics()
    names = list(topics.names[:6])
    before = _cell_requests(names, topics)
    after = _cell_requests([*names[:3], topics.names[20], *names[4:]], topics)

    assert {key for key in before if before[key] != after.get(key)} == {
        key for key in before if key.endswith(f"| {names[3]}")
    }
    assert {key for key in after if key not in before} == {
        key for key in after if key.endswith(f"| {topics.names[20]}")
    }


def _cell_requests(names, topics):
    config = RunConfig(plan=PlanConfig(texts_per_label=30, topics=names, topics_per_label=6))
    chosen = topics.select(names)
    cells = plan_cells(config, SCALE, chosen)
    return {c.key: build_requests(c, SCALE, chosen, PromptForm.chat) for c in cells}


def test_rows_carry_their_whole_history():
    cell_request = build_requests(cell(n_to_sample=2), SCALE, TOPICS, PromptForm.chat)
    (request,) = cell_request.requests
    whole, cut = rows_of(
        cell_request, [[SampledText("Nice.", False), SampledText("And then", True)]], SCALE, "embedded", "abc"
    )

    assert whole == {
        "id": whole["id"],
        "text": "Nice.",
        "labels": ["positive"],
        "level": 2,
        "targets": [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        "weight": 1.0,
        "topic": "flights",
        "scenario": request.scenario,
        "style": request.style,
        "prompt_id": cut["prompt_id"],
        "prompt": request.prompt,
        "generator": "embedded",
        "revision": "abc",
        "seed": request.seed,
        "round": 1,
        "source": "synthetic",
        "votes": {},
        "scrubbed": {},
        "group": "",
        "split": "",
        "segments": [],
    }
    assert cut["votes"] == {"cut": 1.0}
    assert cut["id"] != whole["id"]
    assert cell_key(whole) == cell_request.cell.key == "positive | flights"


def test_ids_differ_between_rounds_and_wishes():
    first = build_requests(cell(n_to_sample=10), SCALE, TOPICS, PromptForm.chat)
    second = build_requests(cell(n_to_sample=10, round=2), SCALE, TOPICS, PromptForm.chat)
    ids = [
        row["id"]
        for cell_request in (first, second)
        for row in rows_of(cell_request, [[SampledText("x", False)] * 5] * 2, SCALE, "g", "")
    ]

    assert len(set(ids)) == 20


@pytest.mark.parametrize(
    ("draw", "size", "batches"), [(12, 64, [12]), (12, 8, [8, 4]), (12, 1, [4, 4, 4]), (1, 1, [1])]
)
def test_an_order_is_divided_into_batches_without_losing_or_changing_a_wish(draw, size, batches):
    cell_request = build_requests(cell(n_to_sample=draw), SCALE, TOPICS, PromptForm.chat)
    parts = in_batches(cell_request, size)

    assert [sum(request.n for request in part.requests) for part in parts] == batches
    assert tuple(request for part in parts for request in part.requests) == cell_request.requests
    assert {part.cell for part in parts} == {cell_request.cell}
    assert in_batches(cell_request, 10_000) == [cell_request]


def _texts(n, label="positive"):
    return [{"text": f"Text number {i}.", "labels": [label]} for i in range(n)]


@pytest.mark.parametrize("form", [PromptForm.plain, PromptForm.chat])
def test_exemplars_are_drawn_anew_for_each_prompt_and_recorded(form):
    cell_request = build_requests(cell(n_to_sample=40), SCALE, TOPICS, form, _texts(50), 3)

    assert len({request.exemplars for request in cell_request.requests}) == 8
    for request in cell_request.requests:
        assert request.template == f"{form.value}.j2"
        assert len(set(request.exemplars)) == 3
        assert all(
            text in request.prompt and text not in request.unconditional_prompt for text in request.exemplars
        )


def test_exemplars_share_a_label_with_the_cell_and_too_few_are_all():
    texts = [*_texts(2), *_texts(5, "negative")]

    (request,) = build_requests(cell(n_to_sample=1), SCALE, TOPICS, PromptForm.chat, texts, 8).requests
    assert set(request.exemplars) == {"Text number 0.", "Text number 1."}


def test_without_a_text_that_has_the_label_unlabelled_ones_are_shown():
    unlabelled = [{**row, "labels": [], "source": "unlabelled"} for row in _texts(3, "negative")]

    for labelled, shown in (([], {"Text number 0.", "Text number 1.", "Text number 2."}), (_texts(1), 1)):
        (request,) = build_requests(
            cell(n_to_sample=1), SCALE, TOPICS, PromptForm.chat, [*labelled, *unlabelled], 8
        ).requests
        assert shown in (set(request.exemplars), len(request.exemplars))


def test_examples_of_a_label_are_shown_like_exemplars():
    glad = Label(name="positive", meaning="positive", examples=("What a day!", "Lovely."))
    taxonomy = Taxonomy(name="own", labels=(glad, Label(name="negative", meaning="negative")))

    (request,) = build_requests(cell(n_to_sample=1), taxonomy, TOPICS, PromptForm.chat, (), 2).requests
    assert set(request.exemplars) == {"What a day!", "Lovely."}


OWN_TEMPLATE = "{{ length }} {{ style.name }}, {{ topic }}: {% for l in labels %}{{ l.meaning }}{% endfor %}"


def test_a_template_of_ones_own_takes_the_place_of_ours():
    (request,) = build_requests(
        cell(n_to_sample=1), SCALE, TOPICS, PromptForm.chat, template=OWN_TEMPLATE
    ).requests

    assert re.fullmatch(
        rf"\w+ {request.style}, flights: {re.escape(SCALE.labels[1].meaning)}", request.prompt
    )
    assert re.fullmatch(rf"\w+ {request.style}, flights:", request.unconditional_prompt)
    assert request.template == "generator.template"


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("A {{ mood }} text.", "uses mood"),
        ("{% if labels %}{{ mood }}{% endif %}{{ colour }}", "uses colour, mood"),
        (
            "{{ style.hue }}",
            "cannot be filled in: 'tasks.taxonomy.topics.Style object' has no attribute 'hue'",
        ),
        ("{{ topic }", "cannot be filled in: unexpected '}'"),
        (
            "{{ ().__class__.__mro__ }}",
            "cannot be filled in: access to attribute '__class__' of 'tuple'",
        ),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused(template, found):
    with pytest.raises(
        ValueError, match=rf"^generator\.template {re.escape(found)}.*Correct the template\.$"
    ):
        check_template(template, PromptForm.plain)
