"""The whole way with texts from `transformers serve` on loopback; needs `transformers[serving]` (openai)."""

import math
import socket
import subprocess
import sys
import time

import httpx
import pytest

pytest.importorskip("openai")

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from flows.regenerate import regenerate
from tasks.config import RunConfig
from tasks.storage.store import ResultsStore

TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %} :"
STARTED_S = 180
MEAN_WORDS = 9


@pytest.fixture
def served(tmp_path, vocabulary):
    """Address and name of a tiny random chat model."""
    words = [word for word in vocabulary if word.isalpha() and len(word) > 1]
    vocab = {token: i for i, token in enumerate(["[PAD]", "[SEP]", *words])}
    backend = Tokenizer(WordLevel(vocab, unk_token="[PAD]"))
    backend.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", eos_token="[SEP]", unk_token="[PAD]"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=len(vocab), **sizes, bos_token_id=None, eos_token_id=1, pad_token_id=0)
    )
    _write_words(model, range(2, len(vocab)))
    model.generation_config.do_sample = True  # the server goes by this, not by the temperature asked for
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with subprocess.Popen([*command, *options]) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}/v1", str(folder)
        finally:
            server.terminate()


def _write_words(model, words):
    """Let a model write words, all alike, and end after nine or so.

    The first number of every hidden state is the same, and only it decides.
    """
    scores = torch.full((model.config.vocab_size,), -30.0)
    scores[list(words)] = 0.0
    scores[model.config.eos_token_id] = math.log(len(words) / MEAN_WORDS)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.zero_()[:, 0] = 1.0
        model.lm_head.weight.zero_()[:, 0] = scores / math.sqrt(model.config.hidden_size)  # as normed


def _wait(url):
    deadline = time.monotonic() + STARTED_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code < 500:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    pytest.fail(f"{url} did not answer")


@pytest.mark.slow
def test_a_run_against_transformers_serve_finishes(prefect_api, served, tiny_encoder, tmp_path):
    ResultsStore(root=str(tmp_path / "results")).save("results", overwrite=True)
    endpoint, model = served
    config = RunConfig.model_validate(
        {
            "profile": "server",
            "taxonomy": "polarity3",
            "plan": {"texts_per_label": 4, "topics": ["films"], "multi_label_fraction": 0, "rounds": 1},
            "generator": {"endpoint": endpoint, "model": model, "max_new_tokens": 40, "batch_size": 4},
            "cleaning": {"language": None, "near_duplicate_similarity": 1.0},
            "verifying": {"enabled": False},
            "training": {"base": str(tiny_encoder), "epochs": 1},
        }
    )
    summary = regenerate(config)
    assert summary.n_rows > 0
