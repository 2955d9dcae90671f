"""The service on a tiny run: answers like the evaluated model, within its bounds, whatever it is sent."""

import asyncio
import contextlib
import csv
import dataclasses
import io
import json
import logging
import pickle
import re
import shutil
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from starlette.testclient import TestClient

from deployments.api import app as application
from deployments.api import listening
from deployments.api.app import create_app
from deployments.api.batching import Batcher, OverloadedError, Pace
from deployments.api.explaining import replacements, without_each
from deployments.api.listening import bound, run
from deployments.api.metrics import psi
from deployments.api.precision import agreement
from deployments.api.schemas import PredictRequest
from deployments.api.security import name_of, read_keys
from deployments.api.settings import ApiSettings
from deployments.api.sources import find, model_sha256
from tasks.cli.main import dispatch
from tasks.cli.parsing import parse
from tasks.config import RunConfig, ScrubbingConfig
from tasks.pipeline.decision.ordinal_levels import predict_level
from tasks.pipeline.decision.thresholds import confidence, decide
from tasks.pipeline.scrubbing import SCRUBBER_VERSION, Scrubber
from tasks.pipeline.training.classifier import load_classifier, predict, save_classifier
from tasks.storage.hashing import folder_sha256
from tasks.storage.parquet import parquet_bytes
from tasks.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy("polarity3").model_copy(update={"ordinal": True})
TEXTS = [
    "We liked the soup.",
    "The train was late again and again.",
    "A dull meeting.",
    "It was great fun today!",
]
KEY = "0123456789abcdef0123"


def write_run(root, name, encoder, make_row, seed=0):
    """A run as `publish` leaves it, with a tiny model."""
    import torch

    from tasks.pipeline.training.classifier.model import new_classifier

    torch.manual_seed(seed)
    model, tokenizer = new_classifier(str(encoder), None, TAXONOMY.n_labels)
    settings = {
        "labels": list(TAXONOMY.names),
        "thresholds": [0.5, 0.48, 0.52],
        "unsure_below": 0.6,
        "recalibration": [1.5, -1.0],
        "taxonomy": TAXONOMY.model_dump(mode="json"),
        "scrubber": SCRUBBER_VERSION,
        "scrubbing": ScrubbingConfig().model_dump(mode="json"),
        "max_length": 32,
        "base": "tiny",
        "history": [],
    }
    folder = root / "runs" / name / "model"
    save_classifier(model, tokenizer, settings, folder)
    sha256 = folder_sha256(folder)
    (folder / "SHA256").write_text(sha256)
    (folder / "README.md").write_text("# Card\n")
    rows = [make_row(text, targets=(1.0, 0.0, 0.0), split="train") for text in TEXTS]
    for part in ("train", "validation", "test"):
        file = root / "runs" / name / "dataset" / f"{part}.parquet"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(parquet_bytes(rows))
    (root / "runs" / name / "config.json").write_text(
        json.dumps(RunConfig().resolved().model_dump(mode="json"))
    )
    written = {
        "results": [{"name": "majority"}, {"name": "classifier"}],
        "outcome": {"champion": False, "reasons": ["the test set has 3 texts"]},
    }
    (root / "runs" / name / "scores.json").write_text(json.dumps(written))
    return {"run": name, "model": {"uri": f"models/{sha256[:20]}", "sha256": sha256}}


@pytest.fixture(scope="module")
def results(tmp_path_factory, tiny_encoder, make_row):
    """Results with the runs `first`, the champion, and `second`."""
    root = tmp_path_factory.mktemp("results")
    champion = write_run(root, "first", tiny_encoder, make_row)
    write_run(root, "second", tiny_encoder, make_row, seed=1)
    (root / "champion.json").write_text(json.dumps({"polarity3": champion}))
    return root


