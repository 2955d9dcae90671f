"""Every voter alone: the generator, a teacher, an entailment model, a language model; and their weights."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, BertConfig, BertForSequenceClassification, BertTokenizer

from tasks.config import GeneratorConfig, JudgeKind, PromptForm, RunConfig, VerifyingConfig
from tasks.config.judging import judge_of
from tasks.orchestration.preflight import check, require_judge
from tasks.pipeline.sampling import Scorer, load_engine
from tasks.pipeline.sampling.engine import likelihood
from tasks.pipeline.sampling.engine.likelihood import log_likelihoods
from tasks.pipeline.sampling.tokenization import PromptCodec
from tasks.pipeline.verification import Teacher, fit_teacher_and_weights, likelihood_votes, llm_votes
from tasks.pipeline.verification.aggregation import (
    aggregate_votes,
    classifier_evidence,
    fit_weights,
    prior_of,
    set_probability,
    swap_labels,
)
from tasks.pipeline.verification.real_data_model import fit_teacher
from tasks.prompts.label_question import named_labels
from tasks.stages import verification
from tasks.taxonomy import Label, Style, Taxonomy

MOODS = Taxonomy(
    name="moods",
    labels=(
        Label(name="joy", meaning="The writer is glad."),
        Label(name="sadness", meaning="The writer is sad."),
    ),
)
REVIEW = Style(name="review", description="a short review")


def test_evidence_is_how_far_a_vote_stands_from_the_labels_mean():
    evidence = classifier_evidence(np.array([[0.8], [0.2], [np.nan]]))

    np.testing.assert_allclose(evidence[:2, 0], [np.log(4), -np.log(4)])
    assert np.isnan(evidence[2, 0])


def test_belief_is_prior_and_weighted_evidence_in_log_odds():
    prior = prior_of(np.array([[True, False, False]]), 0.8)
    votes = {"a": np.array([[-1.0, 2.0, np.nan]]), "b": np.array([[-40.0, 0.0, 0.0]])}
    label_probabilities = aggregate_votes(prior, votes, {"a": 0.5, "b": 0.2})

    np.testing.assert_allclose(prior, [[0.8, 0.1, 0.1]])
    log_odds = np.log(label_probabilities / (1 - label_probabilities))
    # No vote speaks louder than 5 nats, and one that was not cast says nothing.
    np.testing.assert_allclose(log_odds, [[np.log(4) - 0.5 - 1.0, np.log(1 / 9) + 1.0, np.log(1 / 9)]])


def test_a_label_set_is_believed_as_its_labels_are_on_average_in_log_odds():
    given = np.array([[True, False, False], [True, True, False], [False, False, False]])
    label_probabilities = np.array([[0.8, 0.1, 0.1], [0.9, 0.1, 0.5], [0.2, 0.2, 0.2]])

    np.testing.assert_allclose(set_probability(given, label_probabilities), [0.8, 0.5, 1.0])


def test_a_vote_that_knows_gets_weight_and_one_that_guesses_gets_none():
    rng = np.random.default_rng(0)
    given = np.ones((400, 1), dtype=bool)
    right = rng.random((400, 1)) < 0.75
    votes = {
        "knows": np.where(right, 2.0, -2.0) + rng.normal(0, 2, (400, 1)),
        "guesses": rng.normal(0, 2, (400, 1)),
    }
    weights = fit_weights(votes, given, right)

    assert weights["knows"] > 0.6
    assert 0.0 <= weights["guesses"] < 0.15
    assert fit_weights(votes, given, given) == {}  # nothing wrong to learn from


def test_swapped_texts_keep_no_label_of_their_own_and_the_others_keep_theirs():
    labels = [("joy",), ("sadness",), ("fear", "joy"), ("anger",)] * 25
    swapped = swap_labels(labels, 0.2, seed=0)
    changed = [(old, new) for old, new in zip(labels, swapped, strict=True) if old != new]

    assert len(changed) == 20
    assert not any(set(old) & set(new) for old, new in changed)
    assert sorted(swapped) == sorted(labels)
    assert swap_labels(labels, 0.2, seed=0) == swapped
    assert swap_labels([("joy",)] * 10, 0.5, seed=0) == [("joy",)] * 10  # nobody to swap with


@pytest.fixture(scope="module")
def generator(tmp_path_factory, vocabulary):
    """Folder of a decoder with random weights."""
    from transformers import BertLMHeadModel

    folder = tmp_path_factory.mktemp("scored")
    torch.manual_seed(0)
    tokenizer = BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}, do_lower_case=True)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = BertConfig(
        vocab_size=len(vocabulary),
        **sizes,
        initializer_range=0.4,
        max_position_embeddings=64,
        is_decoder=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    BertLMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def config_of(folder, form=PromptForm.plain):
    return GeneratorConfig(model=str(folder), prompt_form=form, batch_size=8, max_new_tokens=16)


def _scorer(folder):
    tokenizer = BertTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    return model, PromptCodec(tokenizer, PromptForm.plain, frozenset({tokenizer.sep_token_id}))


SCORED = [
    ("joy | soup :", "the soup was lovely"),
    ("any :", "bad"),
    ("joy | soup :", "bad"),
    ("sad | a long story about the river :", "we walked home late and lost the phone , sadly"),
    ("any :", ""),
    ("joy | soup :", "we walked home late and lost the phone , sadly"),
    ("joy | river :", "the soup was lovely"),
]


@pytest.mark.parametrize("tokens", [(1024, 4096), (12, 8)])
def test_scores_in_a_batch_are_those_of_each_text_alone(generator, monkeypatch, tokens):
    monkeypatch.setattr(likelihood, "BATCH_TOKENS", tokens[0])
    monkeypatch.setattr(likelihood, "PROMPT_TOKENS", tokens[1])
    model, codec = _scorer(generator)
    found = log_likelihoods(model, codec, [*SCORED, SCORED[0]], context=64)

    for (prompt, text), score in zip(SCORED, found, strict=False):
        start, tokens = codec.encode(prompt), codec.tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*start, *tokens]])).logits[0].log_softmax(-1)
        alone = sum(float(logits[len(start) + i - 1, token]) for i, token in enumerate(tokens))
        assert score == pytest.approx(alone, abs=1e-4)
    assert found[7] == found[0]
    assert found[4] == 0.0


def test_a_prompt_of_several_texts_is_computed_once(generator):
    model, codec = _scorer(generator)
    shapes = []
    model.register_forward_pre_hook(
        lambda _model, _args, given: shapes.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    # The colon goes with the texts, so four tokens are left: [CLS] joy | soup.
    log_likelihoods(model, codec, [("joy | soup :", text) for text in ("bad", "the soup", "")], context=64)

    assert shapes == [(1, 4), (2, 2)]


def test_of_a_text_that_does_not_fit_the_model_the_end_is_left_out(generator):
    engine = load_engine(config_of(generator))
    (whole, cut) = engine.log_likelihoods([("joy :", "soup " * 61), ("joy :", "soup " * 500)])

    assert whole == pytest.approx(cut, abs=1e-3)


def test_the_generator_votes_by_leaving_out_one_label_at_a_time(make_row):
    requested = []

    def score(pairs):
        requested.extend(pairs)
        return [-float(len(prompt)) for prompt, _ in pairs]

    row = make_row("The soup was fine.", ("joy", "sadness"), topic="food", style="review", prompt="...")
    (voted,) = likelihood_votes([row], MOODS, (REVIEW,), PromptForm.chat, score)

    head = "Write one short review about food. A dinner.\nIt expresses:"
    assert [prompt for prompt, _ in requested] == [
        f"{head}\n- joy: The writer is glad.\n- sadness: The writer is sad.",
        f"{head}\n- sadness: The writer is sad.",
        f"{head}\n- joy: The writer is glad.",
    ]
    assert {text for _, text in requested} == {"The soup was fine."}
    assert voted["votes"] == {"joy|likelihood": -27.0, "sadness|likelihood": -30.0}
    assert {**voted, "votes": {}} == {**row, "votes": {}}


def test_one_label_is_compared_with_an_open_wish(make_row):
    requested = []
    row = make_row("Fine.", topic="", style="", prompt="")
    likelihood_votes(
        [row], MOODS, (), PromptForm.chat, lambda pairs: requested.extend(pairs) or [0.0] * len(pairs)
    )

    assert [prompt for prompt, _ in requested] == [
        "Write one short text. A dinner.\nIt expresses:\n- joy: The writer is glad.",
        "Write one short text. A dinner.",
    ]


def test_what_sampling_computed_is_the_vote_on_a_text_with_one_label(make_row):
    known = {**make_row("Fine."), "votes": {"log_ratio": 2.5}}
    several = {**make_row("So-so.", ("joy", "sadness")), "votes": {"log_ratio": 2.5}}
    requested = []

    def score(pairs):
        requested.extend(pairs)
        return [0.0] * len(pairs)

    voted = likelihood_votes([known, several], MOODS, (), PromptForm.chat, score)

    assert voted[0]["votes"] == {"log_ratio": 2.5, "joy|likelihood": 2.5}
    assert voted[1]["votes"] == {"log_ratio": 2.5, "joy|likelihood": 0.0, "sadness|likelihood": 0.0}
    assert {text for _, text in requested} == {"So-so."}


def test_an_in_process_engine_can_score_in_every_prompt_form(generator, make_row):
    engine = load_engine(config_of(generator, PromptForm.plain))
    (voted,) = likelihood_votes([make_row()], MOODS, (REVIEW,), PromptForm.plain, engine.log_likelihoods)

    assert isinstance(engine, Scorer)
    assert abs(voted["votes"]["joy|likelihood"]) < 20


GLAD = [f"What a lovely, wonderful {thing}!" for thing in "day trip soup song film garden dog house".split()]
GLOOMY = [
    f"I cried all night over the {thing}..." for thing in "day trip soup song film garden dog house".split()
]


def test_a_teacher_knows_what_it_was_taught_and_survives_being_saved():
    targets = np.array([[True, False, False]] * 8 + [[False, True, False]] * 8)
    teacher = fit_teacher([*GLAD, *GLOOMY], targets, n_embedded=16, seed=0)
    says = teacher.probabilities(["A wonderful, lovely evening!", "They cried over the news..."])
    again = Teacher.from_bytes(teacher.to_bytes()).probabilities(["A wonderful, lovely evening!"])

    assert says.argmax(axis=1).tolist() == [0, 1]
    assert (says[:, 2] < 0.01).all()  # nobody showed it that label
    np.testing.assert_allclose(again, says[:1], atol=1e-6)


def test_weights_are_fitted_on_real_rows_that_the_teacher_has_not_seen(make_row):
    rows = [make_row(text, id=f"g{i}{k}") for k in range(12) for i, text in enumerate(GLAD)]
    rows += [
        make_row(text, ("sadness",), (0.0, 1.0), id=f"s{i}{k}")
        for k in range(12)
        for i, text in enumerate(GLOOMY)
    ]
    seen = []

    def lies(slice_):
        seen.extend(slice_)
        return [{**row, "votes": {f"{name}|likelihood": -1.0 for name in row["labels"]}} for row in slice_]

    _, weights = fit_teacher_and_weights(rows, MOODS, VerifyingConfig(), 0, lies)

    assert set(weights) == {"folds", "likelihood", "teacher", "judge"}
    assert weights["teacher"] > 0.3
    assert weights["likelihood"] < 0.01  # it says the same of everything
    assert weights["judge"] == VerifyingConfig().judge_weight
    assert len(seen) == 19  # a tenth


def test_an_entailment_model_votes_on_the_labels_that_were_asked_for(
    tmp_path, vocabulary, make_row, local_store
):
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    names = {0: "entailment", 1: "not_entailment"}
    config = BertConfig(
        vocab_size=len(vocabulary), **sizes, id2label=names, label2id={n: i for i, n in names.items()}
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    BertTokenizer(vocab={t: i for i, t in enumerate(vocabulary)}, do_lower_case=True).save_pretrained(
        tmp_path
    )
    rows = [make_row("The soup was lovely."), make_row("We lost the phone.", ("joy", "sadness"), (1.0, 1.0))]
    config = VerifyingConfig(judge=JudgeKind.nli, nli_model=str(tmp_path))
    voted = verification.add_judge_votes(rows, config, config_of("nowhere"), MOODS)

    assert [set(row["votes"]) for row in voted] == [{"joy|judge"}, {"joy|judge", "sadness|judge"}]
    assert all(0 < vote < 1 for row in voted for vote in row["votes"].values())


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("joy", ["joy"]),
        ("Sadness, and Joy.", ["joy", "sadness"]),
        ("somewhat positive", ["somewhat positive"]),
        ("positive; somewhat positive", ["positive", "somewhat positive"]),
        ("none", []),
        ("joyful", []),
    ],
)
def test_labels_are_read_from_an_answer(answer, named):
    assert named_labels(answer, ["joy", "positive", "sadness", "somewhat positive"]) == named


def test_a_language_models_word_counts_and_an_answer_without_one_does_not(make_row):
    rows = [make_row(f"Text {i}.") for i in range(4)]
    answers = ["joy", "sadness", "None of these.", "I would rather not say."]
    voted, n_unread = llm_votes(rows, MOODS, lambda prompts: answers)

    assert [row["votes"] for row in voted] == [
        {"joy|judge": 0.9},
        {"joy|judge": 0.1, "sadness|judge": 0.9},
        {"joy|judge": 0.1},
        {},
    ]
    assert n_unread == 1


class Chat(BaseHTTPRequestHandler):
    """A server that finds joy wherever soup is."""

    prompts: list[str] = []  # noqa: RUF012
    keys: set[str | None] = set()  # noqa: RUF012

    def do_GET(self):
        self._answer({"data": [{"id": "tiny"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Chat.keys.add(self.headers.get("Authorization"))
        prompt = body["messages"][0]["content"]
        Chat.prompts.append(prompt)
        content = "joy" if "soup" in prompt else "sadness"
        choice = {"message": {"content": content}, "finish_reason": "stop"}
        self._answer({"choices": [choice] * body.get("n", 1)})

    def _answer(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def test_a_judge_behind_an_endpoint_reads_every_text(make_row):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    generator = GeneratorConfig(
        model="default", endpoint=f"http://127.0.0.1:{server.server_port}/v1", prompt_form=PromptForm.chat
    )
    rows = [make_row("The soup was lovely."), make_row("We lost the phone.")]
    try:
        voted = verification.add_judge_votes(rows, VerifyingConfig(judge=JudgeKind.llm), generator, MOODS)
        unscored = verification.generator_votes(rows, generator, MOODS, ())
    finally:
        server.shutdown()

    assert [row["votes"] for row in voted] == [{"joy|judge": 0.9}, {"joy|judge": 0.1, "sadness|judge": 0.9}]
    assert all("- joy: The writer is glad." in prompt for prompt in Chat.prompts)
    assert unscored == rows  # an endpoint tells no likelihoods


@pytest.fixture
def chat():
    """Address of a server that finds joy wherever soup is, and the keys that it was shown."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Chat.keys.clear()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def test_the_judge_may_be_another_endpoint_and_model_with_a_key_of_its_own(make_row, chat, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "the generator's")
    monkeypatch.setenv("JUDGE_API_KEY", "the judge's")
    generator = GeneratorConfig(
        model="small", endpoint="http://127.0.0.1:9/v1", stop=("joy",), prompt_form="chat"
    )
    own = VerifyingConfig(judge="llm", judge_endpoint=chat, judge_model="tiny")
    (voted,) = verification.add_judge_votes([make_row("The soup was lovely.")], own, generator, MOODS)

    assert voted["votes"] == {"joy|judge": 0.9}
    assert Chat.keys == {"Bearer the judge's"}


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        ({}, ("http://g/v1", "small", "OPENAI_API_KEY")),
        ({"judge_model": "large"}, ("http://g/v1", "large", "OPENAI_API_KEY")),
        ({"judge_endpoint": "http://j/v1"}, ("http://j/v1", "default", "JUDGE_API_KEY")),
        (
            {"judge_endpoint": "http://j/v1", "judge_model": "large"},
            ("http://j/v1", "large", "JUDGE_API_KEY"),
        ),
    ],
)
def test_what_is_not_said_of_the_judge_is_the_generators(judge, expected):
    generator = GeneratorConfig(
        model="small", endpoint="http://g/v1", prompt_form="chat", system_prompt="Write."
    )
    found = judge_of(VerifyingConfig(judge="llm", **judge), generator)
    assert (found.endpoint, found.model, found.key_variable) == expected
    assert (found.temperature, found.max_new_tokens, found.system_prompt) == (0.01, 48, "")


