"""YAML files that users write, checked against a model; every message names the file and the line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tasks.config.messages import found_and_expected

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]

MAX_OFFENDERS = 5


@dataclass(frozen=True)
class YamlFile:
    """A parsed file that knows the line of each of its keys; JSON is YAML, too."""

    name: str
    tree: Any
    """Round-trip nodes of ruamel.yaml."""
    values: Any
    """The same as plain lists and dicts."""

    def line(self, location: Location) -> int:
        """Line of the deepest node on the way to a location, from 1."""
        line, node = 1, self.tree
        for part in location:
            if not _holds(node, part):
                break
            line, node = _line_of(node, part, line), node[part]
        return line

    def path(self, location: Location) -> Location:
        """A location of pydantic without the union members that it names on the way."""
        kept: list[int | str] = []
        node = self.tree
        for i, part in enumerate(location):
            if _holds(node, part):
                kept.append(part)
                node = node[part]
            elif i == len(location) - 1 and isinstance(node, CommentedMap):
                kept.append(part)  # what is missing
        return tuple(kept)


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read one YAML file as a model.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not YAML, or does not fit the model; names the file, the line and the key.
    """
    file = parse_file(path)
    expected = ", ".join(model.model_fields)
    if file.values is None:
        raise ValueError(f"{path} is empty; expected the keys {expected}. Fill it in.")
    if not isinstance(file.values, dict):
        raise ValueError(f"{path} is no mapping; expected the keys {expected}. Give each a line of its own.")
    try:
        return model.model_validate(file.values)
    except ValidationError as error:
        raise ValueError(_complaint(file, error.errors())) from None


def parse_file(path: Path) -> YamlFile:
    """Parse a file that a user names.

    Raises:
        FileNotFoundError: There is no such file, or it is a folder.
        ValueError: It is not UTF-8 text, or not YAML.
    """
    file = path.expanduser()
    if file.is_dir():
        raise FileNotFoundError(f"{path} is a folder; expected a YAML file. Give the path of the file.")
    if not file.exists():
        looked = "" if file.is_absolute() else f" (looked in {Path.cwd()})"
        raise FileNotFoundError(f"{path} is missing{looked}; expected a YAML file. Check the path.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text ({error.reason}); expected a YAML file. Save it as UTF-8."
        ) from None
    return parse_text(text, str(path))


def parse_text(text: str, name: str) -> YamlFile:
    """Parse YAML or JSON text; `name` is what messages call it.

    Raises:
        ValueError: It is not YAML, has a key twice, a tag, or an alias of what contains it.
    """
    yaml = YAML(typ="rt", pure=True)
    try:
        tree = yaml.load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1
        key = str(error.problem).split('"')[1]
        raise ValueError(
            f"{name}, line {line}: key {key!r} is there twice; expected it once. Remove one."
        ) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ValueError(
            f"{name}, line {line} is not YAML: {error.problem}; expected valid YAML. Fix that line."
        ) from None
    except YAMLError as error:
        problem = str(error).splitlines()[0]
        raise ValueError(f"{name} is not YAML: {problem}; expected valid YAML. Fix it.") from None
    return YamlFile(name, tree, _plain(tree, name, 1))


def _plain(node: Any, name: str, line: int, above: tuple[int, ...] = ()) -> Any:
    """Nodes as lists, dicts and scalars; `above` are the ids of the nodes that contain this one."""
    if id(node) in above:
        raise ValueError(
            f"{name}, line {line}: an alias names a node that contains it; expected a tree. "
            "Write the value out."
        )
    if isinstance(node, TaggedScalar) or getattr(getattr(node, "tag", None), "value", None):
        raise ValueError(
            f"{name}, line {line}: {node.tag.value} is a tag; expected plain YAML. Remove the tag."
        )
    inside = (*above, id(node))
    if isinstance(node, CommentedMap):
        return {key: _plain(value, name, _line_of(node, key, line), inside) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value, name, _line_of(node, i, line), inside) for i, value in enumerate(node)]
    return node


def _line_of(node: Any, part: Any, above: int) -> int:
    """Line of a key or an item, from 1; that of its parent for a key that `<<` merged in."""
    if isinstance(node, CommentedMap):
        return int(node.lc.key(part)[0]) + 1 if part in (node.lc.data or ()) else above
    return int(node.lc.item(part)[0]) + 1


def _holds(node: Any, part: int | str) -> bool:
    if isinstance(node, CommentedMap):
        return part in node
    return isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node)


def _complaint(file: YamlFile, errors: list[ErrorDetails]) -> str:
    paths = [file.path(error["loc"]) for error in errors]
    deepest = [  # a value that may be one of two kinds is reported for both; the nearer miss says more
        (path, error)
        for path, error in zip(paths, errors, strict=True)
        if not any(other[: len(path)] == path and len(other) > len(path) for other in paths)
    ]
    lines = [f"{file.name}, line {file.line(path)}: {_says(path, error)}" for path, error in deepest]
    if len(lines) > MAX_OFFENDERS:
        lines[MAX_OFFENDERS:] = [f"... and {len(lines) - MAX_OFFENDERS} more."]
    return "\n".join(lines)


def _says(path: Location, error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in path)
    if error["type"] == "extra_forbidden":
        return f"{where} is not a known key. Check its spelling."
    if error["type"] == "invalid_key":
        return f"key {where} is no text; expected text. Put it in quotes."
    return found_and_expected(where, error)