@pytest.fixture
def serve(results, monkeypatch):
    """Open a client of a service with the settings given."""
    monkeypatch.setenv("SENTIMILL_RESULTS", str(results))
    monkeypatch.delenv("SENTIMILL_API_KEYS", raising=False)
    clients = []

    def open_client(**settings):
        client = TestClient(create_app(ApiSettings(workers=1, **settings)), raise_server_exceptions=False)
        clients.append(client)
        return client.__enter__()

    yield open_client
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def client(results):
    """One service for all tests that only ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIMILL_RESULTS", str(results))
        patch.delenv("SENTIMILL_API_KEYS", raising=False)
        service = create_app(ApiSettings(workers=1, timeout_s=600))  # a busy machine is slow, not wrong
        with TestClient(service, raise_server_exceptions=False) as client:
            yield client


@pytest.fixture(scope="module")
def loopback(results):
    """Address of a service on a port of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENTIMILL_RESULTS", str(results))
        patch.delenv("SENTIMILL_API_KEYS", raising=False)
        service = create_app(ApiSettings(workers=1, timeout_s=600))
        config = uvicorn.Config(service, port=0, http=listening.TimedHead, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join()


def ask(client, texts, **options):
    return client.post("/v1/predict", json={"texts": texts, **options})


def judged(client, texts, **options):
    answer = ask(client, texts, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def test_answers_are_those_of_the_evaluated_model(client, results):
    model, tokenizer, settings = load_classifier(results / "runs/first/model")
    expected = predict(model, tokenizer, TEXTS, settings["max_length"]).astype(float)
    decisions = decide(expected, np.array(settings["thresholds"]))

    found = judged(client, TEXTS)

    probabilities = [[score["probability"] for score in result["scores"]] for result in found]
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    assert [r["labels"] for r in found] == [
        [n for n, d in zip(TAXONOMY.names, row, strict=True) if d] for row in decisions
    ]
    assert [r["level"] for r in found] == predict_level(expected, settings["recalibration"]).tolist()
    np.testing.assert_allclose([r["confidence"] for r in found], confidence(expected, decisions), atol=1e-4)
    assert [r["unsure"] for r in found] == (confidence(expected, decisions) < 0.6).tolist()
    assert {s["threshold"] for r in found for s in r["scores"]} == {0.5, 0.48, 0.52}


def test_a_text_is_judged_alike_alone_and_among_many(client):
    many = [f"{text} {'again ' * n}" for n in range(10) for text in TEXTS]

    alone, among = [judged(client, text)[0] for text in many], judged(client, many)

    for one, other in zip(alone, among, strict=True):
        assert one["labels"] == other["labels"]
        for a, b in zip(one["scores"], other["scores"], strict=True):
            assert a["probability"] == pytest.approx(b["probability"], abs=2e-4)


def test_the_door_scrubs_as_training_did(client):
    text = "My sister Anna Smith lost her phone."

    scrubbed, untouched = judged(client, text)[0], judged(client, text, scrub=False)[0]

    assert scrubbed["text"] == Scrubber().one(text).text == "My sibling Person A lost their phone."
    assert scrubbed["scrubbed"] == {"GENDER": 2, "PERSON": 1}
    assert (untouched["text"], untouched["scrubbed"]) == (text, {})


def test_replacements_say_what_stood_where(client):
    result = judged(client, "We saw Anna Smith again and her phone.", replacements=True)[0]

    shown = [(result["text"][r["start"] : r["end"]], r["before"], r["type"]) for r in result["replacements"]]
    assert shown == [("Person A", "Anna Smith", "PERSON"), ("their", "her", "GENDER")]


def test_a_word_that_was_taken_out_leaves_a_mark_without_length():
    assert [(r.start, r.end, r.before) for r in replacements("the old man", "the man", ())] == [(4, 4, "old")]
    assert replacements("the same", "the same", ()) == []


def test_an_explanation_is_the_difference_that_leaving_the_word_out_makes(client):
    whole = judged(client, "We liked the soup.", explain=True)[0]
    variants = without_each("We liked the soup.")
    without = judged(client, variants, scrub=False)

    assert variants == [" liked the soup.", "We  the soup.", "We liked  soup.", "We liked the ."]
    assert [(w["start"], w["end"]) for w in whole["words"]] == [(0, 2), (3, 8), (9, 12), (13, 17)]
    decided = [i for i, score in enumerate(whole["scores"]) if score["decided"]]
    for word, part in zip(whole["words"], without, strict=True):
        change = np.mean(
            [whole["scores"][i]["probability"] - part["scores"][i]["probability"] for i in decided]
        )
        assert word["influence"] == pytest.approx(change, abs=3e-4)


def test_only_decided_labels_come_back_if_that_is_asked(client):
    result = judged(client, TEXTS[0], labels="decided")[0]

    assert [score["label"] for score in result["scores"]] == result["labels"]
    assert all(score["decided"] for score in result["scores"])


def test_a_classifier_that_learnt_from_texts_without_a_label_may_give_none(client, monkeypatch):
    service = client.app.state.service
    served = service.served
    strict = {**served.settings, "thresholds": [0.999] * 3, "none_below": 1.0}
    monkeypatch.setattr(service, "served", dataclasses.replace(served, settings=strict))
    result = judged(client, TEXTS[0], explain=True)[0]

    assert result["labels"] == []
    missed = [1 - score["probability"] for score in result["scores"]]
    assert result["confidence"] == pytest.approx(np.prod(missed), abs=1e-3)
    assert len(result["words"]) == len(without_each(TEXTS[0]))


BAD = {
    "empty": (422, {"texts": ""}),
    "blank": (422, {"texts": [" \n\t "]}),
    "none": (422, {"texts": []}),
    "soft hyphen": (422, {"texts": ["\u00ad"]}),
    "joiners and selectors": (422, {"texts": ["\u200d\ufe0f \u2060\u3164\u2800"]}),
    "too many": (422, {"texts": ["a"] * 257}),
    "too long": (422, {"texts": "a" * 10_001}),
    "too much": (422, {"texts": ["ab " * 3_000] * 28}),
    "a number": (422, {"texts": 3}),
    "nested": (422, {"texts": [["a"]]}),
    "unknown field": (422, {"texts": "a", "txet": "b"}),
    "no body": (422, {}),
    "too many to explain": (422, {"texts": ["a"] * 9, "explain": True}),
    "no time": (422, {"texts": "a", "timeout_ms": 1}),
    "unknown run": (404, {"texts": "a", "run": "third"}),
}


@pytest.mark.parametrize(("status", "body"), BAD.values(), ids=BAD)
def test_bad_requests_are_told_what_is_wrong(client, status, body):
    answer = client.post("/v1/predict", json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


RAW = {
    "1 MB": b'{"texts": "' + b"a" * 1_100_000 + b'"}',
    "binary": bytes(range(256)) * 4,
    "deeply nested": b'{"texts": ' + b"[" * 100_000,
    "lone surrogate": b'{"texts": "\\ud800"}',
    "cut off": b'{"texts": "a',
    "huge number": b'{"texts": ' + b"9" * 5_000 + b"}",
    "not a number": b'{"texts": NaN}',
    "surrogate as a name": b'{"texts": "a", "\\ud800": 1}',
}


@pytest.mark.parametrize("content", RAW.values(), ids=RAW)
def test_odd_bytes_are_refused(client, content):
    answer = client.post("/v1/predict", content=content, headers={"content-type": "application/json"})

    assert answer.status_code in {400, 413, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_without_length_is_refused_when_it_grows_too_large(client):
    chunks = (b"x" * 100_000 for _ in range(20))
    headers = {"content-type": "application/json"}

    assert client.post("/v1/predict", content=chunks, headers=headers).status_code == 413


TYPES = {
    "text": ({"content-type": "text/plain"}, "The content-type is text/plain; expected application/json."),
    "form": (
        {"content-type": "application/x-www-form-urlencoded"},
        "The content-type is application/x-www-form-urlencoded; expected application/json.",
    ),
    "none": ({}, "The content-type is missing; expected application/json."),
    "gzip": (
        {"content-type": "application/json", "content-encoding": "gzip"},
        "The body's content-encoding is gzip; expected none.",
    ),
}


@pytest.mark.parametrize(("headers", "said"), TYPES.values(), ids=TYPES)
def test_a_body_that_is_not_plain_json_is_415_with_the_reason(client, headers, said):
    answer = client.post("/v1/predict", content=b'{"texts": "a"}', headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")
    assert answer.json()["detail"].startswith(said)


def test_json_may_name_its_character_set(client):
    headers = {"content-type": "application/json; charset=utf-8"}

    assert client.post("/v1/predict", content=b'{"texts": "a"}', headers=headers).status_code == 200


WRONG_WAYS = {
    ("GET", "/v1/predict"): (405, "POST"),
    ("HEAD", "/v1/predict"): (405, "POST"),
    ("DELETE", "/v1/model"): (405, "GET, HEAD"),
    ("POST", "/healthz"): (405, "GET, HEAD"),
    ("POST", "/predict"): (404, None),
    ("GET", "/nowhere"): (404, None),
    ("GET", "/../page/page.js"): (404, None),
}


@pytest.mark.parametrize(("way", "expected"), WRONG_WAYS.items(), ids=map(" ".join, WRONG_WAYS))
def test_a_wrong_method_is_405_and_a_wrong_path_404(client, way, expected):
    answer = client.request(*way)

    assert (answer.status_code, answer.headers.get("allow")) == expected
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/page.js"])
def test_head_answers_as_get_does_without_a_body(loopback, path):
    got, headed = httpx.get(loopback + path), httpx.head(loopback + path)

    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == got.headers["content-length"] == str(len(got.content))
    assert headed.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    "begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: "], ids=["none", "half"]
)
def test_a_head_that_does_not_arrive_whole_closes_the_connection(loopback, monkeypatch, begun):
    monkeypatch.setattr(listening, "HEAD_S", 0.3)
    with socket.create_connection(("127.0.0.1", int(loopback.rpartition(":")[2])), timeout=60) as caller:
        caller.sendall(begun)
        assert caller.recv(1) == b""


def test_a_second_request_on_a_connection_has_the_same_limit_and_a_whole_one_is_answered(
    loopback, monkeypatch
):
    monkeypatch.setattr(listening, "HEAD_S", 0.3)
    with socket.create_connection(("127.0.0.1", int(loopback.rpartition(":")[2])), timeout=60) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HT")
        received = b""
        while part := caller.recv(1000):
            received += part
    assert received.count(b"HTTP/1.1 200 OK") == 1


ODD = {
    "NUL": "We liked\x00 the soup.",
    "right to left": "أحببت الحساء كثيرا",
    "right-to-left mark": "We liked \u202ethe soup.",
    "HTML": "<script>alert(1)</script> the soup <b>was</b> & great",
    "emoji": "👩‍👩‍👧 great 🎉",
    "one letter": "a",
    "long": "soup " * 2_000,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_texts_are_judged_as_text(client, text):
    result = judged(client, text, explain=True, replacements=True)[0]

    assert result["labels"]
    assert judged(client, text, scrub=False)[0]["text"] == text
    assert result["truncated"] or text != ODD["long"]


def test_html_stays_text(client):
    assert judged(client, ODD["HTML"])[0]["text"] == ODD["HTML"]
    assert "innerHTML" not in (application.PAGE / "page.js").read_text()


def test_without_a_key_or_with_a_wrong_one_nothing_is_told(serve, monkeypatch, tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# people\nann:{KEY}\n")
    client = serve(keys_file=file)

    for path in ("/v1/model", "/metrics"):
        assert client.get(path).status_code == 401
    wrong = client.post("/v1/predict", json={"texts": "a"}, headers={"authorization": f"Bearer {KEY}x"})
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, "Bearer")
    right = client.post("/v1/predict", json={"texts": "a"}, headers={"authorization": f"Bearer {KEY}"})
    assert right.status_code == 200
    assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/")] == [200, 200, 200]


def test_keys_come_from_the_environment_and_short_ones_are_refused(monkeypatch):
    monkeypatch.setenv("SENTIMILL_API_KEYS", f"ann:{KEY},bob:{KEY}b")
    keys = read_keys(ApiSettings())

    assert [name_of(key, keys) for key in (KEY, f"{KEY}b", "", "é")] == ["ann", "bob", None, None]
    monkeypatch.setenv("SENTIMILL_API_KEYS", "ann:short")
    with pytest.raises(ValueError, match="at least 16 characters") as caught:
        read_keys(ApiSettings())
    assert "short" not in str(caught.value)


def test_more_texts_than_the_rate_allows_get_429_with_a_time(serve):
    client = serve(rate_limit="4/minute")

    statuses = [ask(client, ["a", "b"]).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert 1 <= int(ask(client, "a").headers["retry-after"]) <= 120


def test_a_full_queue_answers_503_and_says_when_to_come_back(serve):
    client = serve(wait_s=0.001, batch_texts=1, timeout_s=600)
    gate = threading.Event()
    service = client.app.state.service
    work = service.batcher.work
    service.batcher.work = lambda items: gate.wait(600) and work(items)
    first = threading.Thread(target=ask, args=(client, TEXTS))
    first.start()
    try:
        while not service.batcher.waiting:
            time.sleep(0.01)
        service.batcher.pace = Pace()
        service.batcher.pace.add(1, 1.0)
        refused = ask(client, "a")
    finally:  # a service whose work stands still would never stop
        gate.set()
        first.join()

    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert refused.headers["retry-after"] == "4"
    assert ask(client, "a").status_code == 200


def test_headers_keep_browsers_in_bounds_and_other_origins_out(client, serve):
    page = client.get("/", headers={"origin": "https://elsewhere.example"})

    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in page.headers
    allowed = serve(cors_origins=["https://own.example"])
    shown = allowed.get("/healthz", headers={"origin": "https://own.example"})
    assert shown.headers["access-control-allow-origin"] == "https://own.example"


def test_the_page_loads_nothing_from_elsewhere():
    files = [file for file in application.PAGE.iterdir() if file.suffix in {".html", ".css", ".js"}]

    assert len(files) == 3
    assert [f.name for f in files if re.search(r"https?://|@import|url\(", f.read_text())] == []


def test_the_model_tells_what_it_is(client, results):
    told = client.get("/v1/model").json()

    assert (told["run"], told["taxonomy"], told["precision"]) == ("first", "polarity3", "fp32")
    assert told["sha256"] == (results / "runs/first/model/SHA256").read_text()
    assert [label["threshold"] for label in told["labels"]] == [0.5, 0.48, 0.52]
    assert told["card"] == "# Card\n"
    assert told["outcome"] == "candidate: the test set has 3 texts"
    assert told["scores"] == [{"name": "classifier"}, {"name": "majority"}]
    assert client.get("/v1/model", params={"run": "third"}).status_code == 404


def test_metrics_count_and_no_text_gets_into_metrics_or_log(client, caplog):
    caplog.set_level(logging.DEBUG)
    judged(client, ["The zebrafinch was great."] * 120)
    ask(client, "zebrafinch " * 2_000)
    shown = client.get("/metrics").text

    assert re.search(r'sentimill_labels_decided_total\{label="\w+"\} \d+', shown)
    assert re.search(r'sentimill_drift_psi\{of="length"\} \d', shown)
    assert 'path="/v1/predict",status="200"' in shown
    assert "zebrafinch" not in shown + caplog.text


def test_texts_are_logged_only_if_that_is_asked(serve, caplog):
    caplog.set_level(logging.INFO, "sentimill.api")
    ask(serve(log_texts=True), "The soup was great.")

    assert "judged 'The soup was great.'" in caplog.text


def test_a_failure_within_is_a_problem_without_its_reason(serve):
    client = serve()

    def fail(items):
        raise RuntimeError(items[0].text)

    client.app.state.service.batcher.work = fail
    answer = ask(client, "private words")

    assert answer.status_code == 500
    assert answer.json()["detail"] == "Something went wrong here. It has been logged."


def test_the_documented_examples_are_answered(client):
    document = client.get("/openapi.json").json()
    examples = PredictRequest.model_config["json_schema_extra"]["examples"]

    assert document["components"]["schemas"]["PredictRequest"]["examples"] == examples
    assert [client.post("/v1/predict", json=body).status_code for body in examples] == [200, 200, 200]
    assert "/v1/generate" not in document["paths"]


def test_a_new_champion_takes_over_and_a_damaged_one_does_not(results, serve, monkeypatch, tmp_path, caplog):
    root = tmp_path / "results"
    shutil.copytree(results, root)
    monkeypatch.setenv("SENTIMILL_RESULTS", str(root))
    client = serve(follow_s=3_600)
    service, champion_file = client.app.state.service, root / "champion.json"
    old = judged(client, TEXTS)
    statuses = []
    stop = threading.Event()

    def load():
        while not stop.is_set():
            statuses.append(ask(client, TEXTS).status_code)

    thread = threading.Thread(target=load)
    thread.start()
    sha256 = (root / "runs/second/model/SHA256").read_text()
    champion_file.write_text(
        json.dumps({"polarity3": {"run": "second", "model": {"uri": "", "sha256": sha256}}})
    )
    client.portal.call(service.look)
    stop.set()
    thread.join()

    assert set(statuses) == {200}
    assert ask(client, "a").json()["run"] == "second"
    assert judged(client, TEXTS) != old

    champion_file.write_text(
        json.dumps({"polarity3": {"run": "first", "model": {"uri": "", "sha256": "0" * 64}}})
    )
    client.portal.call(service.look)
    assert ask(client, "a").json()["run"] == "second"
    assert "second stays" in caplog.text


def test_drift_is_measured_once_in_a_while_not_with_every_request(client, monkeypatch):
    monkeypatch.setattr("deployments.api.metrics.PAUSE_S", 3_600)
    account = client.app.state.service._account
    account._drift._next_s = 0.0
    found = [judged(client, ["We liked the soup."] * 120) and account._drift._next_s for _ in range(2)]

    assert found[0] == found[1] > 0


def refusal(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        dispatch(["serve", *arguments])
    return left.value.code, capsys.readouterr().err


def test_a_damaged_model_is_refused_with_the_reason(results, tmp_path, monkeypatch, capsys):
    root = tmp_path / "results"
    shutil.copytree(results, root)
    monkeypatch.setenv("SENTIMILL_RESULTS", str(root))
    weights = root / "runs/first/model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    code, said = refusal([], capsys)

    assert code == 2
    assert "has sha256" in said
    assert "The model was damaged or changed after its run." in said


@pytest.mark.skipif(sys.platform != "linux", reason="workers share a socket elsewhere")
def test_a_worker_gets_a_socket_of_its_own_on_the_same_port():
    with bound(socket.AF_INET, ("127.0.0.1", 0)) as kept:
        address = kept.getsockname()
        first, second = (pickle.loads(pickle.dumps(kept)) for _ in range(2))  # as they are sent to workers
        with first, second:
            assert {each.getsockname() for each in (first, second)} == {address}
            assert len({each.fileno() for each in (kept, first, second)}) == 3
            for each in (first, second):
                each.listen(64)
                each.setblocking(False)
            callers = [socket.create_connection(address) for _ in range(64)]
            taken = []
            for each in (first, second):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        taken.append((each, each.accept()[0]))
            for caller in [*callers, *(accepted for _, accepted in taken)]:
                caller.close()
    counts = Counter(each is first for each, _ in taken)

    assert (sum(counts.values()), min(counts.values()) > 8) == (64, True)


@pytest.mark.skipif(sys.platform != "linux", reason="workers share a socket elsewhere")
def test_a_port_that_another_service_has_is_refused():
    with bound(socket.AF_INET, ("127.0.0.1", 0)) as taken:
        taken.listen()
        config = uvicorn.Config("none", host="127.0.0.1", port=taken.getsockname()[1], workers=2)
        with pytest.raises(SystemExit):
            run(config)


def test_a_model_that_lacks_what_answering_needs_is_refused_before_a_worker_starts(results, tmp_path, capsys):
    folder = tmp_path / "model"
    shutil.copytree(results / "runs/first/model", folder)
    (folder / "SHA256").unlink()
    file = folder / "sentimill.json"
    about = json.loads(file.read_text())
    del about["recalibration"], about["thresholds"]
    file.write_text(json.dumps(about))

    code, said = refusal(["--model", str(folder)], capsys)
    assert (code, "sentimill.json lacks thresholds, recalibration; expected" in said) == (2, True), said

    file.write_text("{")
    code, said = refusal(["--model", str(folder)], capsys)
    assert (code, "has no readable sentimill.json (JSONDecodeError)" in said) == (2, True), said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--model", "third"], "run is 'third'; expected `champion`, a model folder, or a run of"),
        (["--taxonomy", "ekman"], "taxonomy is ekman; expected one with a champion: polarity3."),
        (["--port", "70000"], "--port is '70000'; expected less than or equal to 65535."),
        (["--rate-limit", "many"], "rate limit cannot be read; expected a form such as 100/second."),
        (["--keys-file", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(
    arguments, expected, results, monkeypatch, capsys
):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(results))

    code, said = refusal(arguments, capsys)
    assert (code, expected in said) == (2, True), said


def test_a_run_and_a_model_folder_can_be_named(results, monkeypatch):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(results))
    sha256 = (results / "runs/second/model/SHA256").read_text()

    for model in ("second", str(results / "runs/second/model")):
        source = find(ApiSettings(model=model))
        assert (source.sha256, source.is_run) == (sha256, True)
    assert model_sha256(results / "runs/second/model") == sha256


def test_workers_read_the_settings_that_the_command_line_gave(monkeypatch):
    given = parse(ApiSettings, ["--workers", "3", "--generate", "--model", "r1", "--wait-s", "0.25"], "serve")
    for name, value in given.as_environment().items():
        monkeypatch.setenv(name, value)

    assert ApiSettings() == given


def test_agreement_counts_rows_whose_whole_set_is_the_same():
    before = np.array([[True, False], [True, True], [False, True], [False, True]])
    after = np.array([[True, False], [True, False], [False, True], [False, True]])

    share, change = agreement(before, after, before)
    assert (share, change) == (0.75, pytest.approx((1 - 0.8) / 2))


def test_psi_is_zero_for_the_same_and_grows_with_the_distance():
    same = np.array([0.5, 0.5])

    assert psi(same, same) == 0
    assert psi(same, np.array([0.9, 0.1])) == pytest.approx(0.4 * np.log(1.8) - 0.4 * np.log(0.2))


def run_batches(scenario, work, **bounds):
    async def go():
        batcher = Batcher(work, **{"batch_items": 8, "queue_items": 100, "wait_s": 10.0, **bounds})
        batcher.start()
        try:
            return await scenario(batcher)
        finally:
            await batcher.stop()

    return asyncio.run(go())


def test_callers_that_wait_share_a_batch_and_take_turns():
    seen, gate = [], threading.Event()

    def work(items):
        gate.wait(10)
        seen.append(items)
        return [item.upper() for item in items]

    async def scenario(batcher):
        first = asyncio.create_task(batcher.submit(["x"], 10))
        await asyncio.sleep(0.05)
        many = asyncio.create_task(batcher.submit([f"m{i}" for i in range(10)], 10))
        one = asyncio.create_task(batcher.submit(["o"], 10))
        await asyncio.sleep(0.05)
        gate.set()
        return await asyncio.gather(first, many, one)

    answers = run_batches(scenario, work)

    assert answers == [["X"], [f"M{i}" for i in range(10)], ["O"]]
    assert seen == [["x"], ["m0", "m1", "m2", "m3", "o", "m4", "m5", "m6"], ["m7", "m8", "m9"]]


def test_what_nobody_waits_for_is_not_worked_on():
    seen, gate = [], threading.Event()

    def work(items):
        gate.wait(10)
        seen.extend(items)
        return items

    async def scenario(batcher):
        first = asyncio.create_task(batcher.submit(["kept"], 10))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            await batcher.submit(["late"], 0.01)
        gate.set()
        return await first

    assert run_batches(scenario, work) == ["kept"]
    assert seen == ["kept"]


def test_a_failing_batch_fails_its_callers_and_no_others():
    def work(items):
        if "bad" in items:
            raise ValueError("no")
        return items

    async def scenario(batcher):
        with pytest.raises(ValueError, match=r"^no$"):
            await batcher.submit(["bad"], 10)
        return await batcher.submit(["good"], 10)

    assert run_batches(scenario, work) == ["good"]


def test_a_moments_halt_of_a_small_batch_does_not_stand_for_a_slow_machine():
    pace = Pace()
    assert pace.item_s == 0

    for _ in range(40):
        pace.add(4, 0.02)
    pace.add(1, 0.4)
    assert pace.item_s == pytest.approx((31 * 0.02 + 0.4) / 125)

    for _ in range(32):
        pace.add(32, 0.64)
    assert pace.item_s == pytest.approx(0.02)


def test_a_stop_finishes_what_was_taken_and_a_full_queue_takes_no_more():
    gate = threading.Event()

    async def scenario(batcher):
        first = asyncio.create_task(batcher.submit(["a", "b"], 10))
        await asyncio.sleep(0.05)
        with pytest.raises(OverloadedError):
            await batcher.submit(["c", "d"], 10)
        gate.set()
        await batcher.stop()
        return first.result()

    assert run_batches(scenario, lambda items: gate.wait(10) and items, queue_items=3) == ["a", "b"]


@pytest.mark.slow
def test_texts_are_written_on_request_where_that_is_switched_on(serve):
    client = serve(generate=True)
    body = {"labels": ["positive"], "topic": "hotels", "n_texts": 4}

    first, second = (client.post("/v1/generate", json=body).json() for _ in range(2))

    assert first == second
    assert len(first["texts"]) + sum(first["dropped"].values()) == 4
    assert client.post("/v1/generate", json={**body, "labels": ["wrong"]}).status_code == 422


@pytest.mark.slow
def test_no_request_that_the_document_allows_or_forbids_breaks_the_service(client, loopback):
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    seen = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in modes:
            try:
                cases = operation.as_strategy(generation_mode=mode)
            except schemathesis.errors.SchemathesisError:
                continue  # nothing to get wrong

            @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
            @given(case=cases)
            def fuzz(case):
                answer = case.call(base_url=loopback)
                seen[case.operation.path, answer.status_code] += 1
                if answer.status_code == 504:  # only for the caller's own deadline, and not before it
                    assert answer.elapsed >= case.body["timeout_ms"] / 1000
                    checks = [status_code_conformance, response_schema_conformance]
                else:
                    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
                case.validate_response(answer, checks=checks)

            try:
                fuzz()
            except Unsatisfiable:
                assert operation.method == "get"  # nothing to get wrong, as the strategy found late

    assert {path for path, _ in seen} >= {"/v1/predict", "/v1/model", "/metrics"}
    assert {200, 422} <= {status for path, status in seen if path == "/v1/predict"}


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_judges_a_text_and_a_file_and_runs_nothing_that_is_in_them(loopback, width, tmp_path):
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium here")
    file = tmp_path / "texts.csv"
    file.write_text('id,text\n1,"The soup, ""hot"", was great."\n2,\n3,<img src=x onerror=alert(1)>\n')
    with sync_playwright() as drivers:
        browser = drivers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900}, accept_downloads=True)
        trouble = []
        page.on("dialog", lambda dialog: trouble.append(dialog.message) or dialog.dismiss())
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(loopback)
        page.get_by_label("Text", exact=True).fill("<img src=x onerror=alert(1)> Anna Smith liked it.")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("#result:not([hidden])")
        assert page.locator("#scrubbed").inner_text() == "<img src=x onerror=alert(1)> Person A liked it."
        assert page.locator("#scrubbed mark").all_inner_texts() == ["Person A"]
        assert page.locator("#bars li").count() == TAXONOMY.n_labels
        assert page.locator("#scale li[aria-current]").count() == 1
        assert page.locator("#words span").count() > 5
        assert page.locator("#result img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.set_input_files("#file", file)
        with page.expect_download() as download:
            page.click("#download")
        lines = list(csv.reader(io.StringIO(Path(download.value.path()).read_text())))
        browser.close()
    assert lines[0] == ["id", "text", "labels", "level", *(f"p {name}" for name in TAXONOMY.names)]
    assert [line[:2] for line in lines[1:]] == [
        ["1", 'The soup, "hot", was great.'],
        ["2", ""],
        ["3", "<img src=x onerror=alert(1)>"],
    ]
    assert [len(line) for line in lines] == [7, 7, 2, 7]
    assert trouble == []
