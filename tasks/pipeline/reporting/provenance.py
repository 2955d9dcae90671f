"""What made a run: versions, commands, time."""

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version

from tasks.config import RunConfig

PACKAGES = (
    "accelerate",
    "cleanlab",
    "datasets",
    "presidio-analyzer",
    "prefect",
    "torch",
    "transformers",
)


def versions() -> dict[str, str]:
    """Python and the packages that decide the outcome."""
    return {"python": python_version(), **{name: version(name) for name in PACKAGES}}


def now() -> str:
    """ISO 8601 time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def command_of(config: RunConfig) -> str:
    """Command line that remakes a run: the values that differ from the defaults."""
    given = config.model_dump(mode="json", exclude_defaults=True)
    flags = [flag for name, value in _flat(given).items() for flag in _flags(name, value)]
    return " ".join(["sentimill run", *map(shlex.quote, flags)])


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _flags(name: str, value: object) -> tuple[str, ...]:
    """A option as the command line takes it."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return (f"--{option}" if value else f"--no-{option}",)
    if isinstance(value, list):
        plain = value and not any(set(str(item)) & set(',[]"') for item in value)
        return (f"--{option}", ",".join(map(str, value)) if plain else json.dumps(value, ensure_ascii=False))
    return (f"--{option}", "null" if value is None else str(value))
