"""Command-line arguments in the forms that people type: `--x a b c`, `--x false`."""

from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

TRUE = {"true", "yes", "on", "1"}
FALSE = {"false", "no", "off", "0"}


def normalise(arguments: Sequence[str], model: type[BaseModel]) -> list[str]:
    """Write every form that people type in the one that pydantic-settings reads.

    `--x a b c` becomes `--x a --x b --x c`, `--x` alone an empty list, `--x false` becomes `--no-x`, and
    `--x PATH` becomes `--x.path PATH` where x is a section that may be left out.
    """
    kinds = dict(_kinds(model))
    done: list[str] = []
    rest = list(arguments)
    while rest:
        flag, given, value = rest.pop(0).partition("=")
        kind = kinds.get(flag)
        if kind is bool and (value or "".join(rest[:1])).lower() in TRUE | FALSE:
            word = (value or rest.pop(0)).lower()
            done.append(flag if word in TRUE else f"--no-{flag[2:]}")
        elif kind is list and not given:
            words = _take_words(rest) or ["[]"]
            done += [part for word in words for part in (flag, word)]
        elif kind is BaseModel and _is_path(value or "".join(rest[:1])) and f"{flag}.path" in kinds:
            done.append(f"{flag}.path{given}{value}")
        else:
            done.append(flag + given + value)
    return done


def unknown_flags(words: Sequence[str], model: type[BaseModel]) -> list[str]:
    """Options among normalised words that a model does not have."""
    kinds = dict(_kinds(model))
    sections = {flag.rpartition(".")[0] for flag in kinds} - {""}
    switches = {f"--no-{flag[2:]}" for flag, kind in kinds.items() if kind is bool}
    known = {*kinds, *sections, *switches, "--help"}
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [flag for flag in dict.fromkeys(flags) if flag not in known]


def flags_of(model: type[BaseModel]) -> list[str]:
    """Every option of a model, such as --plan.topics."""
    return [flag for flag, _ in _kinds(model)]


def flag_of(location: Sequence[int | str]) -> str:
    """The option of a field: `("plan", "topics_file")` is --plan.topics-file."""
    return "--" + ".".join(map(str, location)).replace("_", "-")


def with_paths(values: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Write a section that is given by its path alone as a section, so that other sources can add to it."""
    kinds = dict(_kinds(model))
    return {
        name: {"path": value} if isinstance(value, str) and f"{flag_of([name])}.path" in kinds else value
        for name, value in values.items()
    }


def is_list(field: FieldInfo) -> bool:
    """Whether a field holds several values, or nothing."""
    return _kind(field.annotation) is list


def _kinds(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, type | None]]:
    """Every option with its kind: bool, list, BaseModel for a section that may be left out, or None."""
    for name, field in model.model_fields.items():
        parts = _parts(field.annotation)
        sections = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
        for section in sections:
            yield from _kinds(section, (*prefix, name))
        if not sections or len(parts) > 1:
            yield flag_of((*prefix, name)), BaseModel if sections else _kind(field.annotation)


def _kind(annotation: Any) -> type | None:
    kinds = {list if get_origin(part) in (list, tuple, set) else part for part in _parts(annotation)}
    kinds -= {type(None)}
    return kinds.pop() if len(kinds) == 1 and kinds <= {bool, list} else None


def _parts(annotation: Any) -> tuple[Any, ...]:
    """Members of a union, or the annotation alone."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _is_path(word: str) -> bool:
    """Whether a word is neither JSON, an option nor nothing."""
    return bool(word) and word != "null" and not word.startswith(("{", "--"))


def _take_words(rest: list[str]) -> list[str]:
    """Remove and return the words in front, up to the next option."""
    n = next((i for i, word in enumerate(rest) if word.startswith("--") or word == "-h"), len(rest))
    words, rest[:] = rest[:n], rest[n:]
    return words
