"""What the generator learns from, and the small decoder that learns it."""

import hashlib

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from tasks.data.reading import LabelledText
from tasks.models.bundled import embedded_folder
from tasks.pipeline.training.generator.corpus import (
    LEVELS,
    NEGATIVE,
    POSITIVE,
    Example,
    TuningText,
    comment_levels,
    epoch_examples,
    mask_names,
    nearest_topics,
    new_symbols,
    review_sets,
    row_weights,
    tuning_texts,
)
from tasks.pipeline.training.generator.fine_tuning import (
    IGNORED,
    Encoded,
    collate,
    encode_examples,
    held_out_split,
    perplexity,
    token_loss,
    tune,
)
from tasks.pipeline.training.generator.warm_start import SPECIAL, save_decoder, small_decoder
from tasks.pipeline.training.state import FitOptions

TEXTS = ["the soup was great.", "the soup was bad.", "a happy morning.", "a gloomy evening."]
PROMPTS = ["joy | kitchen | short comment :", "any :"]


@pytest.fixture(scope="module")
def decoder(tiny_encoder):
    torch.manual_seed(0)
    return small_decoder(tiny_encoder, TEXTS, PROMPTS, ["😀"], max_tokens=32)


@pytest.fixture(scope="module")
def examples():
    return [Example("joy | kitchen | short comment :", text) for text in TEXTS]


def test_the_decoder_keeps_what_is_in_use_and_drops_what_is_not(decoder):
    vocabulary = decoder[1].get_vocab()

    assert {"the", "soup", "was", "a", "."} <= set(vocabulary)  # in two texts
    assert {"joy", "kitchen", "short", "comment", "any", "|", ":"} <= set(vocabulary)  # in a prompt
    assert {"x", "##x", "q", "##q"} <= set(vocabulary)  # single letters: every word can be spelt
    assert {"[NAME]", "[RELIGION]", "😀"} <= set(vocabulary)
    assert not {"happy", "great", "train", "bridge"} & set(vocabulary)  # in one text or none
    assert [decoder[1].convert_ids_to_tokens(i) for i in range(5)] == list(SPECIAL)
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))


def test_kept_tokens_keep_their_vectors_and_new_ones_start_as_unknown(decoder, tiny_encoder):
    model, tokenizer = decoder
    old = AutoTokenizer.from_pretrained(tiny_encoder)
    encoder = AutoModel.from_pretrained(tiny_encoder).embeddings.word_embeddings.weight
    own = model.bert.embeddings.word_embeddings.weight

    for token in ("[PAD]", "[SEP]", "soup", "joy", "##q", "."):
        ours, theirs = (t.convert_tokens_to_ids(token) for t in (tokenizer, old))
        assert torch.equal(own[ours], encoder[theirs])
    for token in ("[NAME]", "[RELIGION]", "😀"):
        assert torch.equal(own[tokenizer.convert_tokens_to_ids(token)], encoder[old.unk_token_id])
    assert own.shape[0] == len(tokenizer)


def test_the_decoder_starts_with_the_encoders_layers(decoder, tiny_encoder):
    encoder, own = AutoModel.from_pretrained(tiny_encoder).state_dict(), decoder[0].bert.state_dict()
    layers = [name for name in encoder if name.startswith("encoder.")]

    assert layers
    assert all(torch.equal(own[name], encoder[name]) for name in layers)
    positions = "embeddings.position_embeddings.weight"
    assert torch.equal(own[positions], encoder[positions][:32])


def test_the_output_layer_shares_the_words_and_looks_back_alone(decoder):
    model, tokenizer = decoder
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight

    ids = tokenizer("the soup was bad", return_tensors="pt")["input_ids"]
    changed = ids.clone()
    changed[0, -1] = tokenizer.convert_tokens_to_ids("joy")
    model.eval()
    with torch.no_grad():
        first, second = model(input_ids=ids).logits, model(input_ids=changed).logits
    torch.testing.assert_close(first[0, :-1], second[0, :-1])
    assert not torch.allclose(first[0, -1], second[0, -1])


