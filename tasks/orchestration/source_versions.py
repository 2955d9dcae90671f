"""Version of a stage: a hash of the source that decides what comes out of it.

Counted are the function of the stage, what it uses in `tasks.stages`, and every module of the packages
`COUNTED` that these import, directly or through others, with the data files beside those modules. Comments,
docstrings and layout do not count. Nor does what decides nothing: configurations are part of the cache key by
value; storage and orchestration only hand results on, so that their imports are followed and no more.
"""

import ast
import copy
import inspect
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from tasks.orchestration.known_sources import Facts, KnownSources
from tasks.storage.hashing import sha256_of

ROOT = Path(__file__).parents[2]
COUNTED = ("tasks.data", "tasks.models", "tasks.pipeline", "tasks.prompts", "tasks.taxonomy")
BY_DEFINITION = "tasks.stages"
"""Package whose modules hold several stages each: of these, only the definitions in use count."""
BY_VALUE = ("tasks/models/embedded/", "tasks/taxonomy/")
"""Data files that stages get as inputs: weights by their hash, labels and topics as they are."""
LOCK = Lock()


class Place(NamedTuple):
    """A module, or one definition in it."""

    module: str
    name: str = ""


class Source:
    """One module, read but not run, and parsed only where it is not known or a piece of it counts."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._content = file.read_bytes()

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self._content)

    @cached_property
    def facts(self) -> Facts:
        """What it imports and defines, and a hash of it all."""
        key = sha256_of(self._content)
        facts = known_sources().get(key)
        if facts is None:
            facts = Facts(self._imports(), list(self.definitions), digest_of(self.tree))
            known_sources().add(key, facts)
        return facts

    @cached_property
    def imports(self) -> dict[str, Place]:
        """Module and name behind every imported name, wherever in the module its import is."""
        return {name: Place(*place) for name, place in self.facts.imports.items()}

    @cached_property
    def definitions(self) -> dict[str, ast.stmt]:
        """Functions, classes and constants at the top of the module, by name."""
        return {name: node for node in self.tree.body for name in _names_of(node)}

    def _imports(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                found |= {a.asname or a.name: [str(node.module), a.name] for a in node.names}
            elif isinstance(node, ast.Import):
                found |= {a.asname or a.name.split(".")[0]: [a.name] for a in node.names}
        return found

    def function(self, name: str, line: int) -> ast.stmt:
        """A function by its name and its first line, without name and decorators."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef) and node.name == name and line in _first_lines(node):
                bare = copy.copy(node)
                bare.name, bare.decorator_list = "", []
                return bare
        raise LookupError(
            f"{self.file} has no function {name} at line {line}; expected it there. The file was changed "
            "while it was in use: start again."
        )


