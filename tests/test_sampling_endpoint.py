"""The endpoint engine against servers on loopback that misbehave."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from prefect import flow

from tasks.config import GeneratorConfig, PromptForm, RunConfig
from tasks.data.records import Cell
from tasks.orchestration import run as runs
from tasks.pipeline.sampling import Request, Sample, load_engine, retries
from tasks.pipeline.sampling.endpoint import open_endpoint
from tasks.pipeline.sampling.retries import requested_wait_s
from tasks.pipeline.sampling.tokenization import without_thinking
from tasks.stages.sampling import sample_cells
from tasks.storage.store import ResultsStore


class Server:
    """Answers with the scripted replies first, then properly."""

    def __init__(self, *script, models=("small",), one_choice=False, key=None):
        self.script, self.models, self.one_choice, self.key = list(script), models, one_choice, key
        self.asked, self.now, self.most = [], 0, 0
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.reply(self, *outer.listing(self.headers))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.reply(self, *outer.answer(self.path, body))

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def reply(self, handler, status, headers, body):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(raw))} | headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(raw)

    def listing(self, headers):
        if self.key and headers.get("Authorization") != f"Bearer {self.key}":
            return 401, {}, {"error": "no such key"}
        return 200, {}, {"data": [{"id": name} for name in self.models]}

    def answer(self, path, body):
        with self.lock:
            self.asked.append((path, body))
            self.now += 1
            self.most = max(self.most, self.now)
            step = self.script.pop(0) if self.script else None
        if callable(step):
            step = step()
        if step is None:
            time.sleep(0.01)
        with self.lock:
            self.now -= 1
        return step or (200, {}, self.proper(body))

    def proper(self, body):
        n = 1 if self.one_choice else body.get("n", 1)
        texts = [f" text {body['seed']} {place} " for place in range(n)]
        if "messages" in body:
            choices = [{"message": {"content": text}, "finish_reason": "stop"} for text in texts]
        else:
            choices = [{"text": text, "finish_reason": "length"} for text in texts]
        return {"choices": choices, "usage": {"prompt_tokens": 7, "completion_tokens": 5 * n}}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@contextmanager
def _serving(*script, **traits):
    server = Server(*script, **traits)
    try:
        yield server
    finally:
        server.close()


def _exactly(message):
    return f"^{re.escape(message)}$"


def _config(server, **changes):
    values = {"model": "small", "endpoint": server.url, "prompt_form": PromptForm.chat, "batch_size": 8}
    return GeneratorConfig(**(values | changes))


def test_all_samples_of_a_prompt_are_asked_for_at_once():
    with _serving() as server:
        engine = load_engine(_config(server, max_new_tokens=9, temperature=0.5, top_p=0.9))
        samples = engine.sample(Request("write", n=3, seed=4, stop=("END",)))
        assert server.asked == [
            (
                "/v1/chat/completions",
                {
                    "model": "small",
                    "max_tokens": 9,
                    "temperature": 0.5,
                    "top_p": 0.9,
                    "n": 3,
                    "seed": 777545331,
                    "stop": ["END"],
                    "messages": [{"role": "user", "content": "write"}],
                },
            )
        ]
        assert samples == [Sample(f"text 777545331 {place}", "stop", 5) for place in range(3)]
        usage = engine.usage()
        assert (usage.n_prompt_tokens, usage.n_new_tokens) == (7, 15)


def test_plain_prompts_go_to_completions_and_extensions_only_where_wanted():
    with _serving() as server:
        engine = load_engine(_config(server, prompt_form=PromptForm.plain, top_k=40))
        assert engine.sample(Request("once", n=1, seed=0))[0].finish == "length"
        [(path, body)] = server.asked
        assert path == "/v1/completions"
        assert body["prompt"] == "once"
        assert body["top_k"] == 40
        assert not {"min_p", "repetition_penalty", "messages", "stop"} & set(body)


def test_a_system_prompt_is_sent_ahead():
    with _serving() as server:
        load_engine(_config(server, system_prompt="be brief")).sample(Request("write", n=1, seed=0))
        [(_, body)] = server.asked
        assert body["messages"] == [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "write"},
        ]


def test_a_server_that_gives_one_choice_is_asked_again_with_other_seeds():
    with _serving(one_choice=True) as server:
        samples = load_engine(_config(server)).sample(Request("write", n=5, seed=1))
        assert len({sample.text for sample in samples}) == 5
        assert [body.get("n") for _, body in server.asked] == [5, None, None, None, None]
        assert len({body["seed"] for _, body in server.asked}) == 5


GOOD = Request("write", n=2, seed=0)
TROUBLE = {
    "busy": (429, {}, {"error": "slow down"}),
    "broken": (500, {}, b"oops"),
    "overloaded": (503, {}, b""),
    "cut-off JSON": (200, {}, b'{"choices": [{"mess'),
    "cut-off body": (200, {"Content-Length": "500"}, b'{"choices": ['),
    "empty choices": (200, {}, {"choices": []}),
    "no choices": (200, {}, {"error": "later"}),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_passing_trouble_changes_no_text(name):
    with _serving() as calm:
        expected = load_engine(_config(calm)).sample(GOOD)
    with _serving(TROUBLE[name], TROUBLE[name]) as server:
        engine = open_endpoint(_config(server), answer_s=2.0)
        assert engine.sample(GOOD) == expected
        assert len(server.asked) == 3


def test_a_call_that_hangs_is_made_again():
    answered = threading.Event()
    with _serving(lambda: answered.wait(60)) as server:
        engine = open_endpoint(_config(server), answer_s=0.5)
        try:
            assert len(engine.sample(GOOD)) == 2
            assert len(server.asked) >= 2
        finally:
            answered.set()


def test_retry_after_is_waited_for_before_the_next_call(monkeypatch):
    now = 100.0

    async def sleep(seconds):
        nonlocal now
        now += seconds

    monkeypatch.setattr(retries, "time", SimpleNamespace(monotonic=lambda: now, time=time.time))
    monkeypatch.setattr(retries, "asyncio", SimpleNamespace(sleep=sleep))
    with _serving((429, {"Retry-After": "7"}, {})) as server:
        engine = load_engine(_config(server))
        engine.sample(GOOD)
        assert len(server.asked) == 2
        assert now == pytest.approx(107.0)


def test_waits_are_read_from_the_headers():
    assert requested_wait_s({}) == 0.0
    assert requested_wait_s({"retry-after": "7"}) == 7.0
    assert requested_wait_s({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0.0
    assert requested_wait_s({"retry-after": "soon"}) == 0.0
    spent = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"}
    assert requested_wait_s(spent) == 62.5
    assert requested_wait_s(spent | {"x-ratelimit-remaining-requests": "3"}) == 0.0
    assert requested_wait_s({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}) == 0.02


def test_calls_at_once_are_bounded():
    with _serving(one_choice=True) as server:
        engine = load_engine(_config(server, batch_size=3))
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(engine.sample, [Request(f"p{n}", n=4, seed=n) for n in range(10)]))
        assert [len(samples) for samples in answers] == [4] * 10
        assert 1 < server.most <= 3


def test_lasting_trouble_is_told_with_its_last_reason():
    with _serving(*[(500, {}, b"")] * 6) as server:
        engine = load_engine(_config(server))
        message = (
            f"endpoint {server.url}/ failed 6 times, last with status 500; expected an answer with choices. "
            "Look at the server's log."
        )
        with pytest.raises(ConnectionError, match=_exactly(message)):
            engine.sample(GOOD)
        assert len(engine.sample(GOOD)) == 2


def test_a_server_that_refuses_several_texts_at_once_is_asked_one_by_one():
    with _serving((400, {}, {"error": "only n = 1 is supported"})) as server:
        engine = load_engine(_config(server))
        samples = engine.sample(Request("write", n=4, seed=1))
        assert [body.get("n") for _, body in server.asked] == [4, None, None, None, None]
        assert len({sample.text for sample in samples}) == 4
        assert len(engine.sample(Request("write", n=2, seed=2))) == 2
        assert [body.get("n") for _, body in server.asked[5:]] == [None, None]


NOTHING = [
    {"content": None, "reasoning_content": "The user wants"},
    {"content": ""},
    {"content": "<think>so"},
]


@pytest.mark.parametrize("message", NOTHING)
def test_a_server_that_gives_no_text_is_told_after_eight_answers(message):
    empty = (200, {}, {"choices": [{"message": message, "finish_reason": "length"}] * 4})
    with _serving(*[empty] * 9) as server:
        engine = load_engine(_config(server, batch_size=4))
        assert [sample.text for sample in engine.sample(Request("write", n=4, seed=1))] == [""] * 4
        with pytest.raises(
            ValueError, match=r"gave 8 answers without text \(an empty or null content\); expected"
        ):
            engine.sample(Request("write", n=4, seed=2))


def test_an_empty_answer_among_others_is_a_text_like_any():
    empty = (200, {}, {"choices": [{"message": {"content": None}}] * 8})
    with _serving(None, empty, empty) as server:
        engine = load_engine(_config(server))
        for seed in (1, 2, 3):
            assert len(engine.sample(Request("write", n=8, seed=seed))) == 8


def test_a_refused_request_is_not_repeated():
    with _serving((404, {}, {"error": "context too long"})) as server:
        message = (
            f'endpoint {server.url}/chat/completions answers status 404: {{"error": "context too long"}}; '
            "expected 200. Check generator.endpoint and generator.model."
        )
        with pytest.raises(ValueError, match=_exactly(message)):
            load_engine(_config(server)).sample(GOOD)
        assert len(server.asked) == 1


def test_cells_already_sampled_stay_when_the_endpoint_refuses_the_rest(prefect_api, tmp_path):
    ResultsStore(root=str(tmp_path)).save("results", overwrite=True)
    base = {"labels": ("positive",), "wanted": 4, "n_to_sample": 4, "round": 1}

    @flow
    def sample_six(config):
        run = runs.open_run(config)
        topics = list(run.topics.by_name)
        cells = [Cell(**base, topic=topics[i], seed=i) for i in range(6)]
        return sample_cells(run, cells, "sample").refs

    with _serving(None, None, None, *[(402, {}, {"error": "out of credit"})] * 3) as server:
        generator = {"endpoint": server.url, "model": "small", "batch_size": 8}
        config = RunConfig(profile="server", taxonomy="polarity3", generator=generator)
        with pytest.raises(ValueError, match=r"answers status 402.*out of credit"):
            sample_six(config)
        deadline = time.monotonic() + 60
        while len(server.asked) < 6 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [ref.n_rows for ref in sample_six(config)] == [4] * 6
        assert len(server.asked) == 6 + 3


def test_an_endpoint_that_is_down_is_told_before_sampling():
    with _serving() as server:
        pass
    message = (
        f"endpoint {server.url} does not answer (ConnectError); expected a server. "
        "Start it, or correct generator.endpoint."
    )
    with pytest.raises(ConnectionError, match=_exactly(message)):
        load_engine(_config(server))


def test_an_endpoint_that_wants_a_key_is_told_before_sampling(monkeypatch):
    with _serving(key="sesame") as server:
        message = (
            f'endpoint {server.url}/models answers status 401: {{"error": "no such key"}}; expected 200. '
            "Set OPENAI_API_KEY, or what key_variable names, to a key that the server knows."
        )
        with pytest.raises(ValueError, match=_exactly(message)):
            load_engine(_config(server))
        monkeypatch.setenv("OPENAI_API_KEY", "sesame")
        assert len(load_engine(_config(server)).sample(GOOD)) == 2


def test_another_model_than_served_is_told_before_sampling():
    with _serving(models=("tall", "wide")) as server:
        message = (
            f"generator.model is small; expected one that {server.url} serves: tall, wide (2 in all). "
            "Name one of them, or `default` for the first."
        )
        with pytest.raises(ValueError, match=_exactly(message)):
            load_engine(_config(server))
        load_engine(_config(server, model="default")).sample(GOOD)
        assert server.asked[0][1]["model"] == "tall"


def test_guidance_is_refused():
    message = (
        "generator.guidance_scale is 2.0; expected 1 with an endpoint, which returns no scores. "
        "Set it to 1, or sample from the model in this process."
    )
    with _serving() as server, pytest.raises(ValueError, match=_exactly(message)):
        load_engine(_config(server, guidance_scale=2.0))


def test_thinking_is_left_out():
    assert without_thinking("<think>hm\nhm</think>\n\nFine day.") == "\n\nFine day."
    assert without_thinking("hm</think>Fine day.") == "Fine day."
    assert without_thinking("<think>hm, cut off") == ""
    assert without_thinking("I think <3 you.") == "I think <3 you."
