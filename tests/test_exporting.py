"""Exports load in their own runtimes, without the project, and decide as the evaluated model does."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from prefect import flow
from test_deployments_api import TAXONOMY, write_run
from transformers import AutoModel, AutoTokenizer

from deployments.export import export
from tasks.cli.main import dispatch
from tasks.cli.options import ExportOptions
from tasks.config import RunConfig
from tasks.config.exporting import ExportFormat
from tasks.orchestration.preflight import check
from tasks.orchestration.run import open_run
from tasks.pipeline.decision.thresholds import decide
from tasks.pipeline.exporting import manifest, parity
from tasks.pipeline.exporting.manifest import read_manifest
from tasks.pipeline.exporting.running import ExportedClassifier, Judged
from tasks.pipeline.training.classifier import Classifier, load_classifier, predict_levels, save_classifier
from tasks.stages.exporting import export_classifier
from tasks.stages.publishing import publish_exports

LABELS = ("joy", "anger", "fear")
SETTINGS = {
    "labels": list(LABELS),
    "thresholds": [0.5, 0.25, 0.4],
    "unsure_below": 0.2,
    "none_below": 0.8,
    "calibration": {"slope": [2.0, 0.5, 1.5], "intercept": [-0.25, 0.5, 1.0]},
    "recalibration": [1.25, -0.5],
    "max_length": 12,
    "taxonomy": {"name": "three", "ordinal": False},
}
WORDS = "the train was sad happy lovely awful soup again today doctor garden never".split()
SENTENCES = [" ".join(WORDS[(i * step) % 13] for i in range(2 + step % 9)) for step in range(1, 41)]
HOME = "from pathlib import Path; import os, sys; os.chdir(sys.argv[1]); sys.path.insert(0, sys.argv[1])\n"
DUMP = """
names = {name.split(".")[0] for name in sys.modules}
json.dump(
    {
        "texts": texts,
        "probabilities": np.asarray(probabilities).tolist(),
        "decided": decided.tolist(),
        "modules": sorted(names & {"tasks", "deployments", "torch", "transformers"}),
    },
    open(sys.argv[2], "w"),
)
"""


@pytest.fixture(scope="module")
def make_model(tiny_encoder, tmp_path_factory):
    """Save a classifier with wide random weights; its folder."""

    def make(ordinal=False):
        torch.manual_seed(3)
        model = Classifier(AutoModel.from_pretrained(tiny_encoder), 3, ordinal)
        torch.nn.init.normal_(model.head.weight, std=2.0)
        if model.scale:
            torch.nn.init.normal_(model.scale.direction.weight, std=2.0)
        folder = tmp_path_factory.mktemp("made") / "model"
        settings = {**SETTINGS, "ordinal": ordinal, "taxonomy": {"name": "three", "ordinal": ordinal}}
        save_classifier(model, AutoTokenizer.from_pretrained(tiny_encoder), settings, folder)
        return folder

    return make


@pytest.fixture(scope="module")
def exported(make_model, tmp_path_factory):
    """Write each target once; (model folder, export folder, what export.json says)."""
    models, made = {}, {}

    def get(target, ordinal=False):
        if ordinal not in models:
            models[ordinal] = make_model(ordinal)
        if (target, ordinal) not in made:
            folder = tmp_path_factory.mktemp("exports") / target
            rows = [(text, [1.0, 0.0, float(i % 2)]) for i, text in enumerate(SENTENCES)]
            written = export_classifier(
                models[ordinal], "a" * 64, target, folder, run="r", validation=rows, held_out=rows
            )
            made[target, ordinal] = (models[ordinal], folder, written)
        return made[target, ordinal]

    return get


def run_readme(folder, out):
    """What the Python lines of an export's README compute, in a process that cannot import the project."""
    (code,) = re.findall(r"~~~python\n(.*?)~~~", (folder / "README.md").read_text(), re.DOTALL)
    code = code.replace('["It came a day early and works well.", "Nobody answered."]', repr(SENTENCES))
    done = subprocess.run(
        [sys.executable, "-P", "-c", HOME + code + DUMP, str(folder), str(out)],
        cwd=out.parent,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


@pytest.mark.parametrize("target", ExportFormat)
def test_the_lines_of_the_readme_decide_as_the_evaluated_model(target, exported, tmp_path):
    model, folder, written = exported(target)
    found = run_readme(folder, tmp_path / "found.json")
    classifier, tokenizer, settings = load_classifier(model)
    expected = predict_levels(classifier, tokenizer, SENTENCES, settings["max_length"]).probabilities

    assert np.ptp(expected) > 0.5
    assert 0 < sum(not any(row) for row in found["decided"]) < 20
    if written.chosen == "fp32":
        assert np.allclose(found["probabilities"], expected, atol=1e-5, rtol=0)
    assert (
        found["decided"]
        == decide(expected, np.array(settings["thresholds"]), settings["none_below"]).tolist()
    )
    if target in (ExportFormat.onnx, ExportFormat.openvino):  # the others import torch where it is installed
        assert found["modules"] == []
    assert {"tasks", "deployments"}.isdisjoint(found["modules"])


@pytest.mark.parametrize("target", ExportFormat)
def test_an_export_carries_labels_thresholds_calibration_and_parity(target, exported):
    _, folder, written = exported(target)
    told = json.loads((folder / "export.json").read_text())

    assert told["labels"] == list(LABELS)
    assert told["calibration"] == SETTINGS["calibration"]
    assert told["variants"]["fp32"]["thresholds"] == SETTINGS["thresholds"]
    assert told["variants"]["fp32"]["unsure_below"] == 0.2
    assert told["variants"]["fp32"]["none_below"] == SETTINGS["none_below"]
    found = written.variants["fp32"].parity
    assert (found.rows, found.alike, found.f1_exported) == (40, 1.0, found.f1_evaluated)
    assert found.max_difference < 1e-5
    assert read_manifest(folder, "a" * 64) == written
    assert "| 40 | 100.00 % |" in (folder / "README.md").read_text()


def test_a_pipeline_of_spacy_has_the_decided_labels(exported, tmp_path):
    _, folder, _ = exported(ExportFormat.spacy)
    code = (
        "import sentimill_spacy, spacy, json\n"
        "nlp = spacy.load('.')\n"
        "docs = [*nlp.pipe(['the train was sad', 'lovely soup']), nlp('the train was sad')]\n"
        "nlp.to_disk('again'); again = spacy.load('again')('lovely soup')\n"
        "print(json.dumps([[list(d._.labels), {n: round(p, 5) for n, p in d.cats.items()}]"
        " for d in [*docs, again]]))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", HOME + code, str(shutil.copytree(folder, tmp_path / "copy"))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second, alone, again = json.loads(done.stdout)

    assert list(first[1]) == list(LABELS)
    assert first == alone
    assert second == again
    shares = np.array(list(first[1].values())) / SETTINGS["thresholds"]
    least = np.clip(shares.max(), SETTINGS["none_below"], 1)
    assert first[0] == [n for n, s in zip(LABELS, shares, strict=True) if s >= least]


def test_the_graph_takes_any_number_of_texts_and_tokens(exported):
    _, folder, _ = exported(ExportFormat.onnx)
    graph = onnx.load(folder / "model.onnx")
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*graph.graph.input, *graph.graph.output)
    }

    assert shapes == {
        "input_ids": ["batch", "tokens"],
        "attention_mask": ["batch", "tokens"],
        "probabilities": ["batch", 3],
    }
    assert [each.version for each in graph.opset_import if not each.domain] == [20]