def test_a_saved_decoder_loads_as_a_generator_and_its_sums_hold(decoder, tmp_path, tiny_encoder):
    torch.manual_seed(0)
    model, tokenizer = small_decoder(tiny_encoder, TEXTS, PROMPTS, ["😀"], max_tokens=32)
    save_decoder(model, tokenizer, tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    again = AutoTokenizer.from_pretrained(tmp_path)

    assert embedded_folder(tmp_path) == tmp_path
    assert loaded.config.is_decoder
    assert loaded.config.sentimill_restore_case
    assert loaded.config.eos_token_id == again.sep_token_id
    text = "joy | kitchen : the soup 😀 [NAME]"
    assert again(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert again.unk_token_id not in again(text)["input_ids"]
    for name, value in loaded.state_dict().items():
        torch.testing.assert_close(value, decoder[0].state_dict()[name], atol=2e-3, rtol=2e-3)


def test_a_damaged_decoder_is_refused(decoder, tmp_path, tiny_encoder):
    save_decoder(*small_decoder(tiny_encoder, TEXTS, PROMPTS, [], max_tokens=32), tmp_path)
    (tmp_path / "config.json").write_text("{}")
    found = hashlib.sha256(b"{}").hexdigest()

    with pytest.raises(ValueError, match=f"sha256 of {tmp_path}/config.json is {found}"):
        embedded_folder(tmp_path)


def test_examples_are_prompt_and_text_between_start_and_end(decoder):
    tokenizer = decoder[1]
    (encoded,) = encode_examples(tokenizer, [Example("joy :", "the soup.")], 32)

    assert tokenizer.convert_ids_to_tokens(encoded.ids) == ["[CLS]", "joy", ":", "the", "soup", ".", "[SEP]"]
    assert encoded.n_prompt == 3


def test_unknown_characters_are_left_out_and_long_texts_are_not_cut_but_dropped(decoder):
    tokenizer = decoder[1]
    unknown, fitting = Example("joy :", "the 日 soup"), Example("any :", "the " * 10)
    encoded = encode_examples(tokenizer, [unknown, fitting, Example("joy :", "the " * 40)], 32)

    assert [len(e.ids) for e in encoded] == [6, 14]
    assert tokenizer.unk_token_id not in encoded[0].ids


def test_collating_masks_the_prompt_and_the_padding():
    rows = [Encoded([2, 10, 11, 20, 3], 3), Encoded([2, 12, 3], 2)]
    batch = collate(rows, 0, torch.device("cpu"))

    assert batch["input_ids"].tolist() == [[2, 10, 11, 20, 3], [2, 12, 3, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert batch["labels"].tolist() == [
        [IGNORED, IGNORED, IGNORED, 20, 3],
        [IGNORED, IGNORED, 3, IGNORED, IGNORED],
    ]
    assert all(value.dtype == torch.int64 for value in batch.values())


def test_the_loss_counts_text_tokens_alone_and_no_padding(decoder):
    model, tokenizer = decoder
    model.eval()
    rows = encode_examples(
        tokenizer, [Example("joy :", "the soup."), Example("any :", "a soup was the soup.")], 32
    )
    losses = [token_loss(model, [row], tokenizer.pad_token_id) for row in rows]
    counts = [len(row.ids) - row.n_prompt for row in rows]

    assert token_loss(model, rows, tokenizer.pad_token_id) == pytest.approx(
        np.average(losses, weights=counts), rel=1e-5
    )
    assert token_loss(model, [], tokenizer.pad_token_id) == 0.0
    assert perplexity(np.log(12.0)) == pytest.approx(12.0)


def test_tuning_teaches_the_texts(tiny_encoder, examples, tmp_path):
    torch.manual_seed(0)
    model, tokenizer = small_decoder(tiny_encoder, TEXTS * 2, PROMPTS, [], max_tokens=32)
    held = encode_examples(tokenizer, examples, 32)
    before = token_loss(model.eval(), held, tokenizer.pad_token_id)
    options = FitOptions(epochs=4, early_stopping_patience=4, seed=0, precision="no")
    state = tune(model, tokenizer, lambda epoch: examples * 8, examples, options, tmp_path, 0.02, 128, 32)

    assert -state.best < before - 1.0
    assert token_loss(model.eval(), held, tokenizer.pad_token_id) == pytest.approx(-state.best, rel=1e-5)


def test_held_out_rows_are_not_learnt_from():
    learn, held = held_out_split(50, 0.1, 3)

    assert sorted([*learn, *held]) == list(range(50))
    assert len(held) == 5
    assert np.array_equal(held, held_out_split(50, 0.1, 3)[1])
    assert len(held_out_split(3, 0.01, 0)[1]) == 1


def tuning(text, *sets, topic=""):
    return TuningText(text, sets or (("joy",),), "comment", topic)


def test_an_epochs_examples_are_the_same_for_the_same_seed_and_epoch():
    texts = [tuning(f"Text number {i}.", ("joy",), ("positive",), topic="soup") for i in range(40)]

    assert epoch_examples(texts, 1, 2) == epoch_examples(texts, 1, 2)
    assert epoch_examples(texts, 1, 2) != epoch_examples(texts, 1, 3)
    assert epoch_examples(texts, 1, 2) != epoch_examples(texts, 2, 2)


def test_examples_wish_for_what_the_text_fulfils_and_leave_wishes_open_at_times():
    texts = [tuning("One two three four.", ("joy",), ("very positive",), topic="soup")] * 400
    prompts = [example.prompt for example in epoch_examples(texts, 0, 0)]
    heads = [prompt.removesuffix(" :").split(" | ")[0] for prompt in prompts]

    assert set(heads) == {"joy", "very positive", "any"}
    assert heads.count("joy") > heads.count("very positive") > heads.count("any") > 0
    assert "joy | soup | short comment :" in prompts
    assert "any :" in prompts or "any | soup :" in prompts
    assert all(prompt.endswith(" :") for prompt in prompts)


def test_rare_labels_are_seen_more_often_within_bounds():
    texts = [tuning("x", ("joy",))] * 64 + [tuning("x", ("calm",))] * 16 + [tuning("x", ("grief",))]
    weights = row_weights(texts)

    assert weights[0] == pytest.approx(0.5)  # sqrt(16 / 64)
    assert weights[64] == 1.0
    assert weights[80] == 3.0  # sqrt(16 / 1) is 4, the strongest is 3


def test_names_are_masked_and_sentence_starts_are_not():
    texts = [
        "Barnaby Finch is great and Barnaby knows it.",
        "It is great. Great soup by Finch's own hand.",
        "A walk in Lower Mumbleton of the North.",
        "it was north of here, a great walk.",
    ]

    assert mask_names(texts) == [
        "[NAME] is great and [NAME] knows it.",
        "It is great. Great soup by [NAME]'s own hand.",
        "A walk in [NAME] of the North.",
        "it was north of here, a great walk.",
    ]


@pytest.mark.parametrize(
    ("score", "sets"),
    [
        (0.0, (("very negative",),)),
        (0.5, (("neutral",),)),
        (1.0, (("very positive",),)),
        (0.15, (("negative",), ("very negative", "negative"))),
        (0.14, (("very negative",), ("very negative", "negative"))),
        (0.86, (("very positive",), ("positive", "very positive"))),
    ],
)
def test_a_score_near_a_border_also_teaches_the_pair_of_neighbours(score, sets):
    found = review_sets(score)

    assert found[0] == sets[0]
    assert [set(pair) for pair in found[1:]] == [set(pair) for pair in sets[1:]]


def test_pairs_of_a_score_are_neighbours_on_the_scale():
    for score in np.linspace(0, 1, 501):
        for pair in review_sets(float(score))[1:]:
            assert abs(LEVELS.index(pair[0]) - LEVELS.index(pair[1])) == 1
            assert review_sets(float(score))[0][0] in pair


def test_levels_of_comments_never_contradict_the_emotions_that_people_gave():
    rng = np.random.default_rng(0)
    scores = rng.random(200)
    of_reviews = np.column_stack([scores, rng.normal(size=(200, 3))])
    names = [*sorted(POSITIVE), *sorted(NEGATIVE), "neutral", "surprise"]
    comments = [LabelledText("t", (names[i % len(names)],), str(i)) for i in range(300)]
    of_comments = np.column_stack([rng.random(300), rng.normal(size=(300, 3))])
    levels = comment_levels(comments, of_comments, of_reviews, scores)

    for comment, level in zip(comments, levels, strict=True):
        (emotion,) = comment.labels
        if level is None:
            continue
        place = LEVELS.index(level)
        assert (emotion in POSITIVE) == (place < 3)
        assert (emotion in NEGATIVE) == (place > 3)
        assert (emotion == "neutral") == (place == 3)
    assert {level for level in levels if level} == set(LEVELS)
    assert all(level is None for c, level in zip(comments, levels, strict=True) if c.labels == ("surprise",))


def test_mixed_emotions_have_no_level():
    scores = np.linspace(0, 1, 50)
    vectors = np.column_stack([scores, np.ones(50)])
    comments = [LabelledText("t", ("joy", "anger"), "1"), LabelledText("t", ("joy", "neutral"), "2")]
    levels = comment_levels(comments, np.array([[0.9, 1.0], [0.95, 1.0]]), vectors, scores)

    assert levels[0] is None


def test_half_the_texts_have_a_topic_the_nearest():
    topics = np.eye(2)
    texts = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.2], [0.1, 0.1]])

    assert nearest_topics(texts, topics, ["soup", "trains"]) == ["soup", "trains", "", ""]


def test_comments_and_reviews_become_texts_with_wishes():
    rng = np.random.default_rng(0)
    comments = [LabelledText("You are kind.", ("gratitude",), "c1"), LabelledText("Hm.", ("surprise",), "c2")]
    reviews = [LabelledText(f"Nice soup {i}.", ("x",), f"r{i}", i / 19) for i in range(20)]
    vectors = (rng.normal(size=(2, 4)), rng.normal(size=(20, 4)), rng.normal(size=(3, 4)))
    texts = tuning_texts(comments, reviews, {"a": "A.", "b": "B.", "c": "C."}, vectors)

    assert len(texts) == 22
    assert texts[0].label_sets[0] == ("gratitude",)
    assert texts[1].label_sets == (("surprise",),)
    assert [text.style for text in texts] == ["comment"] * 2 + ["review"] * 20
    assert texts[2].label_sets[0] == ("very negative",)
    assert texts[-1].label_sets[0] == ("very positive",)
    assert {text.topic for text in texts} <= {"", "a", "b", "c"}


def test_pictures_that_many_texts_use_become_symbols():
    texts = ["🔥🔥", "🔥", "🔥 ok", "😀", "😀 yes", "★", "日", "é"]

    assert new_symbols(texts, fewest=2) == ["🔥", "😀"]
    assert new_symbols(texts, fewest=9) == []
