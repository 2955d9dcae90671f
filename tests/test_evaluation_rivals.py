"""What one would take instead: every rival on tiny models that the tests make, by one threshold rule."""

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from tasks.config import (
    EvaluationConfig,
    GeneratorConfig,
    PromptForm,
    RivalKind,
    RivalsConfig,
    RunConfig,
)
from tasks.data.scores import EMBEDDING, EMBEDDING_LOGREG, MAJORITY, REAL, TFIDF
from tasks.models.embedding import embed, encode
from tasks.orchestration.preflight import check
from tasks.pipeline.decision.thresholds import choose_thresholds, decide
from tasks.pipeline.evaluation.baselines import tfidf_logreg
from tasks.pipeline.evaluation.predictions import from_bytes
from tasks.pipeline.evaluation.rivals import RIVALS, SETFIT, SLOW, Answers, Problem
from tasks.pipeline.evaluation.rivals.interface import label_by_scores
from tasks.stages import rivals as rival_stage
from tasks.stages.rivals import rival_task, sample_of, settings_of, wanted
from tasks.taxonomy import Label, Taxonomy

MOODS = Taxonomy(
    name="moods",
    labels=(
        Label(name="joy", meaning="The writer is glad."),
        Label(name="sadness", meaning="The writer is sad."),
    ),
)
OBJECTS = ("soup", "train", "garden", "phone", "hotel", "lesson", "story", "bridge")
GLAD = [f"The {thing} was lovely and we are happy." for thing in OBJECTS]
SAD = [f"The {thing} was awful and we are sad." for thing in OBJECTS]
TEXTS = [*GLAD[:4], *SAD[:4]]
TARGETS = np.repeat(np.eye(2), 4, axis=0)
TESTED = [*GLAD[4:], *SAD[4:]]
PROBLEM = Problem(
    train=(TEXTS, TARGETS),
    validation=(TEXTS, TARGETS),
    weights=None,
    tests={REAL: TESTED},
    taxonomy=MOODS,
    seed=0,
    min_positives=1,
)
LAYER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def decided(found, name=REAL):
    return decide(found.probabilities[name], found.thresholds).astype(int).tolist()


def order(column):
    return np.argsort(-np.asarray(column), kind="stable").tolist()


def save_classifier(folder, vocabulary, **config):
    torch.manual_seed(0)
    made = BertConfig(vocab_size=len(vocabulary), initializer_range=0.4, **LAYER, **config)
    BertForSequenceClassification(made).save_pretrained(folder)
    BertTokenizer(vocab={t: i for i, t in enumerate(vocabulary)}, do_lower_case=True).save_pretrained(folder)
    return str(folder)


def test_any_scores_become_label_sets_by_validation_alone():
    """Scores of any scale: standardised on validation, scaled by Platt, cut by the classifier's rule."""
    level = {text: float(i) for i, text in enumerate([*reversed(TESTED), *reversed(TEXTS)])}

    def score(texts):
        return np.array([[1e4 * level[text], -level[text]] for text in texts])

    found = label_by_scores(PROBLEM, score)
    again = label_by_scores(replace(PROBLEM, tests={REAL: TESTED[:1]}), score)

    assert order(found.probabilities[REAL][:, 0]) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert order(found.probabilities[REAL][:, 1]) == [7, 6, 5, 4, 3, 2, 1, 0]
    np.testing.assert_array_equal(found.thresholds, again.thresholds)
    np.testing.assert_array_equal(found.probabilities[REAL][:1], again.probabilities[REAL])
    validation = label_by_scores(replace(PROBLEM, tests={"same": TEXTS}), score)
    np.testing.assert_array_equal(
        validation.thresholds, choose_thresholds(validation.probabilities["same"], TARGETS, 1)
    )
    assert (decided(validation, "same")[0], decided(validation, "same")[-1]) == ([1, 0], [0, 1])


def test_zero_shot_by_embedding_reads_the_meanings_and_no_training_text():
    found = RIVALS[EMBEDDING](replace(PROBLEM, train=([], np.zeros((0, 2)))))

    assert decided(found) == [[1, 0]] * 4 + [[0, 1]] * 4
    assert found.seconds > 0
    assert found.weights_mb == pytest.approx(90.9, abs=0.1)