@pytest.mark.parametrize("target", [ExportFormat.onnx, ExportFormat.openvino])
def test_levels_of_a_scale_and_tokens_of_long_texts_are_the_evaluated_ones(target, exported):
    model, folder, written = exported(target, ordinal=True)
    file = written.variants["fp32"].file
    judged = ExportedClassifier.of_file(folder, target, "fp32", file, 3, threads=1)(SENTENCES)
    classifier, tokenizer, settings = load_classifier(model)
    expected = predict_levels(classifier, tokenizer, SENTENCES, settings["max_length"])

    assert judged.levels.tolist() == expected.levels.tolist()
    assert len(set(judged.levels.tolist())) > 1
    assert judged.n_tokens == [len(ids) for ids in tokenizer(SENTENCES)["input_ids"]]
    long = " ".join(SENTENCES)
    assert ExportedClassifier.of_file(folder, target, "fp32", file, 3, 1)([long]).n_tokens == [
        len(tokenizer(long)["input_ids"])
    ]


def test_no_texts_are_no_answers(exported):
    _, folder, _ = exported(ExportFormat.onnx)
    judged = ExportedClassifier.of_file(folder, ExportFormat.onnx, "fp32", "model.onnx", 3, threads=1)([])

    assert (judged.probabilities.shape, judged.n_tokens) == ((0, 3), [])


