"""The in-process engine on tiny random models of three architectures."""

import string
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from scipy.stats import chisquare
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    BertConfig,
    BertLMHeadModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LogitsProcessorList,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Tokenizer,
)
from transformers.generation import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.pytorch_utils import Conv1D

from tasks.config import GeneratorConfig, PromptForm
from tasks.pipeline.sampling import Request, Sample, load_engine, loading
from tasks.pipeline.sampling.engine import quantization
from tasks.pipeline.sampling.engine.attention import ATTENTION
from tasks.pipeline.sampling.engine.decoding import score_next
from tasks.pipeline.sampling.engine.engine import FEW, PART
from tasks.pipeline.sampling.engine.paged_cache import CacheSlot, PagedCache
from tasks.pipeline.sampling.engine.prefill import Prompts
from tasks.pipeline.sampling.engine.quantization import Quantized, choose_precision, quantize_weights
from tasks.pipeline.sampling.engine.self_test import (
    batch_invariant_sizes,
    check_cached_decoding,
    prompts_agree,
)
from tasks.pipeline.sampling.engine.sequences import Job
from tasks.pipeline.sampling.engine.token_sampling import DRAWS_PER_TOKEN, Controls, draw
from tasks.pipeline.sampling.engine.weight_packing import Packed, linear_layers, pack_weights, product_like

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [f"w{n}" for n in range(95)]


def _tokenizer(**special):
    vocabulary = {word: number for number, word in enumerate(SPECIAL + WORDS)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]"} | special
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


def _letters_tokenizer():
    """Qwen2's own class insists on byte-level pairs: texts of letters; ids 68-99 stay unused."""
    letters = [*string.ascii_letters, *string.digits, "Ġ"]
    vocabulary = {word: number for number, word in enumerate(SPECIAL + letters)}
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    return Qwen2Tokenizer(vocab=vocabulary, merges=[], bos_token="[CLS]", eos_token="[SEP]", **marks)


def _model(kind, seed=0):
    torch.manual_seed(seed)
    sizes = {"vocab_size": 100, "max_position_embeddings": 192, "initializer_range": 0.35}
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {"pad_token_id": 0, "eos_token_id": 3, "bos_token_id": 2}
    if kind == "bert":
        return BertLMHeadModel(BertConfig(**sizes, **small, is_decoder=True, pad_token_id=0, eos_token_id=3))
    if kind == "gpt2":
        return GPT2LMHeadModel(
            GPT2Config(
                vocab_size=100,
                n_positions=192,
                n_embd=32,
                n_layer=2,
                n_head=4,
                initializer_range=0.35,
                **ends,
            )
        )
    family = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM)}[kind]
    return family[1](family[0](**sizes, **small, **ends, num_key_value_heads=2))


@pytest.fixture(autouse=True)
def _fp32(monkeypatch):
    """The same arithmetic on every machine that runs the tests."""
    monkeypatch.setattr(loading, "arithmetic", lambda on_gpu: torch.float32)


@pytest.fixture(scope="session", params=["bert", "gpt2", "llama", "qwen2"])
def folder(request, tmp_path_factory):
    return _save(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    return _save("bert", tmp_path_factory.mktemp("bert"))


def _save(kind, path):
    _model(kind).eval().save_pretrained(path)
    if kind == "qwen2":
        _letters_tokenizer().save_pretrained(path)
        return path
    ends = ("cls_token", "sep_token") if kind == "bert" else ("bos_token", "eos_token")
    _tokenizer(mask_token="[MASK]", **dict(zip(ends, ["[CLS]", "[SEP]"], strict=True))).save_pretrained(path)
    return path


def _config(folder, **changes):
    values = {"model": str(folder), "prompt_form": PromptForm.plain, "batch_size": 16, "top_p": 1.0}
    values |= {"temperature": 1.0, "min_p": 0.0, "guidance_scale": 1.0}
    return GeneratorConfig(**(values | {"max_new_tokens": 24} | changes))


def _load(folder, dtype=torch.float32):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation=ATTENTION).eval()
    model.requires_grad_(False)
    return model


