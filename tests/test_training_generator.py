"""What the generator learns from, and how an adapter learns it."""

import json
import re

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tasks.config import TuneConfig, TuningData
from tasks.data.reading import LabelledText
from tasks.pipeline.training.generator.corpus import (
    NEGATIVE,
    POSITIVE,
    Example,
    TopicVectors,
    TuningText,
    comment_texts,
    demonstrations,
    emotion_sets,
    epoch_examples,
    known_meanings,
    name_words,
    nouns_of,
    review_texts,
    topics_of,
)
from tasks.pipeline.training.generator.fine_tuning import (
    IGNORED,
    Encoded,
    TuningSizes,
    answer_loss,
    collate,
    encode_examples,
    held_out_split,
    perplexity,
    seen,
    token_loss,
    tune,
    with_adapters,
)
from tasks.pipeline.training.generator.readable import readable
from tasks.pipeline.training.state import FitOptions
from tasks.stages.generator_tuning import save_adapter, without_held_out
from tasks.taxonomy import load_taxonomy

pytest.importorskip("wordfreq")

WORDS = "[PAD] [END] sys user bot joy grief write the soup was great sad . a happy morning gloomy".split()
CHAT = (
    "{% for m in messages %}{{ 'sys ' if m.role == 'system' else 'user ' }}{{ m.content }} {% endfor %}"
    "{% if add_generation_prompt %}bot {% endif %}"
)
EXAMPLES = [Example("write joy", "the soup was great ."), Example("write grief", "a gloomy morning .")]


@pytest.fixture(scope="module")
def tokenizer():
    inner = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[PAD]"))
    inner.pre_tokenizer = WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", eos_token="[END]")
    fast.chat_template = CHAT
    return fast


def small_model():
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=len(WORDS), max_position_embeddings=64, **sizes))


def test_an_example_is_system_message_request_and_text_up_to_the_end(tokenizer):
    (encoded,) = encode_examples(tokenizer, EXAMPLES[:1], 32, "a")

    assert tokenizer.convert_ids_to_tokens(encoded.prompt) == "sys a user write joy bot".split()
    assert list(map(tokenizer.convert_ids_to_tokens, encoded.texts)) == ["the soup was great . [END]".split()]
    (bare,) = encode_examples(tokenizer, EXAMPLES[:1], 32, "")
    assert tokenizer.convert_ids_to_tokens(bare.prompt[:2]) == ["user", "write"]


def test_long_texts_are_not_cut_but_left_out(tokenizer):
    long = Example("write joy", "the " * 40)
    assert len(encode_examples(tokenizer, [*EXAMPLES, long], 32, "a")) == 2


def test_texts_of_one_prompt_share_rows_that_are_not_too_long(tokenizer):
    texts = ["the soup was great .", "a happy morning .", "great soup .", "a happy soup was great ."]
    rows = encode_examples(tokenizer, [Example("write joy", text) for text in texts], 22, "a")

    assert [len(row.texts) for row in rows] == [2, 2]  # of 6, 5, 4 and 7 tokens, and one each before them
    assert [row.n_tokens for row in rows] == [18, 18]


def test_collating_shows_a_text_its_prompt_and_itself():
    rows = [Encoded([2, 10, 11], [[20, 3], [21, 3]]), Encoded([2, 12], [[3]])]
    batch = collate(rows, 0, torch.device("cpu"))
    i = IGNORED

    assert batch["input_ids"].tolist() == [[2, 10, 11, 20, 3, 11, 21, 3], [2, 12, 3, 0, 0, 0, 0, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4, 2, 3, 4], [0, 1, 2, 0, 0, 0, 0, 0]]
    assert batch["labels"].tolist() == [[i, i, i, 20, 3, i, 21, 3], [i, i, 3, i, i, i, i, i]]
    assert batch["part"].tolist() == [[0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 1, -1, -1, -1, -1, -1]]
    assert (seen(batch["part"], torch.float32)[0, 0] == 0).int().tolist() == [
        [1, 0, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0, 1, 0, 0],
        [1, 1, 0, 0, 0, 1, 1, 0],
        [1, 1, 0, 0, 0, 1, 1, 1],
    ]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_texts_that_share_a_prompt_have_the_loss_that_they_have_alone(tokenizer, attention):
    model = small_model().eval()
    model.set_attn_implementation(attention)
    texts = ["the soup was great .", "a happy morning .", "soup ."]
    together = encode_examples(tokenizer, [Example("write joy", text) for text in texts], 64, "a")
    alone = [row for t in texts for row in encode_examples(tokenizer, [Example("write joy", t)], 64, "a")]
    ids = [torch.tensor([[*row.prompt, *row.texts[0]]]) for row in alone]
    labels = [
        torch.where(torch.arange(row.shape[1]) < len(own.prompt), IGNORED, row)
        for row, own in zip(ids, alone, strict=True)
    ]
    plain = [model(input_ids=i, labels=t).loss.item() for i, t in zip(ids, labels, strict=True)]

    assert (len(together), len(alone)) == (1, 3)
    assert float(answer_loss(model, together, 0)) == pytest.approx(np.average(plain, weights=[6, 5, 3]), 1e-5)
    assert token_loss(model, alone, 0) == pytest.approx(np.average(plain, weights=[6, 5, 3]), rel=1e-5)


