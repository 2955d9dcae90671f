"""Which backend samples, what vLLM is asked, and what every backend in this process promises."""

import json
import re
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tasks.config import GeneratorConfig, PromptForm, RunConfig, VerifyingConfig
from tasks.config.judging import judge_of
from tasks.orchestration.preflight import check
from tasks.pipeline.sampling import Request, Scorer, backends, choose_backend, load_engine
from tasks.pipeline.sampling.vllm_backend import engine_settings, likelihood_of, sampling_settings

HAS_VLLM = find_spec("vllm") is not None and torch.cuda.is_available()
WORDS = ["[PAD]", "[END]", *(f"w{number}" for number in range(62))]


def _config(**changes):
    values = {"model": "some", "prompt_form": PromptForm.plain, "temperature": 1.0, "guidance_scale": 1.0}
    return GeneratorConfig(**(values | changes))


@pytest.fixture
def on_a_gpu(monkeypatch):
    """As on a machine with vLLM and CUDA, as far as the choice looks."""
    monkeypatch.setattr(backends, "find_spec", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ({}, "vllm"),
        ({"backend": "vllm"}, "vllm"),
        ({"backend": "torch"}, "torch"),
        ({"guidance_scale": 3.0}, "torch"),
        ({"begin_suppress_words": ("As",)}, "torch"),
        ({"precision": "int8"}, "torch"),
        ({"endpoint": "http://localhost:1/v1"}, "endpoint"),
        ({"endpoint": "http://localhost:1/v1", "backend": "endpoint"}, "endpoint"),
    ],
)
def test_with_vllm_and_a_gpu_the_backend_is_chosen_by_what_is_asked(on_a_gpu, changes, chosen):
    assert choose_backend(_config(**changes)) == chosen


