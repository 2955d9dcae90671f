"""YAML files that users write, checked against a model; every complaint names the file and the line."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.constructor import SafeConstructor

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]

MAX_OFFENDERS = 5


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read one YAML file as a model.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not YAML, or does not fit the model; names the file, the line and the key.
    """
    tree = _parsed(path)
    try:
        return model.model_validate(_plain(tree, path))
    except ValidationError as error:
        raise ValueError(_complaint(path, tree, error.errors())) from None


def _parsed(path: Path) -> yaml.Node | None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; expected a YAML file. Check the path.")
    try:
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error.reason}); expected a YAML file.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(
            f"{path}, line {line} is not YAML: {error.problem}; expected valid YAML. Fix that line."
        ) from None


def _plain(tree: yaml.Node | None, path: Path) -> object:
    """Turn nodes into lists and dicts; a key that stands twice is refused, YAML would keep the last."""
    if isinstance(tree, yaml.MappingNode):
        keys = [key.value for key, _ in tree.value]
        for i, (key, _) in enumerate(tree.value):
            if key.value in keys[:i]:
                line = key.start_mark.line + 1
                raise ValueError(f"{path}, line {line}: key {key.value!r} stands twice; expected it once.")
        return {key.value: _plain(value, path) for key, value in tree.value}
    if isinstance(tree, yaml.SequenceNode):
        return [_plain(value, path) for value in tree.value]
    return None if tree is None else SafeConstructor().construct_object(tree)


def _complaint(path: Path, tree: yaml.Node | None, errors: list[ErrorDetails]) -> str:
    lines = [f"{path}, line {_line(tree, error['loc'])}: {_says(error)}" for error in errors[:MAX_OFFENDERS]]
    if len(errors) > MAX_OFFENDERS:
        lines.append(f"... and {len(errors) - MAX_OFFENDERS} more.")
    return "\n".join(lines)


def _says(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{where} is not a known key. Check its spelling."
    if error["type"] == "missing":
        return f"{where} is missing; expected a value. Add it."
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return f"{where} is {error['input']!r}; expected otherwise: {error['msg']}."


def _line(tree: yaml.Node | None, location: Location) -> int:
    """Line of the deepest node on the way to a location."""
    line = 1
    for part in location:
        if isinstance(tree, yaml.MappingNode):
            found = next(((k, v) for k, v in tree.value if k.value == part), None)
            if found is None:
                break
            line, tree = found[0].start_mark.line + 1, found[1]
        elif isinstance(tree, yaml.SequenceNode) and isinstance(part, int):
            tree = tree.value[part]
            line = tree.start_mark.line + 1
    return line