def run_with_judge(**verifying):
    return RunConfig(profile="server", taxonomy="polarity3", verifying=verifying).resolved()


def test_a_judge_that_does_not_answer_or_lacks_the_model_is_told_before_sampling(chat):
    require_judge(run_with_judge(judge_endpoint=chat, judge_model="tiny"))
    with pytest.raises(ValueError, match="verifying") as lacking:
        require_judge(run_with_judge(judge_endpoint=chat, judge_model="large"))
    assert str(lacking.value) == (
        f"verifying.judge_model is large; expected one that {chat} serves: tiny (1 in all). Name one of "
        "them, or `default` for the first."
    )
    with pytest.raises(ConnectionError) as down:
        require_judge(run_with_judge(judge_endpoint="http://127.0.0.1:9/v1"))
    assert str(down.value) == (
        "endpoint http://127.0.0.1:9/v1 does not answer (ConnectError); expected a server. Start it, or "
        "correct verifying.judge_endpoint."
    )


def test_a_model_for_a_judge_that_is_not_asked_is_refused():
    config = RunConfig(taxonomy="polarity3", verifying={"judge_model": "large"})
    with pytest.raises(ValueError, match="verifying") as refused:
        check(config)
    assert str(refused.value) == (
        "verifying.judge_model is set and verifying.judge is none; expected llm, which alone asks a language "
        "model. Give --verifying.judge llm, or leave it out."
    )
