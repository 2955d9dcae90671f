"""Write configuration.md from the options of every command; `--check` only says whether it is up to date.

    python docs/generate_configuration.py [--check]          or `make fix`

Names, values, defaults and meanings come from the models that parse the command line, so this page cannot
contradict `--help`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from pydantic import BaseModel

from tasks.cli.main import COMMANDS
from tasks.config import PROFILES, RunConfig

PAGE = Path(__file__).parent / "configuration.md"
HEAD = """# Configuration

<!-- Written by docs/generate_configuration.py. Do not edit. -->

Every option of every command. `sentimill COMMAND --help` prints the same.

- On the command line, write `--section.option value`, for example `--plan.topics-per-label 5`. Booleans are
  `--x` and `--no-x`, or `--x true`; lists are `a b c` or `a,b,c`.
- In a file, write the same tree in YAML or JSON, with `_` for `-`, and give it with `--config FILE`. The
  `config.json` of a run is such a file.
- In the environment, `SENTIMILL_PLAN__TOPICS_PER_LABEL` is `--plan.topics-per-label`; for `serve`,
  `SENTIMILL_API_PORT` is `--port`.
- Flags override the environment, and the environment overrides the file.
- In the Prefect UI, the form of a deployment shows the same options.
- *profile* as a default means that the [profile](#profiles) decides.
"""
SEPARATOR = "|---|---|---|---|"
KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true, false"}
Schema = Mapping[str, Any]


def main() -> None:
    """Write the page, or fail with 1 if it is out of date."""
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif written != page():
        sys.exit(f"{PAGE} is out of date; expected what the configuration models say. Run `make fix`.")


def page() -> str:
    """The whole page as Markdown."""
    parts = [HEAD, *_profiles()]
    for name, command in COMMANDS.items():
        options = resolve_name(command.options)
        parts += [f"## {name}\n", f"{command.purpose}.\n", *_options(name, options)]
    return "\n".join(parts)


def _profiles() -> Iterator[str]:
    names = [profile.value for profile in PROFILES]
    options = dict.fromkeys(
        (section, option)
        for sections in PROFILES.values()
        for section, values in sections.items()
        for option in values
    )
    yield "## Profiles\n"
    yield f"| Option | {' | '.join(f'`{name}`' for name in names)} |\n|{'---|' * (len(names) + 1)}"
    for section, option in options:
        values = (sections.get(section, {}).get(option) for sections in PROFILES.values())
        yield f"| `{_flag(section, option)}` | {' | '.join(map(_default, values))} |"
    yield ""


def _options(command: str, config: type[BaseModel]) -> Iterator[str]:
    """Options of a command; those that it shares with `run` are only referred to."""
    schema = config.model_json_schema()
    if command != "run" and issubclass(config, RunConfig):
        yield f"{'All' if config is RunConfig else 'Beside these, all'} options of [run](#run).\n"
        schema["properties"] = {
            k: v for k, v in schema["properties"].items() if k not in RunConfig.model_fields
        }
    for name, field in config.model_fields.items():
        if any("PositionalArg" in str(mark) for mark in field.metadata):
            schema["properties"][name]["positional"] = True
    yield from _section(schema, schema.get("$defs", {}), command, (), {})


def _section(
    schema: Schema, definitions: Schema, command: str, path: tuple[str, ...], given: Schema
) -> Iterator[str]:
    """Options of one model as a table, then those of the models inside it.

    Args:
        schema: JSON schema of the model.
        definitions: Schemas that it refers to.
        command: For the headings.
        path: Names of the sections around it.
        given: Defaults that the model around it sets.
    """
    options: list[tuple[str, Schema]] = []
    sections: list[tuple[str, Schema, Schema]] = []
    for name, option in schema["properties"].items():
        refs = [part["$ref"] for part in (option, *option.get("anyOf", ())) if "$ref" in part]
        inner = definitions.get(refs[0].rpartition("/")[2], {}) if refs else {}
        if "properties" in inner:
            sections.append((name, option, inner))
        else:
            options.append((name, option))
    if path:
        yield f"### {command}: {'.'.join(path)}\n\n{_line(schema.get('description', ''))}\n"
    if options:
        yield f"| Option | Values | Default | Meaning |\n{SEPARATOR}"
        yield from (_row(path, name, option, definitions, given) for name, option in options)
        yield ""
    for name, option, inner in sections:
        default = option.get("default") or {}
        if command != "run" and not path and _is_that_of_run(name, default):
            yield f"`--{name}.*`: as for [run](#run-{name}).\n"
        else:
            yield from _section(inner, definitions, command, (*path, name), default)


def _is_that_of_run(section: str, default: Schema) -> bool:
    run = getattr(RunConfig(), section, None)
    return isinstance(run, BaseModel) and run.model_dump(mode="json") == default


def _row(path: tuple[str, ...], name: str, option: Schema, definitions: Schema, given: Schema) -> str:
    """One option as a row of the table."""
    default = given.get(name, option.get("default"))
    decided = default is None and any(
        name in sections.get(".".join(path), {}) for sections in PROFILES.values()
    )
    flag = name.upper() if option.get("positional") else _flag(*path, name)
    required = name not in given and "default" not in option
    cells = (
        f"`{flag}`",
        _values(option, definitions),
        "*required*" if required else "*profile*" if decided else _default(default),
        _line(option.get("description", "")),
    )
    return f"| {' | '.join(cells)} |"


def _flag(*path: str) -> str:
    return "--" + ".".join(path).replace("_", "-")


def _values(option: Schema, definitions: Schema) -> str:
    """Type or choices of an option, without the `null` of optional ones."""
    if "$ref" in option:
        return _values(definitions[option["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in option:
        parts = (part for part in option["anyOf"] if part.get("type") != "null")
        return ", or ".join(dict.fromkeys(_values(part, definitions) for part in parts))
    if "enum" in option:
        return " ".join(f"`{value}`" for value in option["enum"])
    if option.get("type") == "array":
        return f"list of {_values(option['items'], definitions)}"
    return "path" if option.get("format") == "path" else KINDS[option["type"]]


def _default(value: object) -> str:
    """A default as it is written on the command line; nothing for empty."""
    if value is None or value == []:
        return ""
    if isinstance(value, (list, tuple)):
        return " ".join(f"`{item}`" for item in value)
    text = str(getattr(value, "value", value))
    return f"`{text if isinstance(value, str) else json.dumps(value)}`"


def _line(text: str) -> str:
    """A text as one table cell."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