def test_decoding_from_a_shared_prompt_scores_like_plain_decoding(folder):
    model, prompt = _load(folder), [2, 40, 41, 42, 43, 44, 45]
    slots, pages = PagedCache(), ([], [], [])
    slots.add_prefix(Prompts(model).prefill(prompt).layers)
    texts = [[50, 51, 52] * 15, [60, 61, 62] * 15, [50, 61, 77] * 15]  # longer than a page
    for step in range(45):
        cache_slots = [CacheSlot(group_slot, pages[group_slot], step) for group_slot in range(3)]
        scores = score_next(model, slots, [text[step] for text in texts], cache_slots, 8)
        plain = model(input_ids=torch.tensor([prompt + text[: step + 1] for text in texts])).logits[:, -1]
        assert (scores - plain).abs().max() < 1e-4


def test_packed_weights_give_the_same_scores(folder):
    plain, packed, tokens = _load(folder), _load(folder), torch.tensor([[5, 6, 7, 8]])
    assert pack_weights(packed) > 0
    assert (packed(tokens).logits - plain(tokens).logits).abs().max() < 1e-4


def test_packed_bf16_weights_give_the_same_scores_but_for_rounding(folder):
    """Plain bf16 and packed bf16 are equally far from fp32."""
    exact, plain, packed = _load(folder), _load(folder, torch.bfloat16), _load(folder, torch.bfloat16)
    tokens = torch.tensor([[5, 6, 7, 8]])
    assert pack_weights(packed) > 0
    scores = exact(tokens).logits
    errors = [(model(tokens).logits.float() - scores).abs().max() for model in (packed, plain)]
    assert errors[0] <= 1.5 * errors[1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("kind", [torch.nn.Linear, lambda n_in, n_out: Conv1D(n_out, n_in)])
def test_rows_of_a_packed_product_do_not_hang_on_their_number(kind, dtype):
    layers = torch.nn.Sequential(kind(384, 64), kind(1536, 64)).to(dtype)
    assert pack_weights(layers) == 2
    for layer in layers:
        product, rows = product_like(layer, 320)
        expected = product(rows)
        assert expected.abs().max() < 1e-2 * rows.abs().max()  # rounding is all that is left
        for n_rows in (8, 16, 32, 64, 96, 128, 160, 256):
            assert torch.equal(product(rows[:n_rows]), expected[:n_rows])


def test_a_packed_product_is_filled_up_where_it_must_be(bert):
    layer = torch.nn.Linear(32, 8)
    rows = torch.randn(3, 2, 32)
    with torch.inference_mode():
        assert torch.allclose(Packed(layer, 64)(rows), layer(rows), atol=1e-5)
        assert torch.equal(
            Packed(layer, 64)(rows),
            Packed(layer, 1)(torch.cat([rows.flatten(0, 1), torch.zeros(58, 32)]))[:6].view(3, 2, 8),
        )


@pytest.mark.parametrize("n_rows", [1, 63, 64, 65, 127, 128, 200])
def test_a_packed_product_is_made_in_pieces_where_it_must_be(n_rows):
    layer, rows = torch.nn.Linear(32, 8), torch.randn(n_rows, 32)
    product = Packed(layer, 32, 64)
    shapes, multiply = [], product._multiply
    product._multiply = lambda piece: shapes.append(len(piece)) or multiply(piece)
    with torch.inference_mode():
        assert torch.allclose(product(rows), layer(rows), atol=1e-5)
    assert all(32 <= n <= 64 for n in shapes)
    assert len(shapes) == -(-n_rows // 64)


def test_weights_that_are_neither_fp32_nor_bf16_are_left_as_they_are(bert):
    model = _load(bert, torch.float16)
    assert pack_weights(model) == 0
    assert "forward" not in vars(model.bert.encoder.layer[0].intermediate.dense)


def test_pages_that_fall_free_are_filled_with_the_last_and_change_no_score(bert):
    model, prompt = _load(bert), [2, 40, 41]
    slots, pages = PagedCache(), [[] for _ in range(4)]
    slots.add_prefix(Prompts(model).prefill(prompt).layers)
    for step in range(70):
        if step == 40:
            slots.free_pages(pages[0])
            slots.free_pages(pages[1])
        cache_slots = [
            CacheSlot(group_slot, pages[group_slot], step) if group_slot > 1 or step < 40 else None
            for group_slot in range(4)
        ]
        scores = score_next(model, slots, [50 + step % 20] * 4, cache_slots, 8)
    assert sorted(pages[2] + pages[3]) == [0, 1, 2, 3, 4, 5]
    plain = model(input_ids=torch.tensor([prompt + [50 + step % 20 for step in range(70)]])).logits[0, -1]
    assert (scores[2] - plain).abs().max() < 1e-4
    assert torch.equal(scores[2], scores[3])


def test_a_prompt_computed_in_pieces_scores_like_the_whole(folder):
    model, tokens = _load(folder), [5 + n % 90 for n in range(150)]
    prompts = Prompts(model)
    first, again = prompts.prefill(tokens), prompts.prefill(tokens)
    plain = model(input_ids=torch.tensor([tokens])).logits[0, -1]
    assert (first.logits - plain).abs().max() < 1e-4
    assert (first.n_computed, again.n_computed) == (150, 0)


def test_a_remembered_prefix_changes_no_bit(folder):
    model, prefix = _load(folder), [5 + n % 90 for n in range(130)]
    prompts = Prompts(model)
    prompts.prefill([*prefix, 10, 11])
    found, alone = prompts.prefill([*prefix, 20, 21]), Prompts(model).prefill([*prefix, 20, 21])
    assert (found.n_computed, alone.n_computed) == (4, 132)
    assert torch.equal(found.logits, alone.logits)
    for (keys, values), (keys_alone, values_alone) in zip(found.layers, alone.layers, strict=True):
        assert torch.equal(keys, keys_alone)
        assert torch.equal(values, values_alone)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_prompts_computed_side_by_side_are_as_each_alone(folder, dtype):
    model = _load(folder, dtype)
    pack_weights(model)
    assert prompts_agree(model, 192)
    lengths = [3, 9, 9, 70, 3, 70, 1, 9]
    texts = [[5 + (7 * n + 3 * place) % 90 for place in range(length)] for n, length in enumerate(lengths)]
    together = Prompts(model, together=True)
    assert together.prepare([*texts, texts[1]]) == sum(min(length, 64) for length in lengths)
    for text in texts:
        found, alone = together.prefill(text), Prompts(model).prefill(text)
        assert torch.equal(found.logits, alone.logits)
        assert found.n_computed == max(0, len(text) - 64)
        for ours, theirs in zip(found.layers, alone.layers, strict=True):
            assert torch.equal(ours[0], theirs[0])
            assert torch.equal(ours[1], theirs[1])


def test_where_one_product_rounds_otherwise_each_prompt_is_computed_alone(bert):
    model = _load(bert)
    layer = model.bert.encoder.layer[-1].output.dense
    forward = layer.forward
    layer.forward = lambda rows: forward(rows) + (1e-3 if rows.shape[0] == 40 else 0.0)
    assert not prompts_agree(model, 192)
    assert Prompts(model).prepare([[5, 6], [7, 8]]) == 0


def test_tokens_of_prompts_are_counted_once(bert):
    engine = load_engine(_config(bert))
    lengths = [engine.codec.encode(" ".join(WORDS[:n])) for n in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(engine.sample, Request(" ".join(WORDS[:n]), n=3, seed=n)) for n in range(1, 9)]
        assert [len(job.result()) for job in jobs] == [3] * 8
    assert engine.usage().n_prompt_tokens == sum(map(len, lengths))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_batch_mates_do_not_change_a_text(folder, dtype, monkeypatch):
    monkeypatch.setattr(loading, "arithmetic", lambda on_gpu: dtype)
    wanted = Request("w1 w2 w3", n=5, seed=11)
    alone = load_engine(_config(folder, top_p=0.9)).sample(wanted)
    engine = load_engine(_config(folder, top_p=0.9))
    mates = [Request(" ".join(WORDS[: n + 1]), n=1 + n % 7, seed=n) for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(engine.sample, request) for request in [*mates[:12], wanted, *mates[12:]]]
    assert jobs[12].result() == alone


def test_the_same_seed_gives_the_same_texts_and_another_seed_others(bert):
    engine = load_engine(_config(bert))
    first = engine.sample(Request("w1", n=8, seed=1))
    assert engine.sample(Request("w1", n=8, seed=1)) == first
    assert engine.sample(Request("w1", n=8, seed=2)) != first
    assert engine.sample(Request("w1", n=3, seed=1)) == first[:3]
    assert len({sample.text for sample in first}) == 8


def test_texts_hold_no_prompt_no_padding_and_no_marks(folder):
    engine = load_engine(_config(folder))
    samples = engine.sample(Request("w90 w91", n=64, seed=0))
    assert not any(mark in sample.text for sample in samples for mark in SPECIAL)
    assert not any(sample.text.startswith("w90 w91") for sample in samples)
    assert {sample.finish for sample in samples} == {"stop", "length"}


def _write_groups(model):
    """Let a GPT-2 write only words of the group that its context is of, and of another if one key is of it.

    A query shuns keys of its own group: where there is any other, it gets all the attention.
    """
    tokens, group, size = torch.tensor([3, *range(5, 100)]), torch.arange(100) % 4, torch.arange(32)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        for norm in (module for module in model.modules() if isinstance(module, torch.nn.LayerNorm)):
            norm.weight.fill_(1.0)
        model.transformer.wte.weight[tokens, group[tokens]] = 1.0
        for block in model.transformer.h:
            for part, factor in enumerate((-5.0, 1.0, 1.0)):  # queries, keys, values
                block.attn.c_attn.weight[size, 32 * part + size] = factor
            block.attn.c_proj.weight[size, size] = 1.0
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(40.0 * model.transformer.wte.weight)


def test_a_text_holds_nothing_of_a_batch_mate(tmp_path):
    model = _model("gpt2")
    _write_groups(model)
    model.save_pretrained(tmp_path)
    _tokenizer(eos_token="[SEP]").save_pretrained(tmp_path)
    engine = load_engine(_config(tmp_path, prompt_form=PromptForm.plain, batch_size=32, max_new_tokens=40))
    prompts = [" ".join(f"w{4 * i + n % 4}" for i in range(1 + n % 17)) for n in range(40)]
    with ThreadPoolExecutor(40) as pool:
        jobs = [pool.submit(engine.sample, Request(p, n=3, seed=n)) for n, p in enumerate(prompts)]
    for n, job in enumerate(jobs):
        words = [word for sample in job.result() for word in sample.text.split()]
        assert {int(word[1:]) % 4 for word in words} <= {n % 4}
        assert len(words) == 120 or n % 4 == 2  # only the end, token 3, is of a group, that of w2


def test_tokens_are_counted_with_the_end_of_text_token(bert):
    samples = load_engine(_config(bert)).sample(Request("w5", n=64, seed=0))
    for sample in samples:
        n_words = len(sample.text.split())
        assert sample.n_tokens == n_words + (sample.finish == "stop")
        assert sample.finish == "stop" or n_words == 24


CONTROLS = {
    "plain": {},
    "temperature": {"temperature": 1.7},
    "cold": {"temperature": 0.6},
    "top_p": {"top_p": 0.8},
    "top_k": {"top_k": 10},
    "min_p": {"min_p": 0.1},
    "top_k and min_p": {"temperature": 0.8, "top_k": 10, "min_p": 0.05},
    "all": {"temperature": 1.3, "top_k": 30, "top_p": 0.9, "min_p": 0.02},
    "begin_suppress_words": {"begin_suppress_words": ("w3", "w50"), "top_p": 0.9},
}


@pytest.mark.parametrize("name", CONTROLS)
def test_first_tokens_are_as_frequent_as_the_model_says(bert, name):
    """Expected frequencies come from transformers' own logits processors."""
    engine = load_engine(_config(bert, max_new_tokens=1, batch_size=1024, **CONTROLS[name]))
    samples = engine.sample(Request("w1 w2", n=20_000, seed=5))
    counts = Counter(sample.text for sample in samples)

    controls = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0} | CONTROLS[name]
    scores = _plain_scores(bert, [6, 7])
    scores[:, [5 + int(word[1:]) for word in controls.get("begin_suppress_words", ())]] = -torch.inf
    warpers = LogitsProcessorList([TemperatureLogitsWarper(controls["temperature"])])
    if controls["top_k"]:
        warpers.append(TopKLogitsWarper(controls["top_k"]))
    if controls["top_p"] < 1:
        warpers.append(TopPLogitsWarper(controls["top_p"]))
    if controls["min_p"]:
        warpers.append(MinPLogitsWarper(controls["min_p"]))
    _assert_as_frequent(counts, warpers(None, scores).softmax(-1)[0])


@pytest.mark.parametrize("controls", [Controls(), Controls(0.9, min_p=0.1), Controls(top_p=0.9)])
def test_a_token_does_not_depend_on_the_rows_beside_it(controls):
    source = torch.Generator().manual_seed(3)
    scores = 3 * torch.randn(9, 1000, generator=source)
    uniforms = torch.rand(9, DRAWS_PER_TOKEN, generator=source)
    together = draw(scores.clone(), uniforms, controls)

    assert len(set(together.tolist())) > 1
    assert together.tolist() == [
        int(draw(scores[[row]].clone(), uniforms[[row]], controls)) for row in range(9)
    ]


@pytest.mark.parametrize("controls", [Controls(), Controls(min_p=0.1)])
def test_scores_that_are_not_numbers_are_refused(controls):
    scores = torch.tensor([[0.0, 1.0], [0.0, torch.nan]])

    with pytest.raises(ValueError, match="not numbers"):
        draw(scores, torch.full((2, DRAWS_PER_TOKEN), 0.5), controls)


def test_second_tokens_are_as_frequent_as_the_repetition_penalty_says(bert):
    """After the most frequent first word, whose own score the penalty lowers."""
    engine = load_engine(_config(bert, max_new_tokens=2, batch_size=1024, repetition_penalty=2.0))
    texts = [sample.text.split() for sample in engine.sample(Request("w1 w2", n=20_000, seed=5))]
    ((first, _),) = Counter(words[0] for words in texts if words).most_common(1)
    counts = Counter(" ".join(words[1:]) for words in texts if words[:1] == [first])

    written = 5 + int(first[1:])
    scores = _plain_scores(bert, [6, 7, written])
    penalised = RepetitionPenaltyLogitsProcessor(2.0)(torch.tensor([[written]]), scores.clone())
    assert penalised[0, written] < scores[0, written]
    _assert_as_frequent(counts, penalised.softmax(-1)[0])


def _plain_scores(folder, tokens):
    """What the model says of the next token, less what no text may hold."""
    scores = _load(folder)(input_ids=torch.tensor([tokens])).logits[:, -1].float()
    scores[:, [0, 1, 2, 4]] = -torch.inf
    return scores


def _assert_as_frequent(counts, probs):
    """Chi-square test of counts per word ("" is the end) against probabilities per token."""
    n = sum(counts.values())
    expected = {
        ("" if t == 3 else (SPECIAL + WORDS)[t]): float(p) for t, p in enumerate(probs.double()) if p > 0
    }
    assert set(counts) <= set(expected)
    common = [word for word, p in expected.items() if p * n >= 5]
    rare = 1 - sum(expected[word] for word in common)
    found = [counts[word] for word in common] + [n - sum(counts[word] for word in common)]
    wanted = [expected[word] * n for word in common] + [rare * n]
    if wanted[-1] < 5:
        found, wanted = found[:-1], [w * sum(found[:-1]) / sum(wanted[:-1]) for w in wanted[:-1]]
    assert chisquare(found, wanted).pvalue > 0.001


def test_guidance_moves_texts_towards_the_prompt_and_none_without_a_null_prompt(bert):
    plain, guided = load_engine(_config(bert)), load_engine(_config(bert, guidance_scale=3.0))
    request = Request("w1 w2", n=8, seed=3)
    assert texts_of(guided.sample(request)) == texts_of(plain.sample(request))
    towards = Request("w1 w2", n=8, seed=3, unconditional_prompt="w3")
    assert texts_of(guided.sample(towards)) != texts_of(plain.sample(towards))
    assert plain.sample(towards) == plain.sample(request)


def texts_of(samples):
    return [sample.text for sample in samples]


def test_sampling_with_guidance_tells_how_much_likelier_the_labels_make_a_text(bert):
    engine = load_engine(_config(bert, guidance_scale=2.0))
    samples = engine.sample(Request("w1 w2", n=40, seed=0, unconditional_prompt="w9"))
    ended = [sample for sample in samples if sample.finish == "stop" and sample.text]
    pairs = [(prompt, sample.text) for sample in ended for prompt in ("w1 w2", "w9")]
    known = engine.log_likelihoods(pairs)
    expected = [whole - rest for whole, rest in zip(known[0::2], known[1::2], strict=True)]
    assert len(ended) > 20
    assert [sample.log_ratio for sample in ended] == pytest.approx(expected, abs=1e-3)


def test_sampling_without_guidance_knows_no_other_side(bert):
    (sample,) = load_engine(_config(bert)).sample(Request("w1 w2", 1, 0, unconditional_prompt="w9"))
    assert sample.log_ratio is None


def test_guided_scores_are_the_formula(bert):
    engine = load_engine(_config(bert, guidance_scale=2.5, max_new_tokens=1, batch_size=512))
    samples = engine.sample(Request("w1 w2", n=4_000, seed=0, unconditional_prompt="w9"))
    model = _load(bert, dtype=torch.float32)
    with_labels, without = (
        model(input_ids=torch.tensor([ids])).logits[0, -1].float() for ids in ([6, 7], [14])
    )
    scores = without + 2.5 * (with_labels - without)
    scores[[0, 1, 2, 4]] = -torch.inf
    best = int(scores.argmax())
    counts = Counter(sample.text for sample in samples)
    share = counts[(SPECIAL + WORDS)[best]] / 4_000
    assert share == pytest.approx(float(scores.softmax(-1)[best]), abs=0.03)


def test_a_repetition_penalty_thins_repeats_out(bert):
    request = Request("w1", n=64, seed=0)

    def repeats(penalty):
        texts = [
            s.text.split() for s in load_engine(_config(bert, repetition_penalty=penalty)).sample(request)
        ]
        return sum(len(words) - len(set(words)) for words in texts)

    assert repeats(3.0) < repeats(1.0) / 2


def test_a_stop_string_ends_a_text_and_is_not_in_it(bert):
    engine = load_engine(_config(bert))
    free = engine.sample(Request("w1", n=16, seed=0))
    number, longest = max(enumerate(free), key=lambda pair: pair[1].n_tokens)
    stop = longest.text.split()[4]
    kept = longest.text[: longest.text.find(stop)].strip()
    stopped = engine.sample(Request("w1", n=16, seed=0, stop=("nowhere", stop)))
    assert stopped[number] == Sample(kept, "stop", len(kept.split()) + 1)


def test_no_text_begins_with_a_banned_opening(bert):
    def firsts(engine):
        return Counter(sample.text.split(" ")[0].lower() for sample in engine.sample(request))

    request = Request("w1", n=400, seed=0)
    banned = tuple(word for word, _ in firsts(load_engine(_config(bert))).most_common(5) if word.isalnum())[
        :3
    ]
    engine = load_engine(_config(bert, begin_suppress_words=banned))

    assert len(banned) == 3
    assert set(firsts(engine)).isdisjoint(banned)
    assert any(f" {word} " in sample.text for sample in engine.sample(request) for word in banned)


def test_many_threads_are_served_by_one_batch(bert):
    engine = load_engine(_config(bert))
    requests = [Request(f"w{n}", n=3, seed=n) for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        together = list(pool.map(engine.sample, requests))
    assert together == [engine.sample(request) for request in requests]
    assert engine.usage().n_new_tokens == 2 * sum(s.n_tokens for samples in together for s in samples)


def test_long_prompts_go_first_and_short_ones_are_not_put_off_for_ever(bert, monkeypatch):
    engine, gate, admitted = load_engine(_config(bert, batch_size=FEW)), threading.Semaphore(0), []
    admit, batch = engine.batch.admit, engine.batch

    def record(rows, coming):
        admitted.extend(row.job.request.seed for row in rows)
        admit(rows, coming)
        assert gate.acquire(timeout=30)

    monkeypatch.setattr(batch, "admit", record)
    with ThreadPoolExecutor(5) as pool:
        jobs = [pool.submit(engine.sample, Request("w1 w2", n=FEW, seed=0))]
        lengths = {1: 3, 2: 9, 3: 6}
        for seed, length in lengths.items():
            _await(lambda n=seed: engine.n_queued == FEW * (n - 1) and admitted)
            jobs.append(pool.submit(engine.sample, Request(" ".join(WORDS[:length]), n=FEW, seed=seed)))
        _await(lambda: engine.n_queued == 3 * FEW)
        gate.release()
        _await(lambda: 2 in admitted)
        jobs.append(pool.submit(engine.sample, Request(" ".join(WORDS[:12]), n=FEW, seed=4)))
        _await(lambda: engine.n_queued)
        gate.release(32)
        assert all(len(job.result(timeout=60)) == FEW for job in jobs)
    assert list(dict.fromkeys(admitted)) == [0, 2, 3, 1, 4]


def test_few_texts_join_at_a_time_so_that_the_first_does_not_wait_for_all_prompts(bert, monkeypatch):
    engine, joined, read = load_engine(_config(bert, batch_size=64, max_new_tokens=4)), [], []
    admit, batch, finish = engine.batch.admit, engine.batch, Job.finish

    def record(rows, coming):
        joined.append((len(rows), len(batch.sequences)))
        admit(rows, coming)

    def told(job, number, sample):
        read.append(sum(n for n, _ in joined))
        finish(job, number, sample)

    monkeypatch.setattr(batch, "admit", record)
    monkeypatch.setattr(Job, "finish", told)
    assert len(engine.sample(Request("w1", n=120, seed=0))) == 120
    assert all(n <= max(FEW, beside // PART) for n, beside in joined)
    assert sum(n for n, _ in joined) == 120
    assert read[0] <= 4 * FEW


def _await(come):
    deadline = time.monotonic() + 30
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_error_reaches_every_caller_and_the_engine_goes_on(bert):
    engine = load_engine(_config(bert))
    good = engine.sample(Request("w1", n=2, seed=0))
    forward, engine.model.forward = engine.model.forward, None
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(engine.sample, Request(f"w{n}", n=2, seed=0)) for n in range(2, 6)]
        errors = [job.exception(timeout=30) for job in jobs]
    assert [type(error) for error in errors] == [TypeError] * 4
    engine.model.forward = forward
    assert engine.sample(Request("w1", n=2, seed=0)) == good


def test_out_of_memory_halves_the_batch_and_changes_no_text(bert, caplog):
    roomy = load_engine(_config(bert)).sample(Request("w1", n=40, seed=0))
    engine = load_engine(_config(bert))
    forward = engine.model.forward

    def cramped(input_ids, **rest):
        if input_ids.shape[0] > 8:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(input_ids, **rest)

    engine.model.forward = cramped
    assert engine.sample(Request("w1", n=40, seed=0)) == roomy
    assert caplog.messages == ["Out of memory with 16 texts side by side; going on with 8."]


def test_no_thread_is_left_when_nothing_waits(bert, monkeypatch):
    engine, start, started = load_engine(_config(bert)), threading.Thread.start, []

    def record(thread):
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", record)
    engine.sample(Request("w1", n=4, seed=0))
    (thread,) = [thread for thread in started if thread.name == "decode"]
    thread.join(30)

    assert not thread.is_alive()


def test_narrower_widths_are_kept_only_where_they_agree(bert):
    model = _load(bert)
    assert batch_invariant_sizes(model, 30) == [8, 16, 32]
    forward = model.forward

    def shaky(input_ids, **rest):
        output = forward(input_ids, **rest)
        if input_ids.shape[0] == 16:
            output.logits += 1e-6
        return output

    model.forward = shaky
    assert batch_invariant_sizes(model, 30) == [8, 32]


def test_a_width_in_which_one_layer_rounds_otherwise_is_not_kept(bert):
    """The scores of the probe need not show it."""
    model = _load(bert)
    layer = model.bert.encoder.layer[-1].output.dense
    forward = layer.forward
    layer.forward = lambda rows: forward(rows) + (1e-3 if rows.shape == (16, 64) else 0.0)
    assert batch_invariant_sizes(model, 30) == [8, 32]


def test_a_bert_that_looks_ahead_is_refused():
    model = _model("bert")
    for layer in model.bert.encoder.layer:
        layer.attention.self.is_causal = False
    model.bert.config.is_decoder = False
    model.set_attn_implementation(ATTENTION)
    with pytest.raises(
        ValueError, match=r"^scores of generator my-bert differ by .* Take a causal language model"
    ):
        check_cached_decoding(model.eval(), "my-bert")


INTERRUPTED = """
import signal, sys, threading, time
from tasks.config import GeneratorConfig, PromptForm
from tasks.pipeline.sampling import Request, load_engine
engine = load_engine(GeneratorConfig(model=sys.argv[1], prompt_form=PromptForm.plain, batch_size=8))
threading.Timer(1.0, signal.raise_signal, [signal.SIGINT]).start()
try:
    engine.sample(Request("w1", k=1_000_000, seed=0))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    print(len(engine.sample(Request("w1", k=3, seed=0))), "more", flush=True)
"""


@pytest.mark.slow
def test_an_interrupt_stops_the_caller_at_once_and_the_process_ends(bert):
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(bert)], capture_output=True, text=True, timeout=300
    )
    assert (run.stdout, run.returncode) == ("interrupted\n3 more\n", 0)


@pytest.mark.parametrize("kind", [torch.nn.Linear, lambda n_in, n_out: Conv1D(n_out, n_in)])
def test_int8_products_are_close_and_do_not_hang_on_the_rows_beside_them(kind):
    torch.manual_seed(0)
    layer, rows = kind(384, 64), torch.randn(5, 40, 384)
    with torch.inference_mode():
        expected, product = layer(rows), Quantized(layer)
        found = product(rows)
        assert (found - expected).abs().max() < 0.02 * expected.abs().max()
        assert torch.equal(product(rows[1:3, 7:8]), found[1:3, 7:8])
        assert product(torch.zeros(2, 384)).equal(layer.bias.expand(2, 64))


def test_texts_in_int8_do_not_hang_on_the_batch(folder):
    """Scores in int8 are near those in fp32, and a request comes out alike alone and among others."""
    engine = load_engine(_config(folder, precision="int8"))
    tokens = torch.tensor([[5, 6, 7, 8]])
    plain = _load(folder)(tokens).logits
    assert (engine.model(tokens).logits - plain).abs().max() < 0.15 * plain.abs().max()
    requests = [Request(f"w{n} w{n + 1}", n=5, seed=n) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(engine.sample, requests))
    assert together == [engine.sample(request) for request in requests]


def test_weights_that_a_product_holds_are_freed_but_not_those_that_an_embedding_reads(folder):
    model = _load(folder)
    quantize_weights(model)
    first, *_, last = linear_layers(model)
    assert first.weight.is_meta
    assert last.weight.is_meta == (last.weight is not model.get_input_embeddings().weight)
    assert not model.get_input_embeddings().weight.is_meta


def test_a_small_model_is_not_quantised_by_itself(bert):
    assert choose_precision(_load(bert), torch.float32) == "fp32"
    assert choose_precision(_load(bert), torch.bfloat16) == "bf16"


def test_the_fastest_arithmetic_is_chosen_if_it_gains_enough(bert, monkeypatch):
    monkeypatch.setattr(quantization, "MIN_WEIGHTS", 1)
    for seconds, chosen in [
        ({"fp32": 1.0, "bf16": 0.9, "int8": 0.8}, "fp32"),
        ({"fp32": 1.0, "bf16": 0.5, "int8": 0.45}, "bf16"),
        ({"fp32": 1.0, "bf16": 0.5, "int8": 0.3}, "bf16"),
        ({"fp32": 1.0, "bf16": 0.5, "int8": 0.2}, "int8"),
        ({"fp32": 1.0, "bf16": 0.9, "int8": 0.4}, "int8"),
        ({"fp32": 1.0, "bf16": 2.0}, "fp32"),
    ]:
        monkeypatch.setattr(quantization, "_seconds", lambda layer, seconds=seconds: seconds.items())
        assert choose_precision(_load(bert), torch.float32) == chosen
