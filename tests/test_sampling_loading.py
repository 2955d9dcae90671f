"""What can be wrong with a generator is told before the first text."""

import hashlib
import re

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertLMHeadModel, PreTrainedTokenizerFast

from tasks.config import GeneratorConfig, PromptForm
from tasks.models import bundled
from tasks.models.bundled import embedded_folder
from tasks.pipeline.sampling import Request, load_engine
from tasks.pipeline.sampling.engine.trials import tried_here
from tasks.pipeline.sampling.loading import arithmetic

VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[NAME]",
    *".,!'",
    "i",
    "don",
    "t",
    "know",
    "sing",
    "##ing",
]
MARKS = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}


def _tokenizer(words, **marks):
    backend = Tokenizer(models.WordPiece({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return PreTrainedTokenizerFast(tokenizer_object=backend, **marks)


def _save(folder, *, words=VOCABULARY, marks=MARKS | {"sep_token": "[SEP]"}, **settings):
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        is_decoder=True,
        max_position_embeddings=48,
        **sizes,
        pad_token_id=0,
        **settings,
    )
    BertLMHeadModel(config).to(torch.float16).save_pretrained(folder)
    _tokenizer(words, **marks).save_pretrained(folder)
    return folder


def _sum_up(folder):
    names = sorted(path.name for path in folder.iterdir())
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


def _config(model, **changes):
    values = {"model": str(model), "prompt_form": PromptForm.plain, "batch_size": 8, "max_new_tokens": 16}
    return GeneratorConfig(**(values | changes))


def _exactly(message):
    return f"^{re.escape(message)}$"


@pytest.mark.parametrize(
    ("ships", "advice"),
    [(True, "Install Sentimill again."), (False, "Make the model again, or copy it again.")],
)
def test_a_changed_file_is_refused_with_advice_that_fits_whose_it_is(tmp_path, monkeypatch, ships, advice):
    if ships:
        monkeypatch.setattr(bundled, "EMBEDDED", tmp_path)
    _sum_up(_save(tmp_path))
    assert embedded_folder(tmp_path) == tmp_path
    path = tmp_path / "config.json"
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text("{}")
    found = hashlib.sha256(b"{}").hexdigest()
    message = f"sha256 of {path} is {found}; expected {expected}. {advice}"
    with pytest.raises(ValueError, match=_exactly(message)):
        embedded_folder(tmp_path)
    path.unlink()
    message = f"{path} is missing; expected it beside SHA256SUMS. {advice}"
    with pytest.raises(FileNotFoundError, match=_exactly(message)):
        embedded_folder(tmp_path)


def test_an_embedded_generator_without_checksums_is_refused(tmp_path):
    message = (
        f"{tmp_path}/SHA256SUMS is missing; expected it beside the model. Make the model again, or copy it "
        "again."
    )
    with pytest.raises(FileNotFoundError, match=_exactly(message)):
        embedded_folder(tmp_path)


def test_a_model_without_a_padding_token_is_sampled_from(tmp_path):
    marks = {name: mark for name, mark in MARKS.items() if name != "pad_token"} | {"sep_token": "[SEP]"}
    engine = load_engine(_config(_save(tmp_path, marks=marks)))
    assert len(engine.sample(Request("i know", n=3, seed=0))) == 3


def test_a_model_without_an_end_is_refused(tmp_path):
    _save(tmp_path, marks=MARKS)
    message = (
        f"generator {tmp_path} has no end-of-text token; expected eos_token_id in its generation config "
        "or an eos_token in its tokenizer. Without one its texts never end."
    )
    with pytest.raises(ValueError, match=_exactly(message)):
        load_engine(_config(tmp_path))


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tmp_path):
    _save(tmp_path, words=[*VOCABULARY, "more", "words"])
    message = (
        f"tokenizer of {tmp_path} has 18 tokens and the model 16; "
        "expected no more than the model knows. Take the tokenizer that it was trained with."
    )
    with pytest.raises(ValueError, match=_exactly(message)):
        load_engine(_config(tmp_path))


def test_a_prompt_longer_than_the_context_is_refused_and_others_are_not(tmp_path):
    engine = load_engine(_config(_save(tmp_path)))
    message = (
        "prompt has 40 tokens and generator.max_new_tokens is 16; "
        "expected at most 48 together, the generator's context. Shorten either."
    )
    with pytest.raises(ValueError, match=_exactly(message)):
        engine.sample(Request("i " * 40, n=1, seed=0))
    assert len(engine.sample(Request("i " * 32, n=1, seed=0))) == 1


def test_a_chat_prompt_without_a_chat_template_is_refused(tmp_path):
    message = (
        "the generator's tokenizer has no chat template; expected one for prompt form `chat`. "
        "Take an instruct model, or set generator.prompt_form to plain."
    )
    with pytest.raises(ValueError, match=_exactly(message)):
        load_engine(_config(_save(tmp_path), prompt_form=PromptForm.chat))


def _save_with_chat_template(folder, template):
    _save(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)


def test_chat_prompts_go_through_the_template(tmp_path):
    _save_with_chat_template(
        tmp_path, "{% for m in messages %}[CLS] {{ m.content }} !{% endfor %}{{ enable_thinking }}"
    )
    engine = load_engine(_config(tmp_path, prompt_form=PromptForm.chat))
    # "False" is no word of the vocabulary: 2 [CLS], 10 i, 13 know, 8 !, 1 [UNK].
    assert engine.codec.encode("i know") == [2, 10, 13, 8, 1]


def test_a_system_prompt_comes_first(tmp_path):
    _save_with_chat_template(tmp_path, "{% for m in messages %}{{ m.content }} !{% endfor %}")
    engine = load_engine(_config(tmp_path, prompt_form=PromptForm.chat, system_prompt="know"))
    assert engine.codec.encode("i") == [13, 8, 10, 8]


def test_a_system_prompt_that_the_template_does_not_take_is_refused_before_sampling(tmp_path):
    _save_with_chat_template(
        tmp_path,
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}i",
    )
    load_engine(_config(tmp_path, prompt_form=PromptForm.chat))
    message = (
        "the generator's chat template refuses what it is given (System role not supported); expected one "
        "that takes a prompt, and a system prompt if generator.system_prompt is set. Set that to an empty "
        "text, or take another model."
    )
    with pytest.raises(ValueError, match=_exactly(message)):
        load_engine(_config(tmp_path, prompt_form=PromptForm.chat, system_prompt="know"))