def test_without_a_gpu_or_vllm_pytorch_samples(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_backend(_config()) == "torch"
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    assert choose_backend(_config()) == "torch"


def _refused(config, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        choose_backend(config)


UNFIT = [
    (
        {"guidance_scale": 3.0},
        "generator.guidance_scale is 3.0; expected 1 with vLLM, which follows one prompt per text. Set it to "
        "1, or set generator.backend to torch.",
    ),
    (
        {"begin_suppress_words": ("As",)},
        "generator.begin_suppress_words is set; expected none with vLLM, which suppresses words everywhere "
        "or nowhere. Leave it out, or set generator.backend to torch.",
    ),
    (
        {"precision": "int8"},
        "generator.precision is int8; expected bf16 or fp32 with vLLM. Leave it out, or set "
        "generator.backend to torch.",
    ),
]


@pytest.mark.parametrize(("changes", "message"), UNFIT)
def test_what_vllm_cannot_do_is_refused_where_vllm_is_named(on_a_gpu, changes, message):
    _refused(_config(backend="vllm", **changes), message)


def test_vllm_that_is_not_installed_is_refused_with_the_command(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    message = (
        "generator.backend is vllm but vllm is not installed; expected it. Run `pip install "
        "'sentimill[vllm]'`, or set generator.backend to torch."
    )
    _refused(_config(backend="vllm"), message)
    with pytest.raises(ValueError, match=re.escape(message)):
        load_engine(_config(backend="vllm"))
    generator = {"backend": "vllm", "guidance_scale": 1.0}
    with pytest.raises(ValueError, match=re.escape(message)):
        check(RunConfig.model_validate({"taxonomy": "polarity3", "generator": generator}))


def test_vllm_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = (
        "generator.backend is vllm and PyTorch sees no GPU; expected one with CUDA. Check `nvidia-smi` and "
        "CUDA_VISIBLE_DEVICES, or set generator.backend to torch."
    )
    _refused(_config(backend="vllm"), message)


@pytest.mark.parametrize("backend", ["torch", "vllm"])
def test_an_endpoint_and_a_backend_in_this_process_contradict_each_other(backend):
    message = (
        f"generator.backend is {backend} and generator.endpoint is http://localhost:1/v1; expected one of "
        "the two. Leave generator.backend out, or take a profile without an endpoint."
    )
    _refused(_config(backend=backend, endpoint="http://localhost:1/v1"), message)


def test_the_backend_endpoint_needs_an_address():
    message = (
        "generator.backend is endpoint and generator.endpoint is empty; expected the URL of a server. Give "
        "it, or leave generator.backend out."
    )
    _refused(_config(backend="endpoint"), message)


def test_a_judge_beside_vllm_runs_on_pytorch_or_its_endpoint():
    generator = _config(backend="vllm")
    own = VerifyingConfig(judge="llm", judge_endpoint="http://localhost:1/v1")

    assert judge_of(VerifyingConfig(judge="llm"), generator).backend == "torch"
    assert judge_of(own, generator).backend == "auto"


def test_each_text_is_asked_for_with_a_seed_of_its_own():
    config = _config(
        max_new_tokens=9, temperature=0.9, top_p=0.8, top_k=40, min_p=0.1, repetition_penalty=1.2
    )
    request = Request("write", n=2, seed=4, stop=("END",))
    first, second = sampling_settings(config, request, frozenset({7, 3}), {0, 2})

    assert first == {
        "n": 1,
        "seed": 777545331,
        "max_tokens": 9,
        "temperature": 0.9,
        "top_p": 0.8,
        "top_k": 40,
        "min_p": 0.1,
        "repetition_penalty": 1.2,
        "stop": ["END"],
        "stop_token_ids": [3, 7],
        "logit_bias": {0: -100.0, 2: -100.0},
    }
    assert second == first | {"seed": 1829013454}


def test_the_model_is_opened_with_a_prefix_cache_and_room_for_the_batch(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)

    assert engine_settings(_config(batch_size=256, revision="abc"), "org/model", None) == {
        "model": "org/model",
        "revision": "abc",
        "tokenizer_revision": "abc",
        "dtype": "bfloat16",
        "seed": 0,
        "enable_prefix_caching": True,
        "gpu_memory_utilization": 0.8,
        "max_num_seqs": 256,
    }
    assert engine_settings(_config(precision="fp32"), "org/model", None)["dtype"] == "float32"


@pytest.mark.parametrize(("rank", "room"), [(4, 8), (16, 16), (100, 128)])
def test_an_adapter_is_given_room_for_its_rank(tmp_path, rank, room):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": rank}))
    settings = engine_settings(_config(), "org/model", str(tmp_path))

    assert settings["enable_lora"]
    assert (settings["max_loras"], settings["max_lora_rank"]) == (1, room)


def test_an_adapter_of_too_high_a_rank_is_refused(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 600}))
    message = (
        f"adapter {tmp_path} has rank 600; expected at most 512 with vLLM. Tune one of a lower rank, or set "
        "generator.backend to torch."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        engine_settings(_config(), "org/model", str(tmp_path))


def test_the_likelihood_of_a_text_is_that_of_its_tokens():
    said = [None, *({token: SimpleNamespace(logprob=-float(token)), 99: None} for token in (5, 6, 7))]

    assert likelihood_of(said, [4, 5, 6, 7], n=2) == -13.0


# What every backend in this process promises, on a tiny random model.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("llama")
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[PAD]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="[PAD]", eos_token="[END]", unk_token="[PAD]"
    ).save_pretrained(path)
    torch.manual_seed(0)
    sizes = {"hidden_size": 128, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None}
    LlamaForCausalLM(
        LlamaConfig(vocab_size=len(WORDS), max_position_embeddings=64, initializer_range=0.2, **sizes, **ends)
    ).save_pretrained(path)
    return path


@pytest.fixture(scope="module", params=["torch", "vllm"])
def engine(request, folder):
    if request.param == "vllm" and not HAS_VLLM:
        pytest.skip("vLLM samples on a GPU with CUDA, and needs the package vllm; one is not here.")
    config = _config(
        model=str(folder), backend=request.param, precision="fp32", batch_size=8, max_new_tokens=12, min_p=0.0
    )
    opened = load_engine(config)
    yield opened
    opened.close()


def test_a_request_gives_its_texts_in_order_and_again_the_same(engine):
    samples = engine.sample(Request("w5 w6", n=6, seed=3))

    assert len(samples) == 6
    assert len({sample.text for sample in samples}) > 1
    assert engine.sample(Request("w5 w6", n=6, seed=3)) == samples
    assert engine.sample(Request("w5 w6", n=2, seed=3)) == samples[:2]
    assert engine.sample(Request("w5 w6", n=6, seed=4)) != samples


def test_texts_hold_words_alone_and_end_at_the_limit_or_before(engine):
    samples = engine.sample(Request("w5 w6", n=24, seed=0))

    assert {word for sample in samples for word in sample.text.split()} <= set(WORDS[2:])
    for sample in samples:
        n_words = len(sample.text.split())
        assert sample.n_tokens == (12 if sample.finish == "length" else n_words + 1)
        assert n_words <= 12


def test_a_text_ends_before_a_stop_string(engine):
    free = engine.sample(Request("w5 w6", n=24, seed=0))
    word = next(sample.text.split()[2] for sample in free if len(sample.text.split()) > 4)
    stopped = engine.sample(Request("w5 w6", n=24, seed=0, stop=(f" {word}",)))

    assert [sample.text for sample in stopped] == [sample.text.split(f" {word}")[0] for sample in free]


def test_usage_counts_every_new_token(engine):
    before = engine.usage()
    samples = engine.sample(Request("w9 w8 w7", n=3, seed=1))
    after = engine.usage()

    assert after.n_new_tokens - before.n_new_tokens == sum(sample.n_tokens for sample in samples)
    assert after.n_prompt_tokens > before.n_prompt_tokens


def test_a_prompt_longer_than_the_context_is_refused(engine):
    message = (
        "prompt has 60 tokens and generator.max_new_tokens is 12; expected at most 64 together, the "
        "generator's context. Shorten either."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        engine.sample(Request("w1 " * 60, n=1, seed=0))


def test_likelihoods_are_those_of_the_model(engine, folder):
    pairs = [("w5 w6", "w7 w8 w9"), ("w5", "w10"), ("w5", "")]
    model = LlamaForCausalLM.from_pretrained(folder)
    expected = []
    for prompt, text in pairs:
        tokens = [WORDS.index(word) for word in f"{prompt} {text}".split()]
        with torch.inference_mode():
            scores = model(input_ids=torch.tensor([tokens])).logits[0].log_softmax(-1)
        places = range(len(prompt.split()), len(tokens))
        expected.append(sum(float(scores[place - 1, tokens[place]]) for place in places))

    assert isinstance(engine, Scorer)
    assert engine.log_likelihoods(pairs) == pytest.approx(expected, abs=1e-2)
