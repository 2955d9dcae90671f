"""Options come from a file, the environment and flags, in the forms that people type."""

import io
import json
import shlex

import pytest
from pydantic import BaseModel

from tasks.cli.arguments import normalise
from tasks.cli.main import COMMANDS
from tasks.cli.options import RollbackOptions, ScrubOptions, TrainOptions
from tasks.cli.parsing import parse
from tasks.config import Config, DemographicCategory, RealConfig, RunConfig
from tasks.pipeline.reporting.provenance import command_of

PROGRAM = "sentimill run"


def read(*arguments):
    return parse(RunConfig, list(arguments), PROGRAM)


@pytest.fixture
def complaint(capsys):
    """Parse the arguments of `sentimill run` and hand back what is complained of."""

    def complain(*arguments):
        with pytest.raises(SystemExit) as caught:
            read(*arguments)
        out, err = capsys.readouterr()
        assert (caught.value.code, out) == (2, "")
        return err

    return complain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--plan.texts-per-label", "0"],
            "--plan.texts-per-label is '0'; expected greater than or equal to 1. See --help.",
        ),
        (["--plan.topics", "[]"], "--plan.topics is []; expected at least 1 item, not 0. See --help."),
        (["--plan.topics"], "--plan.topics is []; expected at least 1 item, not 0. See --help."),
        (
            ["--profile", "embeded"],
            "--profile is 'embeded'; expected 'embedded', 'hub' or 'server'. See --help.",
        ),
        (
            ["--cleaning.min-words", "500"],
            "cleaning.min_words is 500 and max_words 400; expected min_words <= max_words. Raise max_words. "
            "See --help.",
        ),
        (
            ["--seed", "x", "--mixing.real-fraction", "2"],
            "--seed is 'x'; expected a valid integer.\n"
            "--mixing.real-fraction is '2'; expected less than or equal to 1. See --help.",
        ),
        (
            ["--texts-per-label", "5"],
            "--texts-per-label is not an option of sentimill run. Did you mean --plan.texts-per-label? "
            "See sentimill run --help.",
        ),
        (
            ["--taxonmy=ekman"],
            "--taxonmy is not an option of sentimill run. Did you mean --taxonomy? See sentimill run --help.",
        ),
        (["stray"], "unrecognized arguments: stray. See sentimill run --help."),
        (
            ["--plan", '{"texts_per_lable": 3}'],
            "--plan.texts-per-lable is not a setting. Did you mean --plan.texts-per-label or "
            "--plan.topics-per-label? Check its spelling. See --help.",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(complaint, arguments, message):
    assert complaint(*arguments) == f"sentimill: {message}\n"


@pytest.mark.parametrize(
    ("arguments", "topics"),
    [
        (["--plan.topics", "flights", "hotels"], ["flights", "hotels"]),
        (["--plan.topics", "flights,hotels"], ["flights", "hotels"]),
        (["--plan.topics=flights,hotels"], ["flights", "hotels"]),
        (["--plan.topics", "flights", "--plan.topics", "hotels"], ["flights", "hotels"]),
        (["--plan.topics", "books and reading", "hotels", "--seed", "1"], ["books and reading", "hotels"]),
        (["--plan.topics", '["salt, pepper", "tea"]'], ["salt, pepper", "tea"]),
    ],
)
def test_lists_are_words_or_parts_between_commas(arguments, topics):
    assert read(*arguments).plan.topics == topics


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--scrubbing.enabled"], True),
        (["--no-scrubbing.enabled"], False),
        (["--scrubbing.enabled", "true"], True),
        (["--scrubbing.enabled", "false"], False),
        (["--scrubbing.enabled=no"], False),
        (["--scrubbing.enabled", "--seed", "1"], True),
    ],
)
def test_booleans_are_switches_or_words(arguments, value):
    assert read(*arguments).scrubbing.enabled is value


def test_arguments_without_a_flag_stay_in_their_places():
    assert normalise(["a.jsonl", "--keep-gender", "--scope", "all"], ScrubOptions) == [
        "a.jsonl",
        "--keep-gender",
        "--scope",
        "all",
    ]


def test_none_of_the_categories_is_an_empty_list():
    assert parse(ScrubOptions, ["a.jsonl", "--categories"], "sentimill scrub").categories == ()
    assert parse(ScrubOptions, ["a.jsonl", "--categories", "age", "race"], "sentimill scrub").categories == (
        DemographicCategory.age,
        DemographicCategory.race,
    )