def test_plain_prompts_do_not_end(tmp_path):
    engine = load_engine(_config(_save(tmp_path)))
    assert engine.codec.encode("i know.") == [10, 13, 6]


def test_an_unresolved_configuration_is_refused():
    message = "generator.model is empty; expected a resolved configuration. Call RunConfig.resolved()."
    with pytest.raises(ValueError, match=_exactly(message)):
        load_engine(GeneratorConfig())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": 0}, "n is 0; expected at least 1. Leave out cells that want no text."),
        ({"seed": -1}, "seed is -1; expected 0 or more. Take a non-negative number."),
        ({"prompt": " "}, "the prompt is empty; expected text. Give the model something to go on."),
    ],
)
def test_requests_that_no_engine_can_sample_are_refused(changes, message):
    with pytest.raises(ValueError, match=_exactly(message)):
        Request(**({"prompt": "hello", "n": 1, "seed": 0} | changes))


def test_bf16_is_used_only_where_it_pays(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "amx_bf16": False})
    assert arithmetic(on_gpu=False) == torch.float32
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert arithmetic(on_gpu=False) == torch.bfloat16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert arithmetic(on_gpu=True) == torch.bfloat16


def test_what_was_tried_here_is_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMILL_CACHE", str(tmp_path))
    trials = []

    def try_out():
        trials.append(torch.get_num_threads())
        return [8, 16]

    assert [tried_here("widths", try_out, ["layer"], n) for n in (16, 16, 32)] == [[8, 16]] * 3
    assert len(trials) == 2
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)  # another way to multiply is another trial
    assert tried_here("widths", try_out, ["layer"], 16) == [8, 16]
    assert trials[2:] == [77]
    for file in (tmp_path / "trials").iterdir():
        file.write_text("[8, 1")
    assert tried_here("widths", try_out, ["layer"], 16) == [8, 16]
    assert len(trials) == 4


def test_a_trial_whose_outcome_cannot_be_kept_is_made_each_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SENTIMILL_CACHE", str(tmp_path / "file"))
    trials = []
    assert [tried_here("rows", lambda: trials.append(1) or 8) for _ in range(2)] == [8, 8]
    assert len(trials) == 2