def test_a_linear_model_on_embeddings_learns_labels_that_their_meanings_do_not_say():
    turned = replace(PROBLEM, train=(TEXTS, TARGETS[::-1]), validation=(TEXTS, TARGETS[::-1]))

    assert decided(RIVALS[EMBEDDING_LOGREG](turned)) == [[0, 1]] * 4 + [[1, 0]] * 4
    unknown = TARGETS.copy()
    unknown[0] = -1
    assert decided(RIVALS[EMBEDDING_LOGREG](replace(PROBLEM, train=(TEXTS, unknown)))) == (
        [[1, 0]] * 4 + [[0, 1]] * 4
    )


def test_texts_are_embedded_alike_whether_they_are_timed_or_remembered():
    np.testing.assert_allclose(encode(TESTED), embed(TESTED), atol=1e-6)


def test_the_bag_of_words_in_the_registry_is_the_baseline():
    found = RIVALS[TFIDF](PROBLEM)
    alone = tfidf_logreg(TEXTS, TARGETS, TEXTS, TARGETS, {REAL: TESTED}, 0, 1)

    np.testing.assert_array_equal(found.probabilities[REAL], alone.probabilities[REAL])
    assert RIVALS[MAJORITY](PROBLEM).probabilities[REAL].tolist() == [[0.5, 0.5]] * 8


def test_the_generator_is_asked_once_per_label_and_once_without_any():
    asked = []

    def likelihoods(pairs):
        asked.extend(pairs)
        return [
            -50.0 - len(text) + (3.0 if (prompt, "lovely" in text) in (("0", True), ("1", False)) else 0.0)
            for prompt, text in pairs
        ]

    problem = replace(
        PROBLEM, likelihoods=likelihoods, prompt=lambda i: "open" if i is None else str(i), generator_mb=1.5
    )
    found = RIVALS["zero-shot by the generator"](problem)

    assert decided(found) == [[1, 0]] * 4 + [[0, 1]] * 4
    assert found.weights_mb == 1.5
    assert [prompt for prompt, text in asked if text == TESTED[0]] == ["open", "0", "1"]
    with pytest.raises(ValueError, match="the generator scores no texts; expected one in this process"):
        RIVALS["zero-shot by the generator"](PROBLEM)


def test_an_llm_is_charged_for_the_test_texts():
    def answers(prompts):
        said = ["joy" if "lovely" in prompt else "Sadness." for prompt in prompts]
        return Answers(said, n_prompt_tokens=100 * len(prompts), n_answer_tokens=2 * len(prompts))

    models = RivalsConfig(llm_price_prompt=0.5, llm_price_answer=10.0)
    found = RIVALS["zero-shot by LLM"](replace(PROBLEM, answers=answers, models=models))

    assert decided(found) == [[1, 0]] * 4 + [[0, 1]] * 4
    assert found.price == pytest.approx(8 * (100 * 0.5 + 2 * 10.0) / 1e6)
    assert RIVALS["zero-shot by LLM"](replace(PROBLEM, answers=answers)).price is None


def test_an_entailment_model_ranks_texts_as_it_does_alone(tmp_path, vocabulary):
    from transformers import pipeline

    names = {0: "entailment", 1: "not_entailment"}
    folder = save_classifier(
        tmp_path, vocabulary, id2label=names, label2id={name: i for i, name in names.items()}
    )
    found = RIVALS["zero-shot by NLI"](replace(PROBLEM, models=RivalsConfig(nli=folder)))
    alone = pipeline("zero-shot-classification", model=folder)(
        TESTED, ["The writer is sad."], hypothesis_template="{}", multi_label=True
    )

    assert order(found.probabilities[REAL][:, 1]) == order([answer["scores"][0] for answer in alone])
    assert found.weights_mb > 0