class SourceTree:
    """The modules below a root, each read when it is first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sources: dict[str, Source | None] = {}
        self._data: dict[Path, str] = {}

    def version(self, function: Callable[..., Any]) -> str:
        """Hash of all source that decides what a function returns."""
        code, module = function.__code__, function.__module__
        source = self.source(module) or Source(Path(inspect.getfile(function)))
        self._sources[module] = source
        node = source.function(function.__name__, code.co_firstlineno)
        lines = {f"function {digest_of(node)}"}
        for place in self.reached(module, node):
            lines.update(self._lines(place))
        return sha256_of("\n".join(sorted(lines)).encode())[:16]

    def reached(self, module: str, node: ast.AST) -> set[Place]:
        """Modules and definitions that a piece of a module uses, directly or through others."""
        found: set[Place] = set()
        new = set(self._used(module, node))
        while new:
            found |= new
            new = {after for place in new for after in self._uses(place)} - found
        return found

    def source(self, module: str) -> Source | None:
        """A module by its name; None for one that does not lie below the root."""
        if module not in self._sources:
            path = self.root.joinpath(*module.split("."))
            files = (path.with_suffix(".py"), path / "__init__.py")
            self._sources[module] = next((Source(file) for file in files if file.is_file()), None)
        return self._sources[module]

    def _uses(self, place: Place) -> Iterator[Place]:
        source = self.source(place.module)
        if source and place.name:
            yield from self._used(place.module, source.definitions[place.name])
        elif source:
            yield from (self._resolved(imported) for imported in source.imports.values())

    def _used(self, module: str, node: ast.AST) -> Iterator[Place]:
        """Where everything that a piece of a module names is defined."""
        source = self.source(module)
        assert source is not None
        names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        yield from (Place(module, name) for name in names & source.definitions.keys())
        yield from (self._resolved(source.imports[name]) for name in names & source.imports.keys())

    def _resolved(self, imported: Place) -> Place:
        """Where an imported name is defined; a package that only hands it on is passed by."""
        module, name = imported
        source = self.source(module)
        if source is None or not name:
            return Place(module)
        if self.source(f"{module}.{name}"):
            return Place(f"{module}.{name}")
        if name in source.imports and name not in source.facts.defined:
            return self._resolved(source.imports[name])
        return Place(module, name if module.startswith(BY_DEFINITION) else "")

    def _lines(self, place: Place) -> Iterator[str]:
        """What of a place counts: names, each with a hash."""
        source = self.source(place.module)
        if source and place.name:
            yield f"{place.module}.{place.name} {digest_of(source.definitions[place.name])}"
        elif source and place.module.startswith(COUNTED):
            yield f"{place.module} {source.facts.digest}"
            for file in data_files(source.file.parent):
                name = file.relative_to(self.root).as_posix()
                if not name.startswith(BY_VALUE):
                    yield f"{name} {self._sha256_of(file)}"

    def _sha256_of(self, file: Path) -> str:
        if file not in self._data:
            self._data[file] = sha256_of(file.read_bytes())
        return self._data[file]


OWN = SourceTree(ROOT)


@cache
def known_sources() -> KnownSources:
    """What this process knows of modules."""
    return KnownSources(Path(__file__))


_versions: dict[Callable[..., Any], str] = {}


def version_of(function: Callable[..., Any]) -> str:
    """Version of a stage's function in this installation: the same in every process and on every machine."""
    if function not in _versions:
        with LOCK:  # many cells ask at once
            if function not in _versions:
                version = OWN.version(function)
                known_sources().keep()
                _versions[function] = version
    return _versions[function]


def data_files(folder: Path) -> Iterator[Path]:
    """Files of a package that are no modules, also in folders below that are no packages."""
    for entry in sorted(folder.iterdir()):
        if entry.is_file() and entry.suffix != ".py":
            yield entry
        elif entry.is_dir() and entry.name != "__pycache__" and not (entry / "__init__.py").exists():
            yield from data_files(entry)


def digest_of(node: ast.AST) -> str:
    """Hash of a piece of syntax: what it does, however it is laid out and described."""
    return sha256_of(repr(_plain(node)).encode())


def _plain(value: object) -> object:
    """Syntax as lists and strings. Empty fields are left out, because other Pythons have other ones."""
    if isinstance(value, ast.AST):
        fields = [(name, _plain(item)) for name, item in ast.iter_fields(value) if item not in (None, [])]
        return [type(value).__name__, *fields]
    if isinstance(value, list):
        return [_plain(item) for item in value if not _is_docstring(item)]
    return repr(value)


def _is_docstring(node: object) -> bool:
    """Whether a statement is a string and no more, as docstrings of modules, functions and fields are."""
    constant = node.value if isinstance(node, ast.Expr) else None
    return isinstance(constant, ast.Constant) and isinstance(constant.value, str)


def _first_lines(node: ast.FunctionDef) -> tuple[int, ...]:
    """Lines that a function may be said to begin at: its own, and those of its decorators."""
    return (node.lineno, *(decorator.lineno for decorator in node.decorator_list))


def _names_of(node: ast.stmt) -> list[str]:
    """Names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        name.id for target in targets if target for name in ast.walk(target) if isinstance(name, ast.Name)
    ]