def test_thresholds_move_with_the_scale_of_the_other_model():
    evaluated = np.array([[0.1], [0.3], [0.5], [0.9]])
    other = 1 / (1 + np.exp(-(2 * np.log(evaluated / (1 - evaluated)) + 1)))  # logits twice, and 1 higher

    moved = parity.moved_thresholds(other, evaluated, np.array([0.5]))

    assert moved == pytest.approx([1 / (1 + np.exp(-1))])


def test_rows_are_alike_where_the_whole_set_is():
    rule = {"thresholds": (0.5, 0.5), "unsure_below": 0.0, "none_below": 0.0, "recalibration": None}
    before = Judged(np.array([[0.9, 0.1], [0.9, 0.6], [0.2, 0.8], [0.2, 0.8]]), None, [])
    after = Judged(np.array([[0.9, 0.1], [0.9, 0.4], [0.2, 0.8], [0.3, 0.8]]), None, [])
    truth = np.array([[1, 0], [1, 1], [0, 1], [0, 1]])

    found = parity.compare(after, rule, before, rule, truth)

    assert (found.rows, found.alike, found.f1_evaluated) == (4, 0.75, 1.0)
    assert found.f1_exported == pytest.approx((1 + 0.8) / 2)
    assert found.max_difference == pytest.approx(0.2)
    assert parity.refusal(found) == (
        "decides 75.00% of 4 held-out rows alike and changes macro-F1 by 0.1000; expected 99% and 0.005 at "
        "most"
    )
    assert parity.refusal(found.model_copy(update={"alike": 0.99, "f1_exported": 0.9951})) is None
    assert parity.refusal(found.model_copy(update={"alike": 0.99, "f1_exported": 0.9949})) is not None


def test_int8_that_decides_otherwise_is_not_written(exported, monkeypatch, make_model, tmp_path):
    monkeypatch.setattr(parity, "MIN_ALIKE", 1.01)
    rows = [(text, [1.0, 0.0, 0.0]) for text in SENTENCES]
    written = export_classifier(
        make_model(), "a" * 64, ExportFormat.onnx, tmp_path / "onnx", run="r", validation=rows, held_out=rows
    )

    assert (list(written.variants), written.chosen) == (["fp32"], "fp32")
    assert written.refused["int8"].startswith("decides ")
    assert not (tmp_path / "onnx" / "model_int8.onnx").exists()
    assert "int8 is not offered: decides " in (tmp_path / "onnx" / "README.md").read_text()


def test_without_held_out_rows_int8_is_not_offered(make_model, tmp_path):
    written = export_classifier(
        make_model(), "a" * 64, ExportFormat.onnx, tmp_path / "onnx", run="r", validation=[], held_out=[]
    )

    assert written.refused == {"int8": "there were no held-out rows to measure it on"}
    assert written.variants["fp32"].parity is None


def test_a_changed_file_and_another_model_are_refused(exported, tmp_path):
    _, folder, _ = exported(ExportFormat.openvino)
    copy = shutil.copytree(folder, tmp_path / "copy")
    with pytest.raises(
        ValueError, match=r"is the export of model aaaaaaaaaaaa; expected that of bbbbbbbbbbbb\."
    ):
        read_manifest(copy, "b" * 64)
    (copy / "model.bin").write_bytes(b"x")
    with pytest.raises(
        ValueError, match=r"holds other files than were written; expected those of export\.json"
    ):
        read_manifest(copy)
    (copy / "export.json").write_text("{}")
    with pytest.raises(
        ValueError, match=r"cannot be read \(ValidationError\); expected an export of this version"
    ):
        read_manifest(copy)
    with pytest.raises(FileNotFoundError, match=r"export\.json is missing; expected an export"):
        read_manifest(tmp_path)


