"""Write configuration.md from the configuration models; `--check` only says whether it is up to date.

    python docs/generate_configuration.py [--check]          or `make fix`

Names, values, defaults and meanings all come from the models, so this page cannot contradict `--help`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from deployments.api.settings import PREFIX, ApiSettings
from tasks.config import PROFILES, AblationConfig, AuditConfig, PruneConfig, RunConfig, TuneConfig

PAGE = Path(__file__).parent / "configuration.md"
COMMANDS: tuple[tuple[str, type[BaseModel], type[BaseModel] | None], ...] = (
    ("run", RunConfig, None),
    ("ablate", AblationConfig, RunConfig),
    ("audit", AuditConfig, None),
    ("tune-generator", TuneConfig, None),
    ("prune", PruneConfig, None),
    ("serve", ApiSettings, None),
)
"""Command, its options, and options that it shares with a command above."""
HEAD = f"""# Configuration

<!-- Written by docs/generate_configuration.py. Do not edit. -->

Every option of every command. `sentimill COMMAND --help` prints the same.

- On the command line, write `--section.option value`, for example `--plan.topics-per-label 5`. Booleans are
  `--x` and `--no-x`; lists are `a b c` or `a,b,c`.
- In a file, write the same tree in YAML or JSON, with `_` for `-`, and give it with `--config FILE`. The
  `config.json` of a run is such a file.
- Flags override the environment, and the environment overrides the file. Options of `serve` are variables
  `{PREFIX}<OPTION>`.
- In the Prefect UI, the form of a deployment shows the same options.
- *profile* as a default means that the [profile](#profiles) decides.
"""
SEPARATOR = "|---|---|---|---|"
KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true, false"}


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
    for command, config, shared in COMMANDS:
        parts += [f"## {command}\n", *_command(command, config, shared)]
    return "\n".join(parts)


def _profiles() -> Iterator[str]:
    names = [profile.value for profile in PROFILES]
    options = dict.fromkeys(
        f"{section}.{option}"
        for values in PROFILES.values()
        for section in values
        for option in values[section]
    )
    yield "## Profiles\n"
    yield f"| Option | {' | '.join(f'`{name}`' for name in names)} |\n|{'---|' * (len(names) + 1)}"
    for option in options:
        section, field = option.split(".")
        values = (sections.get(section, {}).get(field) for sections in PROFILES.values())
        yield f"| `{_flag(section, field)}` | {' | '.join(map(_default, values))} |"
    yield ""


def _command(command: str, config: type[BaseModel], shared: type[BaseModel] | None) -> Iterator[str]:
    schema = config.model_json_schema()
    if shared is not None:
        known = shared.model_fields
        schema["properties"] = {k: v for k, v in schema["properties"].items() if k not in known}
        yield "Beside these, all options of `run`.\n"
    yield from _section(schema, schema.get("$defs", {}), command, (), {})


def _section(
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    command: str,
    path: tuple[str, ...],
    given: Mapping[str, Any],
) -> Iterator[str]:
    """Options of one model as a table, then those of the models inside it.

    Args:
        schema: JSON schema of the model.
        definitions: Schemas that it refers to.
        command: For the headings.
        path: Names of the sections around it.
        given: Defaults that the model around it sets.
    """
    options: list[tuple[str, Any]] = []
    sections: list[tuple[str, Any, Any]] = []
    for name, option in schema["properties"].items():
        inner = definitions.get(option.get("$ref", "").rpartition("/")[2], {})
        if "properties" in inner:
            sections.append((name, option, inner))
        else:
            options.append((name, option))
    if path:
        yield f"### {command}: {'.'.join(path)}\n\n{_line(schema.get('description', ''))}\n"
    if options:
        yield f"| Option | Values | Default | Meaning |\n{SEPARATOR}"
    for name, option in options:
        default = given.get(name, option.get("default"))
        decided = default is None and _decided_by_profile(path, name)
        shown = "*profile*" if decided else _default(default)
        values = _values(option, definitions)
        yield f"| `{_flag(*path, name)}` | {values} | {shown} | {_line(option.get('description', ''))} |"
    yield ""
    for name, option, inner in sections:
        yield from _section(inner, definitions, command, (*path, name), option.get("default") or {})


def _decided_by_profile(path: tuple[str, ...], name: str) -> bool:
    return any(name in sections.get(".".join(path), {}) for sections in PROFILES.values())


def _flag(*path: str) -> str:
    return "--" + ".".join(path).replace("_", "-")


def _values(option: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
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