def test_an_argument_may_be_left_out_or_is_named(capsys):
    assert parse(RollbackOptions, [], "sentimill rollback").taxonomy is None
    with pytest.raises(SystemExit):
        parse(TrainOptions, ["run"], "sentimill train")

    assert capsys.readouterr().err == (
        "sentimill: the following arguments are required: FOLDER. See sentimill train --help.\n"
    )


class Table(Config):
    """A section that may be left out."""

    path: str
    """Where it is."""
    text: str | None = None
    """Its column."""


class WithTable(Config):
    """Options with such a section."""

    real: Table | None = None
    """A table."""


@pytest.mark.parametrize(
    ("arguments", "table"),
    [
        ([], None),
        (["--real", "a.csv"], Table(path="a.csv")),
        (["--real=a.csv", "--real.text", "body"], Table(path="a.csv", text="body")),
        (["--real.path", "a.csv"], Table(path="a.csv")),
        (["--real", '{"path": "a.csv", "text": "body"}'], Table(path="a.csv", text="body")),
        (["--real", "null"], None),
    ],
)
def test_a_section_that_may_be_left_out_is_given_by_its_path(arguments, table):
    assert parse(WithTable, arguments, "sentimill data").real == table


def test_the_path_of_a_section_and_its_options_may_come_from_different_places(tmp_path, monkeypatch):
    file = tmp_path / "run.yaml"
    file.write_text("real: a.csv\n")
    given = ["--config", str(file), "--real.text", "body"]
    assert parse(WithTable, given, "sentimill data").real == Table(path="a.csv", text="body")

    monkeypatch.setenv("SENTIMILL_REAL", "b.csv")
    assert parse(WithTable, given, "sentimill data").real == Table(path="b.csv", text="body")


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path, monkeypatch):
    file = tmp_path / "run.yaml"
    file.write_text("taxonomy: ekman\nseed: 1\nplan: {rounds: 2, topics: [flights], texts_per_label: 5}\n")
    monkeypatch.setenv("SENTIMILL_SEED", "2")
    monkeypatch.setenv("SENTIMILL_PLAN__ROUNDS", "3")
    monkeypatch.setenv("SENTIMILL_PLAN__STYLES", "diary line, chat message")
    monkeypatch.setenv("SENTIMILL_CLEANING__LANGUAGE", "null")
    config = read("--config", str(file), "--plan.rounds", "4")

    assert (config.taxonomy, config.seed, config.plan.rounds) == ("ekman", 2, 4)
    assert (config.plan.topics, config.plan.texts_per_label) == (["flights"], 5)
    assert config.plan.styles == ["diary line", "chat message"]
    assert config.cleaning.language is None


def test_the_configuration_of_a_run_is_a_file_like_others(tmp_path):
    config = RunConfig.model_validate({"taxonomy": "goemotions", "plan": {"topics": ["a", "b"]}}).resolved()
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config.model_dump(mode="json"), indent=2))

    assert read("--config", str(file)) == config
    assert read("--config", str(file), "--seed", "7") == config.model_copy(update={"seed": 7})


def test_a_configuration_comes_by_standard_input_or_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("seed: 5\n"))
    assert read("--config", "-").seed == 5

    (tmp_path / "run.yaml").write_text("seed: 6\n")
    monkeypatch.setenv("SENTIMILL_CONFIG", str(tmp_path / "run.yaml"))
    assert read().seed == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "plan:\n  rounds: many\n",
            "{file}, line 2: plan.rounds is 'many'; expected a valid integer. See --help.",
        ),
        (
            "taxonomy: ekman\nplan:\n  round: 2\n",
            "{file}, line 3: plan.round is not a setting. Did you mean --plan.rounds? "
            "Check its spelling. See --help.",
        ),
        (
            "- taxonomy\n",
            "{file} holds no settings; expected a mapping, such as the line `taxonomy: goemotions`. "
            "See --help.",
        ),
        ("seed: 1\nseed: 2\n", "{file}, line 2: key 'seed' is there twice; expected it once. Remove one."),
    ],
)
def test_a_wrong_value_of_a_file_is_named_with_its_line(complaint, tmp_path, content, message):
    file = tmp_path / "run.yaml"
    file.write_text(content)

    assert complaint("--config", str(file)) == f"sentimill: {message.format(file=file)}\n"


