"""Command-line arguments, environment and a file to one configuration, or one message."""

import os
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import CliApp, CliPositionalArg, CliSettingsSource, SettingsError

from tasks.cli.arguments import flag_of, flags_of, normalise, unknown_flags
from tasks.cli.errors import fail
from tasks.cli.sources import Sources, settings_class
from tasks.config.messages import found_and_expected, suggestion

MAX_OFFENDERS = 5
_POSITIONAL = get_args(cast("Any", CliPositionalArg)[Any])[1]
"""How pydantic-settings marks a field that is given without a flag."""

Options = TypeVar("Options", bound=BaseModel)


def parse(model: type[Options], arguments: list[str], program: str) -> Options:
    """Read a configuration; a flag wins over the environment, the environment over the file of `--config`.

    Args:
        model: What is to be read.
        arguments: Words after the program's name.
        program: How help calls it.

    Raises:
        SystemExit: 0 after `--help`; 2 with one line per wrong value.
    """
    settings = settings_class(model, program)
    words = normalise(arguments, settings)
    if unknown := unknown_flags(words, settings):
        known = flags_of(settings)
        hints = [f"{flag} is not an option of {program}.{suggestion(flag, known)}" for flag in unknown]
        fail("\n".join(hints) + f" See {program} --help.")
    source: CliSettingsSource[Any] = CliSettingsSource(settings)
    source.root_parser.usage = _usage(model, program)
    try:
        given = CliApp.run(settings, cli_args=words, cli_settings_source=source)
        return model.model_validate(given.model_dump(exclude_unset=True, exclude={"config"}))
    except ValidationError as error:
        fail(complaint(error, words, settings))
    except SettingsError as error:
        fail(f"{str(error).removeprefix('error parsing CLI: ')}. See {program} --help.")
    except (OSError, ValueError) as error:  # the file
        fail(str(error))


def _usage(model: type[BaseModel], program: str) -> str:
    """`sentimill run [options]` in place of forty lines that list every option a second time."""
    arguments = [name.upper() for name, field in model.model_fields.items() if _POSITIONAL in field.metadata]
    return " ".join([program, "[options]", *arguments])


def complaint(error: ValidationError, words: list[str], settings: type[Sources]) -> str:
    """Say what is wrong with a configuration, one line per value, five at most."""
    known = flags_of(settings)
    lines = [_line(item, words, settings, known) for item in error.errors()[:MAX_OFFENDERS]]
    more = error.error_count() - MAX_OFFENDERS
    return "\n".join(lines) + (f" And {more} more." if more > 0 else "") + " See --help."


def _line(item: ErrorDetails, words: list[str], settings: type[Sources], known: list[str]) -> str:
    """One complaint, in terms of where the value was given."""
    flag = flag_of(item["loc"])
    where = _origin(item["loc"], words, settings)
    if item["type"] == "missing":
        return f"{item['loc'][-1]} is missing; expected it as an argument. Add it."
    if item["type"] == "extra_forbidden":
        return f"{where} is not a setting.{suggestion(flag, known)} Check its spelling."
    return found_and_expected(where, item)


def _origin(location: tuple[int | str, ...], words: list[str], settings: type[Sources]) -> str:
    """The flag, the variable or the line of the file that a value came from."""
    flag = flag_of(location)
    variable = (str(settings.model_config["env_prefix"]) + "__".join(map(str, location))).upper()
    if any(word.partition("=")[0] == flag for word in words):
        return flag
    if variable in os.environ:
        return variable
    file = settings.settings_file
    if file is not None and len(file.path(location)) == len(location):
        return f"{file.name}, line {file.line(location)}: {'.'.join(map(str, location))}"
    return flag