def test_the_loss_over_batches_is_the_mean_over_tokens(tokenizer):
    model = small_model().eval()
    rows = encode_examples(tokenizer, EXAMPLES, 32, "a")

    losses, counts = [token_loss(model, [row], 0) for row in rows], [6, 5]
    assert token_loss(model, rows, 0) == pytest.approx(np.average(losses, weights=counts), rel=1e-5)
    assert token_loss(model, [], 0) == 0.0
    assert perplexity(np.log(12.0)) == pytest.approx(12.0)


def test_checkpoints_hold_adapters_alone_and_no_others_are_taken_up():
    adapted = with_adapters(small_model(), rank=2, seed=0)
    state = adapted.state_dict()

    assert {re.search(r"lora_[AB]", name) is not None for name in state} == {True}
    assert sum(v.numel() for v in state.values()) == sum(p.numel() for p in adapted.learnt())
    adapted.load_state_dict({name: value + 1 for name, value in state.items()})
    assert all(
        torch.equal(v, state[name]) for name, v in adapted.state_dict().items()
    )  # views of the weights
    with pytest.raises(ValueError, match="1 adapter weights are missing or too many"):
        adapted.load_state_dict(dict(list(state.items())[1:]))


def _tuned(tokenizer, folder, epochs):
    model = with_adapters(small_model(), rank=4, seed=0)
    options = FitOptions(epochs=epochs, early_stopping_patience=9, seed=0, precision="no")
    sizes = TuningSizes(learning_rate=0.05, batch_tokens=64, max_tokens=32)
    state = tune(model, tokenizer, lambda epoch: EXAMPLES * 8, EXAMPLES, options, folder, sizes, "a")
    return model, state


def test_tuning_teaches_the_texts_and_leaves_the_base_as_it_was(tokenizer, tmp_path):
    held = encode_examples(tokenizer, EXAMPLES, 32, "a")
    before = token_loss(small_model().eval(), held, 0)
    model, state = _tuned(tokenizer, tmp_path, epochs=6)

    assert -state.best < before - 0.1
    assert token_loss(model.eval(), held, 0) == pytest.approx(-state.best, rel=1e-4)
    base = model.model.unload().state_dict()
    assert all(torch.equal(base[name], value) for name, value in small_model().state_dict().items())


def test_an_adapter_names_its_base_rather_than_the_folder_it_was_read_from(tmp_path):
    folder = save_adapter(with_adapters(small_model(), rank=2, seed=0), TuneConfig(), tmp_path)
    found = json.loads((folder / "adapter_config.json").read_text())

    assert found["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert found["target_modules"] == sorted(found["target_modules"])


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, "thanks sorry film own"),
        ({"hold_out_labels": ("remorse",)}, "thanks film own"),
        ({"hold_out_data": (TuningData.goemotions,)}, "film own"),
        ({"hold_out_data": (TuningData.goemotions, TuningData.sst)}, "own"),
    ],
)
def test_labels_and_data_that_are_held_out_are_never_shown(options, left):
    sets = {
        "thanks": "goemotions/gratitude",
        "sorry": "goemotions/remorse",
        "film": "sentiment7/neutral",
        "own": "own1/refund",
    }
    texts = [
        TuningText(text, ((label,), ("polarity3/neutral",)), ("comment",), ()) for text, label in sets.items()
    ]

    assert [text.text for text in without_held_out(texts, TuneConfig(**options))] == left.split()


def test_held_out_rows_are_not_learnt_from():
    learn, held = held_out_split(50, 0.1, 3)

    assert sorted([*learn, *held]) == list(range(50))
    assert len(held) == 5
    assert np.array_equal(held, held_out_split(50, 0.1, 3)[1])
    assert len(held_out_split(3, 0.01, 0)[1]) == 1


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("i dont know what u mean", "I don't know what you mean."),
        ("so good!!!! im happy 😀", "So good! I'm happy."),
        ("that’s what i like , thanks", "That's what I like, thanks."),
        ("nice", None),  # too short
        ("I read it on reddit this morning", None),
        ("look at this www.example.org page", None),
        ("THIS IS the best day ever", None),
        ("she said \"no and left the room", None),
        ("thanks [NAME] and also [NAME] for that", None),
        ("my [RELIGION] friend likes the soup", None),
        ("the blorptastic soup was really nice", None),
    ],
)  # fmt: skip
def test_human_text_is_put_into_readable_english_or_left_out(raw, text):
    assert readable(raw, RNG) == text


