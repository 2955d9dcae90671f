"""Command-line arguments in the forms that people type: `--x a b c`, `--x false`."""

from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

TRUE = {"true", "yes", "on", "1"}
FALSE = {"false", "no", "off", "0"}


def normalise(arguments: Sequence[str], model: type[BaseModel]) -> list[str]:
    """Write a list given as several words as one option per word, and a boolean as `--x` or `--no-x`.

    `--x a b c` becomes `--x a --x b --x c`, `--x` alone an empty list, `--x false` becomes `--no-x`.
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


def is_list(field: FieldInfo) -> bool:
    """Whether a field holds several values, or nothing."""
    return _kind(field.annotation) is list


def _kinds(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, type | None]]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _kinds(annotation, (*prefix, name))
        else:
            yield flag_of((*prefix, name)), _kind(annotation)


def _kind(annotation: Any) -> type | None:
    if get_origin(annotation) in (Union, UnionType):
        kinds = {_kind(part) for part in get_args(annotation) if part is not type(None)}
        return kinds.pop() if len(kinds) == 1 else None
    if annotation is bool:
        return bool
    return list if get_origin(annotation) in (list, tuple, set) else None


def _take_words(rest: list[str]) -> list[str]:
    """Remove and return the words in front, up to the next option."""
    n = next((i for i, word in enumerate(rest) if word.startswith("--") or word == "-h"), len(rest))
    words, rest[:] = rest[:n], rest[n:]
    return words
