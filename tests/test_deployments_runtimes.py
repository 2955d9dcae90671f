"""Which runtime answers: an export beside the model where it may be used, PyTorch where it may not."""

import json
import logging
import shutil

import numpy as np
import pytest
from test_deployments_api import TEXTS, write_run

from deployments.api import judging
from deployments.api.loading import load
from deployments.api.predicting import Item, predict_items
from deployments.api.settings import ApiSettings, Runtime, ServingPrecision
from deployments.api.sources import find
from deployments.export import export
from tasks.cli.options import ExportOptions
from tasks.pipeline.exporting.manifest import read_manifest, write_manifest

LONG = [*TEXTS, "again and " * 60, "the", "a dull soup " * 5]


@pytest.fixture(scope="module")
def exported(tmp_path_factory, tiny_encoder, make_row):
    """Model folder of a run with exports for both runtimes."""
    root = tmp_path_factory.mktemp("results")
    write_run(root, "first", tiny_encoder, make_row)
    model = root / "runs" / "first" / "model"
    for target in ("onnx", "openvino"):
        export(ExportOptions(model=str(model), format=target))
    return model


@pytest.fixture
def run(exported, tmp_path):
    """A copy of the run that a test may change; its model folder."""
    return shutil.copytree(exported.parent, tmp_path / "first") / "model"


def served_by(model, **settings):
    settings = ApiSettings(model=str(model), workers=1, **settings)
    return load(find(settings), settings)


def answers(served, texts=LONG):
    return [
        (each.text, each.decided.tolist(), each.level, each.n_tokens, each.truncated, each.unsure)
        for each in predict_items([Item(served, text, True) for text in texts])
    ]


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_an_export_answers_as_pytorch_does(runtime, exported):
    own, other = served_by(exported, runtime="torch"), served_by(exported, runtime=runtime, precision="fp32")

    assert (own.runtime, other.runtime, other.precision) == (Runtime.torch, Runtime(runtime), "fp32")
    assert answers(other) == answers(own)
    np.testing.assert_allclose(
        other.judge(LONG).probabilities, own.judge(LONG).probabilities, atol=1e-5, rtol=0
    )


def test_the_export_beside_the_model_is_taken_with_what_it_chose(exported):
    found = read_manifest(exported / "onnx")
    served = served_by(exported)

    assert (served.runtime, served.precision) == (Runtime.onnx, found.chosen)
    assert tuple(served.settings["thresholds"]) == found.variants[found.chosen].thresholds
    assert answers(served, TEXTS) == answers(served_by(exported, runtime="torch"), TEXTS)


def test_int8_is_served_with_its_own_rule_and_tells_its_agreement(run):
    found = read_manifest(run / "onnx")
    small = found.variants["int8"].model_copy(
        update={
            "thresholds": (0.41, 0.42, 0.43),
            "unsure_below": 0.125,
            "none_below": 0.5,
            "recalibration": (2.0, -1.0),
        }
    )
    write_manifest(run / "onnx", found.model_copy(update={"variants": {**found.variants, "int8": small}}))
    served = served_by(run, precision="int8")

    assert (served.precision, served.agreement) == (ServingPrecision.int8, small.parity.alike)
    assert served.settings["thresholds"] == [0.41, 0.42, 0.43]
    assert (served.settings["unsure_below"], served.settings["recalibration"]) == (0.125, [2.0, -1.0])
    assert served.settings["none_below"] == 0.5


def test_an_export_of_another_model_gives_way_to_pytorch_with_a_warning(run, caplog):
    shutil.rmtree(run / "openvino")
    found = read_manifest(run / "onnx")
    write_manifest(run / "onnx", found.model_copy(update={"model_sha256": "b" * 64}))
    caplog.set_level(logging.WARNING, "sentimill.api")

    assert served_by(run).runtime is Runtime.torch
    assert "is the export of model bbbbbbbbbbbb; expected that of" in caplog.text
    with pytest.raises(ValueError, match="is the export of model bbbbbbbbbbbb"):
        served_by(run, runtime="onnx")


def test_without_the_package_pytorch_answers_and_the_option_says_what_to_install(exported, monkeypatch):
    monkeypatch.setattr(judging, "find_spec", lambda name: None)

    assert served_by(exported).runtime is Runtime.torch
    with pytest.raises(ValueError, match="needs openvino") as caught:
        served_by(exported, runtime="openvino")
    assert str(caught.value) == (
        "--runtime openvino needs openvino, which is not installed; expected it. Run `pip install "
        "'sentimill[openvino]'`, or leave the option out."
    )


def test_what_was_not_exported_is_refused_with_the_command_to_type(run):
    shutil.rmtree(run / "openvino")
    found = read_manifest(run / "onnx")
    plain = {"fp32": found.variants["fp32"]}
    write_manifest(
        run / "onnx",
        found.model_copy(
            update={"variants": plain, "chosen": "fp32", "refused": {"int8": "it decides otherwise"}}
        ),
    )

    with pytest.raises(
        ValueError, match=r"holds no export; expected one\. Give `sentimill export RUN --format openvino`"
    ):
        served_by(run, runtime="openvino")
    with pytest.raises(ValueError, match=r"--precision is int8, but .*onnx has none: it decides otherwise\."):
        served_by(run, precision="int8")
    shutil.rmtree(run / "onnx")
    with pytest.raises(ValueError, match=r"--precision is int8, but .* has no export in it; expected one"):
        served_by(run, precision="int8")
    assert served_by(run).runtime is Runtime.torch


def test_the_sum_of_the_model_leaves_exports_out(exported):
    assert find(ApiSettings(model=str(exported))).sha256 == (exported / "SHA256").read_text()
    assert (
        json.loads((exported / "onnx" / "export.json").read_text())["model_sha256"]
        == (exported / "SHA256").read_text()
    )