def test_a_cross_encoder_ranks_texts_as_it_does_alone(tmp_path, vocabulary):
    from sentence_transformers import CrossEncoder

    folder = save_classifier(tmp_path / "one", vocabulary, num_labels=1)
    found = RIVALS["zero-shot by reranker"](replace(PROBLEM, models=RivalsConfig(reranker=folder)))
    alone = CrossEncoder(folder).predict([("The writer is glad.", text) for text in TESTED])

    assert order(found.probabilities[REAL][:, 0]) == order(alone)
    two = save_classifier(tmp_path / "two", vocabulary, num_labels=2)
    with pytest.raises(ValueError, match="has 2 outputs; expected a cross-encoder with one"):
        RIVALS["zero-shot by reranker"](replace(PROBLEM, models=RivalsConfig(reranker=two)))


@pytest.mark.skipif(find_spec("gliner2") is None, reason="needs sentimill[gliner]")
def test_gliner2_ranks_texts_as_it_does_alone(tmp_path, tiny_encoder):
    from gliner2 import ExtractorConfig, GLiNER2
    from gliner2.classification import ClassificationSchema, Classifier

    torch.manual_seed(0)
    GLiNER2(ExtractorConfig(model_name=str(tiny_encoder))).save_pretrained(str(tmp_path))
    found = RIVALS["zero-shot by GLiNER2"](replace(PROBLEM, models=RivalsConfig(gliner=str(tmp_path))))
    meanings = {label.name: label.meaning for label in MOODS.labels}
    schema = ClassificationSchema().multi("labels", meanings)
    alone = Classifier.from_pretrained(str(tmp_path)).batch_score(TESTED, schema)

    assert order(found.probabilities[REAL][:, 0]) == order([one.logit("labels", "joy") for one in alone])
    assert found.weights_mb > 0


@pytest.mark.skipif(find_spec("setfit") is None, reason="needs sentimill[setfit]")
def test_setfit_learns_from_few_texts():
    models = RivalsConfig(setfit_steps=2)
    found = RIVALS[SETFIT](replace(PROBLEM, models=models))

    assert decided(found) == [[1, 0]] * 4 + [[0, 1]] * 4
    alike = replace(PROBLEM, train=(TEXTS[:4], TARGETS[:4]), models=models)
    with pytest.raises(ValueError, match="the 4 training texts of SetFit all carry the same labels"):
        RIVALS[SETFIT](alike)


def test_every_rival_that_can_be_asked_for_is_in_the_registry():
    assert set(SLOW) == set(RivalKind)
    assert set(SLOW.values()) < set(RIVALS)


def test_the_cache_key_of_a_rival_holds_its_own_options_alone():
    plain = EvaluationConfig(rivals=("nli", "setfit"))
    other = RivalsConfig(reranker="another", setfit_rows=(4, 8))
    by_title = {one.title: one for one in wanted(plain, RivalsConfig())}

    assert list(by_title) == [
        TFIDF,
        MAJORITY,
        EMBEDDING,
        EMBEDDING_LOGREG,
        "zero-shot by NLI",
        "SetFit, 8 rows per label",
        "SetFit, 16 rows per label",
        "SetFit, 64 rows per label",
    ]
    again = {one.title: one for one in wanted(plain, other)}
    shared = [title for title in by_title if title in again]
    assert shared == [*list(by_title)[:5], "SetFit, 8 rows per label"]
    assert all(again[title] == by_title[title] for title in shared)
    assert (by_title["zero-shot by NLI"].n_texts, by_title[TFIDF].n_texts) == (200, None)
    assert by_title["SetFit, 16 rows per label"].rows_per_label == 16


def test_a_sample_is_drawn_once_and_in_order():
    assert sample_of(5, None, 0) == sample_of(5, 9, 0) == [0, 1, 2, 3, 4]
    drawn = sample_of(100, 10, 3)
    assert drawn == sorted(set(drawn)) == sample_of(100, 10, 3)
    assert len(drawn) == 10


