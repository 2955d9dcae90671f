"""Command-line arguments to a configuration."""

import re
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from tasks.cli.errors import fail


def parse(config: type[BaseModel], arguments: list[str], program: str) -> Any:
    """Read a configuration from command-line arguments; `--help` prints every option.

    Raises:
        SystemExit: 2 with one line per wrong value.
    """
    settings = SettingsConfigDict(
        cli_prog_name=program,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_exit_on_error=False,  # argparse would print forty lines of usage above the one that matters
        cli_use_class_docs_for_groups=True,
    )
    made = type(
        config.__name__, (config, BaseSettings), {"model_config": settings, "__doc__": config.__doc__}
    )
    try:
        return config.model_validate(CliApp.run(made, cli_args=arguments).model_dump(exclude_unset=True))
    except (ValidationError, SettingsError) as error:
        fail(complaint(error))


def complaint(error: ValidationError | SettingsError) -> str:
    """Say what is wrong with a configuration, one line per value, five at most."""
    if isinstance(error, SettingsError):
        return f"{str(error).removeprefix('error parsing CLI: ')}. See --help."
    lines = [_line(item) for item in error.errors()[:5]]
    more = f" And {error.error_count() - 5} more." if error.error_count() > 5 else ""
    return "\n".join(lines) + more + " See --help."


def _line(item: ErrorDetails) -> str:
    """One message, in terms of the flag that was given."""
    flag = "--" + ".".join(str(part) for part in item["loc"]).replace("_", "-")
    if item["type"] == "value_error":  # a rule of ours, which says all that there is to say
        return str(item["ctx"]["error"])
    if item["type"] == "extra_forbidden":
        return f"unknown option {flag}; expected one of those that --help lists. Check its spelling."
    rule = re.sub(r"^(Input|List|Tuple|Value) should (be|have) ", "", item["msg"])
    return f"{flag} is {item['input']!r}; expected {rule}."
