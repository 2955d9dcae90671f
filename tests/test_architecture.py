"""Imports run one way, and names stay out of each other's way; read from the syntax, nothing is run."""

import ast
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
STAGES = (
    "sampling cleaning scrubbing verifying balancing training evaluation reporting tuning fairness"
).split()
MAY_IMPORT_PREFECT = {
    f"tasks.{name}"
    for name in (
        "approval auditing caching commandline events nights release rounds runners runpage runs store"
    ).split()
}
# What joins the stages; plain code knows nothing of it.
ABOVE = {
    f"tasks.{name}"
    for name in (
        "approval auditing commandline correcting events generator_card nights proof pruning release "
        "rollback rounds runpage runs stages"
    ).split()
}


def _is_above(module):
    return module in ABOVE or module.startswith("tasks.stages.")


def _module(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {
    _module(file): ast.parse(file.read_text(encoding="utf-8"))
    for folder in ("flows", "tasks", "deployments")
    for file in sorted((ROOT / folder).rglob("*.py"))
}


def _imports(module):
    """Every module that a module names in an import, at the top or inside a function."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in TREES else str(node.module)


def _stage(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "tasks" and parts[1] in STAGES else None


def test_there_is_something_to_look_at():
    assert {"tasks.config", "tasks.training.train", "flows.regenerate"} <= set(TREES)
    assert set(_imports("tasks.training.train")) >= {"tasks.fitting", "tasks.training.classifier", "torch"}


def test_only_the_joints_import_prefect():
    importers = {
        module for module in TREES if any(name.split(".")[0] == "prefect" for name in _imports(module))
    }

    assert {m for m in importers if m.startswith("tasks")} <= MAY_IMPORT_PREFECT


def test_a_stage_never_imports_another_stage():
    crossings = [
        f"{module} imports {name}"
        for module in TREES
        for name in _imports(module)
        if _stage(module) and _stage(name) and _stage(module) != _stage(name)
    ]

    assert crossings == []


def test_plain_code_does_not_import_what_joins_it():
    upward = [
        f"{module} imports {name}"
        for module in TREES
        for name in _imports(module)
        if module.startswith("tasks.")
        and (name.split(".")[0] in ("flows", "deployments") or (_is_above(name) and not _is_above(module)))
    ]

    assert upward == []


def test_imports_have_no_cycle():
    own = {module: {name for name in _imports(module) if name in TREES} - {module} for module in TREES}

    TopologicalSorter(own).prepare()  # raises CycleError naming the cycle


def test_all_imports_name_the_whole_way():
    relative = [
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert relative == []


@pytest.mark.parametrize("module", ["tasks.config", "tasks.records", "tasks.taxonomy", "tasks.planning"])
def test_a_wrong_value_is_refused_without_loading_torch_or_prefect(module):
    code = f"import sys, {module}; print(sorted({{'torch', 'prefect'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_no_module_is_named_like_a_library_beside_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    libraries = {
        package
        for package, owners in packages_distributions().items()
        if any(canonicalize_name(owner) in wanted for owner in owners)
    }
    assert {"evaluate", "datasets", "yaml"} <= libraries

    shadows = [module for module in TREES if module.split(".")[-1] in libraries | {"yaml", "json", "csv"}]
    assert shadows == []


def test_no_module_is_called_after_nothing():
    vague = re.compile(r"util|helper|manager|misc|common$")

    assert [module for module in TREES if vague.search(module)] == []


def test_no_file_names_a_place_on_one_machine():
    # In two parts, lest this file find itself.
    place = re.compile(r"(?<![\w.:/})-])/" + r"(?:work|root|home/\w+|Users/\w+)/")
    files = [
        file
        for folder in ("flows", "tasks", "deployments", "tests", "docker", ".github", ".ci")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".toml", ".yaml", ".yml", ".md", ".j2", ".html", ".sh"}
    ]
    files += [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("Makefile")]

    assert len(files) > 60
    assert [f.name for f in files if place.search(f.read_text(encoding="utf-8"))] == []