@pytest.fixture
def rows(make_row, local_store, monkeypatch):
    """Rows of a classifier in a results block: 8 to train, 8 to validate; and 8 human ones to test."""
    monkeypatch.setattr(rival_stage, "open_store", lambda: local_store)

    def of(texts, part, source):
        return [
            make_row(
                text, [MOODS.names[i // 4]], np.eye(2)[i // 4], id=f"{part}{i}", split=part, source=source
            )
            for i, text in enumerate(texts)
        ]

    own = [*of(TEXTS, "train", "synthetic"), *of(TEXTS, "validation", "synthetic")]
    return local_store, local_store.put_rows(own), local_store.put_rows(of(TESTED, "test", "real"))


def ask(rival, rows, **changes):
    _, own, test = rows
    given = {
        "rival": rival,
        "rows": own,
        "tests": {REAL: test},
        "human": None,
        "unlabelled": None,
        "taxonomy": MOODS,
        "generator": None,
        "generator_sha256": "",
        "seed": 0,
    }
    return rival_task.fn(**{**given, **changes})


def test_a_rival_leaves_its_predictions_and_what_they_took(rows):
    found = ask(settings_of(EMBEDDING, EvaluationConfig(min_positives=1), RivalsConfig()), rows)
    said = from_bytes(rows[0].get_blob(found.predictions[REAL]))

    assert found.name == EMBEDDING
    assert said.ids.tolist() == [f"test{i}" for i in range(8)]
    assert said.decided.tolist() == np.repeat(np.eye(2), 4, axis=0).tolist()
    assert found.cost.texts_per_second is None or found.cost.texts_per_second > 0


def test_the_generator_scores_a_sample_of_the_texts(rows, tiny_generator):
    models = RivalsConfig().model_copy(update={"texts": 4})
    generator = GeneratorConfig(
        model=str(tiny_generator), prompt_form=PromptForm.plain, batch_size=8, max_new_tokens=16
    )
    found = ask(
        settings_of("zero-shot by the generator", EvaluationConfig(min_positives=1), models),
        rows,
        generator=generator,
    )
    said = from_bytes(rows[0].get_blob(found.predictions[REAL]))

    assert len(said.ids) == 4
    assert said.ids.tolist() == [f"test{i}" for i in sample_of(8, 4, 0)]
    assert found.cost.weights_mb > 0


class Chat(BaseHTTPRequestHandler):
    """A server that finds joy wherever something is lovely, and counts tokens."""

    def do_GET(self):
        self._answer({"data": [{"id": "tiny"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = "joy" if "lovely" in body["messages"][-1]["content"] else "sadness"
        choices = [{"message": {"content": content}, "finish_reason": "stop"}]
        self._answer({"choices": choices, "usage": {"prompt_tokens": 50, "completion_tokens": 2}})

    def _answer(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def test_an_llm_behind_an_endpoint_labels_and_has_a_price(rows):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    models = RivalsConfig(
        llm_endpoint=f"http://127.0.0.1:{server.server_port}/v1", llm_price_prompt=2.0, llm_price_answer=5.0
    )
    generator = GeneratorConfig(model="embedded", prompt_form=PromptForm.chat, batch_size=8)
    try:
        found = ask(
            settings_of("zero-shot by LLM", EvaluationConfig(min_positives=1), models),
            rows,
            generator=generator,
        )
    finally:
        server.shutdown()
        server.server_close()
    said = from_bytes(rows[0].get_blob(found.predictions[REAL]))

    assert said.decided.tolist() == np.repeat(np.eye(2), 4, axis=0).tolist()
    assert found.cost.price_per_1000 == pytest.approx(1_000 * (50 * 2.0 + 2 * 5.0) / 1e6)
    assert found.cost.weights_mb is None


@pytest.mark.parametrize(
    ("rivals", "said"),
    [
        (
            ("setfit",),
            "evaluation.rivals has setfit but real is empty; expected human-labelled rows. Give --real",
        ),
        (("llm",), "rivals.llm_endpoint is empty; expected the URL of a server"),
    ],
)
def test_a_rival_that_cannot_be_asked_is_refused_at_once(rivals, said):
    with pytest.raises(ValueError, match=said):
        check(RunConfig(evaluation=EvaluationConfig(rivals=rivals)))
