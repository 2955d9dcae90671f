"""The deployment file of a vLLM fleet says what the endpoint backend expects."""

from pathlib import Path

import yaml

FILE = Path(__file__).parents[1] / "docker" / "vllm.compose.yaml"


def test_the_fleet_is_served_where_the_backend_looks_for_it():
    fleet = yaml.safe_load(FILE.read_text())
    vllm, proxy = fleet["services"]["vllm"], fleet["services"]["proxy"]

    assert set(fleet) == {"services", "configs", "volumes"}
    assert proxy["ports"] == ["127.0.0.1:8000:8000"]
    assert proxy["depends_on"] == {"vllm": {"condition": "service_healthy"}}
    assert "ports" not in vllm  # replicas would fight for them
    assert "--enable-prefix-caching" in vllm["command"]
    (device,) = vllm["deploy"]["resources"]["reservations"]["devices"]
    assert (device["count"], device["capabilities"]) == (1, ["gpu"])
    assert "http://vllm:8000" in fleet["configs"]["proxy"]["content"]
