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


def test_there_is_something_to_look_at():
    assert {"tasks.config.run", "tasks.pipeline.training.classifier.fine_tuning", "flows.regenerate"} <= set(
        TREES
    )
    assert set(_imports("tasks.pipeline.training.classifier.fine_tuning")) >= {
        "tasks.pipeline.training.loop",
        "tasks.pipeline.training.classifier.model",
        "torch",
    }


def test_the_layers_of_the_tree_hold():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.rstrip().endswith("0 broken."), done.stdout


def test_only_orchestration_stages_and_commands_import_prefect():
    importers = {
        module for module in TREES if any(name.split(".")[0] == "prefect" for name in _imports(module))
    }
    allowed = ("tasks.orchestration.", "tasks.stages.", "tasks.cli.", "flows.", "deployments.")

    assert {module for module in importers if not module.startswith(allowed)} == {
        "tasks.storage.block",
        "tasks.storage.connection",
    }


def test_the_top_of_tasks_holds_folders_alone():
    folders = [
        entry for entry in (ROOT / "tasks").iterdir() if entry.is_dir() and entry.name != "__pycache__"
    ]

    assert len(folders) <= 11
    assert [file.name for file in (ROOT / "tasks").glob("*.py")] == ["__init__.py"]


def test_no_module_is_long_and_no_package_of_the_pipeline_is_wide():
    n_lines = {
        _module(file): len(file.read_text(encoding="utf-8").splitlines())
        for folder in ("flows", "tasks", "deployments")
        for file in (ROOT / folder).rglob("*.py")
    }
    long = [module for module in TREES if n_lines[module] > 300]
    wide = [
        folder.name
        for folder in (ROOT / "tasks" / "pipeline").iterdir()
        if folder.is_dir() and len(list(folder.glob("*.py"))) > 14
    ]

    assert (long, wide) == ([], [])


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


@pytest.mark.parametrize(
    "module",
    ["tasks.config.run", "tasks.data.records", "tasks.taxonomy.labels", "tasks.pipeline.planning.cells"],
)
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