@pytest.fixture(scope="module")
def results(tmp_path_factory, tiny_encoder, make_row):
    """Results with the champion `first`."""
    root = tmp_path_factory.mktemp("results")
    champion = write_run(root, "first", tiny_encoder, make_row)
    (root / "champion.json").write_text(json.dumps({TAXONOMY.name: champion}))
    return root


def refusal(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        dispatch(["export", *arguments])
    return left.value.code, capsys.readouterr().err.replace("\n", " ")


def test_the_champion_is_exported_beside_its_weights_and_stays_intact(results, monkeypatch, capsys):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(results))
    export(ExportOptions(model="champion", format="openvino"))
    said = capsys.readouterr().out
    folder = results / "runs/first/model/openvino"

    manifest = read_manifest(folder)
    assert said.startswith(f"openvino in {folder}; README.md there shows how to load it\n")
    assert f"{manifest.chosen} (chosen): decides 100.00% of 4 held-out rows as the evaluated model" in said
    assert manifest.model_sha256 == (results / "runs/first/model/SHA256").read_text()
    export(ExportOptions(model="first", format="openvino"))  # replaces it, and finds the model as it was
    assert sorted(file.name for file in folder.parent.iterdir() if file.is_dir()) == ["openvino"]


def test_what_cannot_be_exported_is_refused_with_the_reason(results, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(results))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("x")
    old = shutil.copytree(results / "runs/first/model", tmp_path / "old" / "model")
    (old / "SHA256").unlink()
    about = json.loads((old / "sentimill.json").read_text())
    (old / "sentimill.json").write_text(json.dumps({k: v for k, v in about.items() if k != "thresholds"}))

    cases = {
        ("gone", "--format", "onnx"): "run is 'gone'; expected `champion`, a model folder, or a run of",
        ("champion", "--format", "tflite"): (
            "expected 'onnx', 'openvino', 'sentence-transformers' or 'spacy'"
        ),
        ("champion",): "format is missing; expected it as an argument.",
        (
            str(old),
            "--format",
            "onnx",
        ): "sentimill.json lacks thresholds; expected all that this version writes",
        (
            "first",
            "--format",
            "onnx",
            "--out",
            str(tmp_path / "mine"),
        ): "holds no export.json; expected a new folder",
    }
    for arguments, expected in cases.items():
        code, said = refusal(arguments, capsys)
        assert (code, expected in said) == (2, True), said
    assert (tmp_path / "mine" / "letter.txt").read_text() == "x"


@pytest.mark.parametrize(
    ("target", "package", "extra"),
    [("onnx", "onnxruntime", "onnx"), ("openvino", "openvino", "openvino"), ("spacy", "onnxscript", "spacy")],
)
def test_a_missing_package_is_told_with_the_command_to_type(target, package, extra, monkeypatch, capsys):
    monkeypatch.setattr(manifest, "find_spec", lambda name: None if name == package else True)

    code, said = refusal(["champion", "--format", target], capsys)

    assert code == 2
    assert (
        f"--format {target} needs {package}, which is not installed; expected the extra '{extra}'. Run `pip "
        f"install 'sentimill[{extra}]'`."
    ) in said


def test_a_run_writes_the_exports_that_it_is_asked_for(
    prefect_api, monkeypatch, tmp_path, make_model, make_row
):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path))
    rows = [
        make_row(text, ["joy"], [1.0, 0.0, 0.0], split=part)
        for part in ("validation", "test")
        for text in SENTENCES
    ]

    @flow
    def end(config):
        run = open_run(config)
        model = run.store.put_folder(make_model())
        publish_exports(run, rows, model, "runs/r/model")
        return model, run.ledger.timings, run.store.root  # a block that a test before saved, or ours

    model, timings, root = end(RunConfig(taxonomy="polarity3", export=("openvino",)))
    written = read_manifest(Path(root, "runs", "r", "model", "openvino"), model.sha256)

    assert written.variants["fp32"].parity.rows == 40
    assert "export" in timings


def test_a_run_that_cannot_export_is_refused_at_its_start(monkeypatch):
    monkeypatch.setattr(manifest, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"^--export openvino needs onnx, onnxscript, openvino, which is not"
    ):
        check(RunConfig(export=("openvino",)).resolved())