def test_a_hidden_name_becomes_a_person_without_one():
    found = readable("[NAME] is a great teacher", np.random.default_rng(0))
    assert re.fullmatch(r"(My|Our|The|This) \w+ is a great teacher\.", found)


def test_emotions_bring_their_basic_emotion_and_polarity():
    assert emotion_sets(["gratitude"]) == (("goemotions/gratitude",), ("ekman/joy",), ("polarity3/positive",))
    assert emotion_sets(["anger", "sadness"]) == (
        ("goemotions/anger", "goemotions/sadness"),
        ("polarity3/negative",),
    )
    assert emotion_sets(["neutral"]) == (("goemotions/neutral",), ("ekman/neutral",))
    names = set(load_taxonomy("goemotions").names)
    assert names >= POSITIVE | NEGATIVE
    assert not POSITIVE & NEGATIVE


def test_a_label_has_at_most_so_many_texts():
    texts = [f"I really like number {word} of them" for word in "one two three four five six seven".split()]
    comments = [LabelledText(text, ("love",), str(i)) for i, text in enumerate(texts)]

    assert len(comment_texts(comments, np.random.default_rng(0), cap=3)) == 3
    assert len(comment_texts(comments, np.random.default_rng(0), cap=9)) == 7


def test_reviews_lose_names_and_carry_their_level():
    reviews = [
        LabelledText("The film with Melville is slow and sad", ("negative",), "a", 0.2),
        LabelledText("a warm and funny little film", ("very positive",), "b", 0.95),
    ]
    (text,) = review_texts(reviews, np.random.default_rng(0), cap=9)

    assert text.text == "A warm and funny little film."
    assert text.label_sets == (("sentiment7/very positive",), ("polarity3/positive",))
    assert name_words([review.text for review in reviews]) == {"Melville"}


def test_a_text_is_about_a_near_topic_else_a_noun_else_nothing():
    eye = np.eye(4, dtype=np.float32)
    near = TopicVectors(("pets", "rent"), eye[:2], (("pets", "A new cat."), ("rent", "It rose.")), eye[:2])
    nouns = nouns_of(["my kettle broke", "the kettle is old", "a kettle"], fewest=3)

    assert nouns == {"kettle"}
    assert topics_of("So soft.", eye[0], near, nouns) == ("pets", "A new cat.")
    assert topics_of("So soft.", 0.35 * eye[1] + 0.9 * eye[3], near, nouns) == ("rent", "")
    assert topics_of("My kettle sings.", eye[3], near, nouns) == ("kettle", "")
    assert topics_of("So soft.", eye[3], near, nouns) == ("", "")


def test_parts_of_a_request_are_left_out_at_random_and_the_same_for_the_same_seed():
    meanings = {"own/joy": ("The writer is glad.", "being glad")}
    texts = [TuningText("What a day!", (("own/joy",),), ("comment",), (("pets", ""),))] * 2400
    prompts = [example.prompt for example in epoch_examples(texts, meanings, seed=0, epoch=0)]

    assert epoch_examples(texts, meanings, 0, 0) == epoch_examples(texts, meanings, 0, 0)
    assert epoch_examples(texts, meanings, 0, 0) != epoch_examples(texts, meanings, 0, 1)
    shares = [
        np.mean([re.search(part, prompt) is not None for prompt in prompts])
        for part in (
            r"It expresses",
            r"about pets",
            r"^Write one short",
            r"- joy$",
            r"- joy: ",
            r"- (The|being)",
        )
    ]
    np.testing.assert_allclose(shares, [0.9, 0.8, 0.75, 0.135, 0.54, 0.225], atol=0.07)


def test_up_to_six_texts_with_the_same_labels_topic_and_length_share_a_prompt_and_no_copies_do():
    meanings = {f"own/{name}": (f"The writer feels {name}.",) for name in ("joy", "grief")}
    same = [TuningText(f"Number {i}.", (("own/joy",),), ("comment",)) for i in range(6)]
    other = TuningText("Oh no.", (("own/grief",),), ("comment",), copies=3)
    examples = epoch_examples([*same, other], meanings, seed=3, epoch=0)

    by_text = {text: [e.prompt for e in examples if e.text == text] for text in {e.text for e in examples}}
    assert len({by_text[f"Number {i}."][0] for i in range(6)}) == 2  # one with the length, one without
    assert len({*by_text["Oh no."]}) == 3


def test_every_label_has_meanings_and_every_demonstration_carries_known_ones():
    texts, own = demonstrations()
    meanings = known_meanings() | own

    assert {key for text in texts for labels in text.label_sets for key in labels} <= set(meanings)
    assert min(len(found) for key, found in meanings.items() if key.startswith("goemotions/")) >= 4
    assert len({text.text for text in texts}) == len(texts) >= 400
