"""The version of a stage changes with the source that decides its result, and with nothing else."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tasks.orchestration.source_versions import ROOT, SourceTree, version_of
from tasks.pipeline.cleaning import clean_rows
from tasks.pipeline.planning.cells import plan_cells
from tasks.stages.balancing import balance_task
from tasks.stages.cleaning import clean_task
from tasks.stages.evaluation import evaluate_task
from tasks.stages.fairness import counterfactuals_task
from tasks.stages.scrubbing import scrub_task
from tasks.stages.training import calibrate_task, train_task
from tasks.stages.verification import verify_task
from tasks.taxonomy import load_taxonomy

TASKS = (
    balance_task,
    calibrate_task,
    clean_task,
    counterfactuals_task,
    evaluate_task,
    scrub_task,
    train_task,
    verify_task,
)
STAGES = {task.name: task.fn for task in TASKS}
VERSIONS = """
import json
from tasks.orchestration.source_versions import version_of
from tasks.pipeline.planning.cells import plan_cells
from tasks.taxonomy import load_taxonomy
print(json.dumps([version_of(plan_cells), version_of(load_taxonomy)]))
"""


@pytest.fixture
def tree(tmp_path):
    """A copy of the source, to be changed."""
    unwanted = shutil.ignore_patterns("embedded", "__pycache__")
    shutil.copytree(ROOT / "tasks", tmp_path / "tasks", ignore=unwanted)
    return tmp_path


def changed(root):
    made = SourceTree(root)
    return {name for name, function in STAGES.items() if made.version(function) != version_of(function)}


def append(root, path, text):
    with (root / "tasks" / path).open("a") as file:
        file.write(text)


def replace(root, path, old, new):
    file = root / "tasks" / path
    assert file.read_text().count(old) == 1
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("path", "stages"),
    [
        ("pipeline/cleaning/rules.py", {"clean"}),
        ("pipeline/scrubbing/names/spans.py", {"scrub", "calibrate"}),
        ("pipeline/training/loop.py", {"train"}),
        ("pipeline/evaluation/baselines.py", {"evaluate"}),
        ("data/records.py", set(STAGES)),
    ],
)
def test_a_module_counts_for_the_stages_whose_results_it_decides(tree, path, stages):
    append(tree, path, "\nADDED = 1\n")

    assert changed(tree) == stages


def test_what_decides_no_result_does_not_count(tree):
    append(tree, "config/run.py", "\nADDED = 1\n")
    append(tree, "orchestration/caching.py", "\nADDED = 1\n")
    append(tree, "storage/files.py", "\nADDED = 1\n")
    append(tree, "pipeline/reporting/report.py", "\nADDED = 1\n")
    append(tree, "data/records.py", '\n# A comment.\n\n\n"""A description."""\n')
    replace(tree, "data/records.py", "Mark rows as dropped by a stage for one reason.", "Anything else.")
    append(tree, "stages/fairness.py", "\nADDED = 1\n")
    replace(tree, "stages/fairness.py", "STRONGER = 4.0", "STRONGER = 5.0")
    replace(tree, "stages/cleaning.py", '@stage("clean")', '@stage("clean", timeout_s=5)')

    assert changed(tree) == set()


def test_a_data_file_counts_for_the_stages_whose_package_it_lies_in(tree):
    append(tree, "pipeline/fairness/corrections.yaml", "# more\n")

    assert changed(tree) == {"counterfactuals"}


def test_of_a_module_with_several_stages_only_what_a_stage_uses_counts(tree):
    replace(tree, "stages/fairness.py", "round(fraction * len(own))", "int(share * len(own))")

    assert changed(tree) == {"counterfactuals"}


def test_versions_are_the_same_in_every_process():
    found = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", VERSIONS],
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for seed in ("1", "2")
    ]

    assert found == [[version_of(plan_cells), version_of(load_taxonomy)]] * 2


def test_what_a_function_outside_the_package_uses_counts_too(tree):
    def work(n):
        return clean_rows, n

    def other(n):
        return clean_rows, n + 1

    before = SourceTree(tree).version(work)
    assert before == SourceTree(tree).version(work) != SourceTree(tree).version(other)
    append(tree, "pipeline/cleaning/rules.py", "\nADDED = 1\n")
    assert before != SourceTree(tree).version(work)


def test_modules_that_were_read_before_are_not_parsed_again(tmp_path):
    code = (
        "import ast, sys; from tasks.orchestration import source_versions as versions\n"
        "parsed, parse = [], ast.parse\n"
        "ast.parse = lambda content, *rest: parsed.append(len(content)) or parse(content, *rest)\n"
        "from tasks.stages.cleaning import clean_task\n"
        "print(versions.version_of(clean_task.fn), sum(parsed))"
    )
    env = {**os.environ, "SENTIMILL_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def run():
        out = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        version, parsed = out.stdout.split()
        return version, int(parsed)

    (first, all_of_it), (again, little) = run(), run()
    assert first == again == version_of(clean_task.fn)
    assert 0 < 2 * little < all_of_it
    next((tmp_path / "sources").iterdir()).write_text('{"damaged": [')
    assert run() == (first, all_of_it)