def test_a_file_that_is_not_there_is_named(complaint, tmp_path):
    assert complaint("--config", f"{tmp_path}/none.yaml") == (
        f"sentimill: {tmp_path}/none.yaml is missing; expected a YAML file. Check the path.\n"
    )


def test_a_wrong_value_of_the_environment_is_named_by_its_variable(complaint, monkeypatch):
    monkeypatch.setenv("SENTIMILL_PLAN__ROUNDS", "0")

    assert complaint() == (
        "sentimill: SENTIMILL_PLAN__ROUNDS is '0'; expected greater than or equal to 1. See --help.\n"
    )


def test_help_lists_every_option_with_its_meaning(capsys):
    with pytest.raises(SystemExit) as caught:
        read("--help")
    out, err = capsys.readouterr()
    text = " ".join(out.split())

    assert (caught.value.code, err) == (0, "")
    assert out.startswith("usage: sentimill run [options]\n\n")
    for section, model in (("", RunConfig), *((n, type(v)) for n, v in dict(RunConfig()).items() if _is(v))):
        for name, field in model.model_fields.items():
            if not _is(field.default):
                assert f"--{f'{section}.{name}'.lstrip('.').replace('_', '-')}" in text
                said = " ".join(field.description.split()[:4])
                assert said in text or f"{name} options: " in text  # a section that may be left out


def _is(value):
    return isinstance(value, BaseModel)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    from tasks.cli.main import dispatch

    with pytest.raises(SystemExit) as caught:
        dispatch([name, "--help"])

    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: sentimill {name} [options]")


def test_no_arguments_are_the_defaults():
    assert read() == RunConfig()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"taxonomy": "goemotions", "seed": 7, "real": "my data/it's here"},
        {
            "plan": {
                "texts_per_label": 20,
                "topics": ["flights", "books and reading"],
                "topics_file": "own.yaml",
            }
        },
        {"plan": {"topics": ["salt, pepper", "tea"], "styles": ["diary line"]}},
        {"scrubbing": {"enabled": False, "categories": ["religion", "age"]}, "verifying": {"enabled": False}},
        {"scrubbing": {"categories": []}},
        {"cleaning": {"language": None, "profanity_filter": True}},
        {"generator": {"model": "a/b", "prompt_form": "plain", "temperature": 0.7}, "profile": "hub"},
        {
            "training": {"precision": "no", "learning_rate": 3e-05},
            "mixing": {"real_fraction": 0.25, "max_real_rows": 100},
        },
        {
            "evaluation": {"rivals": ["generator", "setfit"]},
            "rivals": {"setfit_rows": [8], "llm_endpoint": "http://localhost:8000/v1"},
        },
    ],
)
def test_the_command_of_a_run_remakes_its_configuration(values):
    config = RunConfig.model_validate(values)
    (*command,) = shlex.split(command_of(config))

    assert command[:2] == ["sentimill", "run"]
    assert read(*command[2:]) == config


def test_the_command_of_a_run_reads_as_one_would_type_it():
    values = {
        "taxonomy": "ekman",
        "plan": {"texts_per_label": 9, "topics": ["a", "b"]},
        "mixing": {"real_fraction": 0.5},
    }

    assert command_of(RunConfig.model_validate(values)) == (
        "sentimill run --taxonomy ekman --plan.texts-per-label 9 --plan.topics a,b --mixing.real-fraction 0.5"
    )


def test_the_path_of_real_data_may_come_with_its_columns():
    assert read("--real", "a.csv", "--real.labels", "joy", "fear").real == RealConfig(
        path="a.csv", labels=("joy", "fear")
    )
    assert read("--real=a.csv", "--real.text", "body").real == RealConfig(path="a.csv", text="body")


def test_the_path_of_real_data_may_come_from_the_environment_and_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "run.yaml").write_text("real: from-file.csv\n")
    assert read("--config", str(tmp_path / "run.yaml")).real == RealConfig(path="from-file.csv")
    monkeypatch.setenv("SENTIMILL_REAL", "from-environment.csv")
    assert read().real == RealConfig(path="from-environment.csv")
