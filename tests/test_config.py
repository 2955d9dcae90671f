"""Every option explains itself, has a range and a default; profiles name only what exists."""

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.config import PROFILES, Config, GeneratorConfig, Profile, PromptForm, RunConfig

SECTIONS = {
    name: field.annotation
    for name, field in RunConfig.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Config)
}
MODELS = {"": RunConfig, **SECTIONS}
KNOBS = [
    pytest.param(field, id=f"{section}.{name}".lstrip("."))
    for section, model in MODELS.items()
    for name, field in model.model_fields.items()
    if name not in SECTIONS
]


@pytest.mark.parametrize("field", KNOBS)
def test_every_knob_has_a_title_a_sentence_and_a_default(field):
    assert field.title
    assert field.description
    assert field.description.endswith(".")
    assert not field.is_required()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_says_what_it_is_for_and_has_its_defaults(section):
    assert SECTIONS[section].__doc__.endswith(".")
    assert getattr(RunConfig(), section) == SECTIONS[section]()


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
def test_an_unknown_name_is_refused(model):
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"no_such_knob": 1})
    assert [error["type"] for error in caught.value.errors()] == ["extra_forbidden"]


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
def test_values_cannot_change(model):
    name = next(iter(model.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(model(), name, None)


SCHEMA = RunConfig.model_json_schema()


def _alternatives(prop):
    return [prop, *prop.get("anyOf", [])]


def _schema_knobs():
    for section, model in MODELS.items():
        properties = (SCHEMA if not section else SCHEMA["$defs"][model.__name__])["properties"]
        for name, prop in properties.items():
            if name not in SECTIONS:
                yield pytest.param(prop, id=f"{section}.{name}".lstrip("."))


@pytest.mark.parametrize("prop", list(_schema_knobs()))
def test_the_run_form_knows_the_range_of_every_number(prop):
    for form in _alternatives(prop):
        if form.get("type") in ("integer", "number"):
            assert {"minimum", "exclusiveMinimum"} & set(form)


def test_the_run_form_knows_exact_ranges():
    plan = SCHEMA["$defs"]["PlanConfig"]["properties"]

    assert plan["texts_per_label"] == {
        "default": 200,
        "description": "Accepted texts wanted for each label. Range: from 1 to 1,000,000.",
        "maximum": 1_000_000,
        "minimum": 1,
        "position": 0,
        "title": "Texts per label",
        "type": "integer",
    }
    # The range of a share stands once, in its type, and must reach every field of that type.
    assert (plan["multi_label_fraction"]["minimum"], plan["multi_label_fraction"]["maximum"]) == (0.0, 1.0)
    abstain = SCHEMA["$defs"]["EvaluationConfig"]["properties"]["abstain"]
    assert (abstain["minimum"], abstain["maximum"]) == (0.0, 1.0)


def test_the_run_form_says_in_which_order_knobs_come():
    """Postgres stores the keys of an object by their length."""
    for section, model in MODELS.items():
        properties = (SCHEMA if not section else SCHEMA["$defs"][model.__name__])["properties"]
        assert [prop["position"] for prop in properties.values()] == list(range(len(properties)))


def test_the_run_form_offers_choices_as_lists():
    kinds = {name: entry["enum"] for name, entry in SCHEMA["$defs"].items() if "enum" in entry}

    assert kinds["Profile"] == ["embedded", "hub", "server"]
    assert kinds["PromptForm"] == ["plain", "chat"]
    assert kinds["Scope"] == ["person", "all"]
    assert kinds["Precision"] == ["auto", "no", "bf16", "fp16"]
    assert SCHEMA["$defs"]["GeneratorConfig"]["properties"]["prompt_form"]["anyOf"] == [
        {"$ref": "#/$defs/PromptForm"},
        {"type": "null"},
    ]


@pytest.mark.parametrize(
    ("values", "where", "says"),
    [
        ({"plan": {"texts_per_label": 0}}, ("plan", "texts_per_label"), "greater than or equal to 1"),
        ({"plan": {"texts_per_label": -3}}, ("plan", "texts_per_label"), "greater than or equal to 1"),
        ({"plan": {"topics": []}}, ("plan", "topics"), "at least 1 item"),
        ({"plan": {"styles": []}}, ("plan", "styles"), "at least 1 item"),
        ({"mixing": {"real_fraction": 1.5}}, ("mixing", "real_fraction"), "less than or equal to 1"),
        ({"mixing": {"real_fraction": math.nan}}, ("mixing", "real_fraction"), "less than or equal to 1"),
        ({"seed": -1}, ("seed",), "greater than or equal to 0"),
        ({"profile": "tiny"}, ("profile",), "'embedded', 'hub' or 'server'"),
        ({"split": {"test": 0.5}}, ("split", "test"), "less than 0.5"),
        ({"generator": {"temperature": 0}}, ("generator", "temperature"), "greater than 0"),
        ({"scrubbing": {"categories": ["hair"]}}, ("scrubbing", "categories", 0), "'religion'"),
    ],
)
def test_a_value_out_of_range_is_refused(values, where, says):
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate(values)
    (error,) = caught.value.errors()
    assert error["loc"] == where
    assert says in error["msg"]


def test_fewest_words_above_most_words_are_refused():
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate({"cleaning": {"min_words": 20, "max_words": 10}})
    assert str(caught.value.errors()[0]["ctx"]["error"]) == (
        "cleaning.min_words is 20 and max_words 10; expected min_words <= max_words. Raise max_words."
    )


@pytest.mark.parametrize("profile", Profile)
def test_a_profile_names_only_knobs_that_exist_and_gives_valid_values(profile):
    filled = RunConfig.model_validate({"profile": profile, **PROFILES[profile]})

    assert filled == RunConfig(profile=profile).resolved()


@pytest.mark.parametrize("profile", Profile)
def test_a_profile_fills_every_knob_that_a_run_cannot_do_without(profile):
    config = RunConfig(profile=profile).resolved()

    assert config.generator.model
    assert config.generator.prompt_form
    assert config.generator.batch_size
    assert config.training.base


def test_what_the_user_gives_outranks_the_profile():
    mine = GeneratorConfig(model="mine", prompt_form=PromptForm.plain)
    config = RunConfig(profile=Profile.hub, generator=mine).resolved()

    assert (config.generator.model, config.generator.prompt_form) == ("mine", PromptForm.plain)
    assert config.generator.batch_size == PROFILES[Profile.hub]["generator"]["batch_size"]


def test_resolving_twice_is_resolving_once():
    once = RunConfig(profile=Profile.server).resolved()

    assert once.resolved() == once


def test_a_configuration_survives_json():
    config = RunConfig.model_validate(
        {
            "taxonomy": "ekman",
            "plan": {"topics": ["flights"], "topics_file": "mine.yaml"},
            "mixing": {"real_fraction": 0.25},
        }
    )

    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert config.plan.topics_file == Path("mine.yaml")
