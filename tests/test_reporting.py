"""The report and the cards: what they say, and that no text can break them."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from io import StringIO

import pytest
from huggingface_hub import DatasetCard, ModelCard
from rich.console import Console

from tasks.cli.tables import results_table
from tasks.data.data_profile import DataProfile, Dispute, LabelProfile
from tasks.data.plan_scores import CellFill, Plan, Round
from tasks.data.scores import (
    CLASSIFIER,
    EMBEDDING,
    MAJORITY,
    REAL,
    SYNTHETIC,
    TFIDF,
    ExampleText,
    Figure,
    LabelScore,
    Metrics,
    ModelInfo,
    Review,
    RunScores,
    SystemResult,
)
from tasks.data.scrub_scores import ScrubSummary
from tasks.data.summaries import Outcome
from tasks.data.system_scores import Cost, OutOfScope, SelectiveScores
from tasks.pipeline.diversity import wording
from tasks.pipeline.reporting.cards import dataset_card, model_card
from tasks.pipeline.reporting.data_review import (
    METRIC_TEXTS,
    issues,
    short_cells,
    shortfall,
    side,
    summary,
    why_short,
)
from tasks.pipeline.reporting.formatting import cell, duration, score
from tasks.pipeline.reporting.report import render_report
from tasks.pipeline.reporting.scrubbing_section import count_table
from tasks.pipeline.reporting.sections.data_section import dispute_rows, fidelity, texts_by_label
from tasks.pipeline.reporting.sections.worth import alternatives, worth
from tasks.pipeline.reporting.views import (
    Bar,
    Fill,
    bars,
    confusions,
    label_fills,
    label_rows,
    largest_first,
    score_tables,
    topic_tables,
    verdicts,
)
from tasks.taxonomy import load_taxonomy

POLARITY = load_taxonomy("polarity3")
HOSTILE = "</li></style><script>alert('x')</script> & \"so\" | `on`\n```\n# Not a heading {{ 7 * 7 }}"
VOID = {"meta", "br", "link", "img", "input", "hr"}


def metrics(f1: float, kappa: float | None = None, confusion: tuple | None = None) -> Metrics:
    labels = [
        LabelScore(
            label=name, precision=f1, recall=f1, f1=f1, average_precision=None, n_true=40, n_decided=41
        )
        for name in POLARITY.names
    ]
    return Metrics(
        f1_micro=f1 + 0.01,
        f1_macro=f1,
        f1_weighted=f1,
        f1_samples=f1,
        jaccard=f1,
        hamming=0.1,
        mean_average_precision=None,
        ranking_average_precision=0.5,
        calibration_error=0.02,
        brier=0.1,
        per_label=tuple(labels),
        n_rows=1_200,
        mae=None if kappa is None else 0.25,
        kappa=kappa,
        level_accuracy=None if kappa is None else 0.75,
        within_one_level=None if kappa is None else 1.0,
        confusion=confusion,
        n_levelled=0 if kappa is None else 4,
    )


def run_scores(**changes: object) -> RunScores:
    confusion = ((3, 1, 0), (0, 0, 0), (1, 1, 8))
    given = {
        "run": "quiet-otter",
        "created": "2026-01-02 03:04 UTC",
        "command": "sentimill run --taxonomy polarity3",
        "config": {"seed": 0, "cleaning": {"language": "en"}},
        "taxonomy": POLARITY,
        "generator": ModelInfo(name="small-writer", licence="apache-2.0"),
        "base": ModelInfo(name="org/encoder", revision="abc123", licence="mit"),
        "plan": Plan(
            cells=(
                CellFill(labels=("positive",), topic="books", wanted=4, accepted=4, n_sampled=6),
                CellFill(labels=("positive", "neutral"), topic="books", wanted=2, accepted=1, n_sampled=9),
                CellFill(labels=("negative",), topic="films", wanted=4, accepted=0, n_sampled=8),
            ),
            rounds=2,
            ended="rounds",
            history=(Round(number=1, n_sampled=15, accepted=4, missing=6, tokens=180),),
        ),
        "review": Review(
            n_texts=500,
            figures=(
                Figure(name="compression_ratio", value=3.0, low=2.0, high=2.5),
                Figure(name="self_bleu", value=0.201, low=0.2, high=0.3),
                Figure(name="real_auc", value=0.97, low=0.5, high=0.85),
            ),
            flags={"profanity": 12},
            n_mixed=3,
        ),
        "rejected": {"clean: too short": ("No.", HOSTILE)},
        "rejects": {"clean: too short": 3, "verify: neighbours disagree": 12},
        "scrubbed": {"PERSON": 5, "URL": 9},
        "rows": {"train": 800, "validation": 100, "test": 100, "real test": 1_200},
        "results": (
            SystemResult(name=CLASSIFIER, test_set=SYNTHETIC, metrics=metrics(0.9, 0.95, confusion)),
            SystemResult(name=TFIDF, test_set=SYNTHETIC, metrics=metrics(0.8, 0.7)),
            SystemResult(name=MAJORITY, test_set=SYNTHETIC, metrics=metrics(0.1, 0.0)),
            SystemResult(name=CLASSIFIER, test_set=REAL, metrics=metrics(0.4)),
            SystemResult(name=TFIDF, test_set=REAL, metrics=metrics(0.5)),
        ),
        "thresholds": {"positive": 0.5, "neutral": 0.25, "negative": 0.4},
        "samples": (
            ExampleText(text=HOSTILE, labels=("positive",), topic="books", style="review"),
            ExampleText(text="Not for me.", labels=("negative", "positive"), topic="films", style="letter"),
        ),
        "timings": {"sample": 92.0, "train": 185.4},
        "versions": {"Python": "3.11.7"},
        "machine": {"CPU": "2 cores"},
    }
    return RunScores.model_validate({**given, **changes})


class Tags(HTMLParser):
    """Notes every tag, and every end tag that does not close the last one opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} at {self.getpos()}")


def test_report_is_one_small_file_that_loads_nothing():
    page = render_report(run_scores())
    assert len(page) < 5_000_000
    attributes = [attrs for _, attrs in Tags(page).seen]
    assert not [attrs for attrs in attributes if "src" in attrs]
    assert all(attrs["href"].startswith("#") for attrs in attributes if "href" in attrs)
    assert "url(" not in page
    assert "@import" not in page


def test_report_and_card_say_why_a_run_is_no_champion_and_nothing_before_it_is_decided():
    refused = run_scores(
        outcome=Outcome(champion=False, reasons=("the test set has 3 texts", "it is <worse>"))
    )
    said = "Outcome: candidate: the test set has 3 texts; it is "

    assert f"{said}&lt;worse&gt;." in render_report(refused)
    assert f"\n{said}<worse>.\n" in model_card(refused)
    assert "Outcome:" not in render_report(run_scores()) + model_card(run_scores())


def test_report_runs_no_script_and_its_policy_allows_its_one_style_sheet_alone():
    page = render_report(run_scores())
    tags = Tags(page)
    assert not [tag for tag, _ in tags.seen if tag == "script"]
    assert not [attrs for _, attrs in tags.seen if "style" in attrs or any(a.startswith("on") for a in attrs)]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"content=\"default-src 'none'; style-src 'sha256-{digest}'\"" in page


def test_every_tag_closes_whatever_the_texts_hold():
    tags = Tags(render_report(run_scores(run=HOSTILE, rejects={HOSTILE: 1}, notes=(HOSTILE,))))
    assert tags.wrong == []
    assert tags.open == []


def test_texts_are_escaped_not_run():
    page = render_report(run_scores())
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;so&#34;" in page
    assert "{{ 7 * 7 }}" in page
    assert "<script" not in page


def test_report_has_every_section_and_every_link_leads_to_one():
    tags = Tags(render_report(run_scores()))
    sections = [attrs["id"] for tag, attrs in tags.seen if tag == "section"]
    assert sections == ["result", "plan", "review", "dropped", "labels", "levels", "scrubbed", "run"]
    assert [attrs["href"] for tag, attrs in tags.seen if tag == "a"] == [f"#{name}" for name in sections]


def test_the_review_says_what_is_off_and_what_to_do():
    found = issues(run_scores())

    assert [finding.what for finding in found] == [
        "2 of 3 cells lack 5 texts in all: sampling ended when the rounds were used up. "
        "Labels with too few texts: positive 5 of 6, neutral 1 of 2, negative 0 of 4.",
        "The texts repeat one another. (compression ratio 3.00, real text 2.00 to 2.50)",
        "A simple classifier tells these texts from real ones, whatever their label. "
        "(told from real text 0.970, real text 0.500 to 0.850)",
        "12 of 1,000 texts hold a swear word (1.2%).",
    ]
    assert all("<code>" in finding.advice for finding in found)
    assert summary(run_scores()) == ("Of 3 figures, measured on 500 texts, 1 lies where real text lies.")


def test_a_figure_lies_within_the_band_above_or_below_it():
    def at(value):
        return side(Figure(name="self_bleu", value=value, low=0.2, high=0.3))

    # A tenth of the band's width is chance: 0.19 to 0.31.
    assert [at(0.189), at(0.191), at(0.309), at(0.311)] == ["below", "as real", "as real", "above"]
    assert side(Figure(name="self_bleu", value=0.2)) == ""


def test_every_figure_has_words():
    texts = [f"word{i} and then seven more words are here" for i in range(300)]
    names = {*wording(texts, [["joy"]] * 300, 200), "dispersion", "topic_leak", "real_auc"}

    assert names == set(METRIC_TEXTS)


def test_what_could_not_be_filled_is_said_by_cell_with_the_main_reason():
    cells = (
        CellFill(
            labels=("grief", "love"), topic="pets", wanted=6, accepted=2, n_sampled=20,
            reason="verifying: label disputed", n_reason=14,
        ),
        CellFill(labels=("joy",), topic="pets", wanted=6, accepted=6, n_sampled=8),
    )  # fmt: skip
    plan = Plan(cells=cells, rounds=4, ended="tokens")

    assert [why_short(cell) for cell in short_cells(plan)] == [
        "grief + love on pets: 2 of 6, 20 generated, 14 dropped as verifying: label disputed"
    ]


def test_a_label_that_others_made_up_for_is_not_called_short():
    cells = (
        CellFill(labels=("negative",), topic="pets", wanted=6, accepted=5, n_sampled=20),
        CellFill(labels=("negative",), topic="films", wanted=6, accepted=7, n_sampled=8),
    )

    assert shortfall(Plan(cells=cells, rounds=4, ended="time"), POLARITY) == (
        "1 of 2 cells lack 1 text in all: sampling ended when the time was up. "
        "All label quotas were still met with texts from other topics."
    )
    full = Plan(cells=cells[1:], rounds=1)
    assert shortfall(full, POLARITY) == "Every cell has the texts that were asked for."


def test_rejected_examples_are_shown_and_cannot_break_out():
    page = render_report(run_scores())
    assert "clean: too short" in page
    assert HOSTILE not in page


def test_report_without_a_scale_has_no_levels():
    arms = (SystemResult(name=CLASSIFIER, test_set=SYNTHETIC, metrics=metrics(0.9)),)
    assert 'id="levels"' not in render_report(run_scores(results=arms))


def test_report_owns_up_when_no_human_text_was_measured():
    note = "No human text was measured."
    arms = (SystemResult(name=CLASSIFIER, test_set=SYNTHETIC, metrics=metrics(0.9)),)
    assert note in render_report(run_scores(results=arms))
    assert note not in render_report(run_scores())


def test_report_of_an_empty_run_still_renders():
    tags = Tags(render_report(run_scores(rejects={}, scrubbed={}, samples=(), timings={}, machine={})))
    assert tags.wrong == []


def test_verdicts_say_human_text_first_and_own_up_to_a_loss():
    assert verdicts(run_scores()) == [
        "On human text (1,200 rows) the classifier reaches a macro-F1 of 0.400, "
        "0.100 below TF-IDF + logistic regression.",
        "On the synthetic test set (1,200 rows) the classifier reaches a quadratic kappa of 0.950, "
        "0.250 above TF-IDF + logistic regression; its macro-F1 is 0.900.",
    ]


def test_intervals_stand_in_the_tables_and_the_verdict():
    arms = [
        system.model_copy(
            update={
                "intervals": {"f1_macro": (0.38, 0.43)},
                "classifier_ahead": {"f1_macro": (-0.1, -0.12, 0.01)} if system.name == TFIDF else {},
            }
        )
        for system in run_scores().results
    ]
    scores = run_scores(results=tuple(arms))

    assert verdicts(scores)[0] == (
        "On human text (1,200 rows) the classifier reaches a macro-F1 of 0.400, 0.100 below TF-IDF + "
        "logistic regression (difference -0.120 to +0.010, which may be chance)."
    )
    assert "<small>0.380 to 0.430</small>" in render_report(scores)


def test_score_table_marks_the_best_and_leaves_out_what_nobody_has():
    human, synthetic = score_tables(run_scores(), ("f1_macro", "mean_average_precision", "kappa", "mae"))
    assert (human.test_set, human.headings) == ("real", ["Macro-F1"])
    assert [(name, [(v.value, v.best) for v in values]) for name, values in human.rows] == [
        (CLASSIFIER, [(0.4, False)]),
        (TFIDF, [(0.5, True)]),
    ]
    assert synthetic.headings == ["Macro-F1", "Kappa", "MAE"]
    assert [name for name, _ in synthetic.rows] == [CLASSIFIER, TFIDF, MAJORITY]
    assert [v.best for _, values in synthetic.rows for v in values] == [
        *(True, True, True),
        *(False, False, True),
        *(False, False, True),
    ]


def test_fill_counts_a_two_label_text_for_both_its_labels():
    assert label_fills(run_scores()) == [
        ("positive", Fill(accepted=5, wanted=6, shade=2)),
        ("neutral", Fill(accepted=1, wanted=2, shade=5)),
        ("negative", Fill(accepted=0, wanted=4, shade=10)),
    ]


def test_heat_map_has_a_row_per_topic_and_nothing_where_nothing_was_planned():
    never = Fill(accepted=0, wanted=0, shade=None)
    assert topic_tables(run_scores()) == [
        [("books", [Fill(5, 6, 2), Fill(1, 2, 5), never])],
        [("films", [never, never, Fill(0, 4, 10)])],
    ]


def test_one_missing_text_of_many_still_shows():
    cells = (CellFill(labels=("positive",), topic="books", wanted=100, accepted=99, n_sampled=150),)
    assert label_fills(run_scores(plan=Plan(cells=cells, rounds=1)))[0] == ("positive", Fill(99, 100, 1))


def test_label_rows_stand_beside_the_bag_of_words():
    row = label_rows(run_scores(), REAL)[1]
    assert (row.score.label, row.score.f1, row.baseline_f1, row.threshold) == ("neutral", 0.4, 0.5, 0.25)


def test_confusion_is_shaded_by_the_share_of_its_row():
    (found,) = confusions(run_scores())
    assert found.test_set == SYNTHETIC
    assert found.rows == [
        [(3, 0.75, 8), (1, 0.25, 2), (0, 0.0, 0)],
        [(0, 0.0, 0), (0, 0.0, 0), (0, 0.0, 0)],
        [(1, 0.1, 1), (1, 0.1, 1), (8, 0.8, 8)],
    ]


def test_a_text_stands_under_each_of_its_labels_and_eight_are_shown():
    texts = [
        ExampleText(
            text=str(i), labels=("positive", "negative") if i < 3 else ("positive",), topic="t", style="s"
        )
        for i in range(10)
    ]
    found = texts_by_label(run_scores(samples=texts))

    assert [(group.label, [sample.text for sample in group.texts]) for group in found] == [
        ("positive", list("01234567")),
        ("negative", list("012")),
    ]
    assert all(group.is_open for group in found)


def rival(name, ahead, f1=0.3, n_rows=1_200, cost=None):
    return SystemResult(
        name=name,
        test_set=REAL,
        metrics=metrics(f1).model_copy(update={"n_rows": n_rows}),
        classifier_ahead={"f1_macro": ahead},
        cost=cost,
    )


def with_rivals(*rivals):
    own = SystemResult(
        name=CLASSIFIER,
        test_set=REAL,
        metrics=metrics(0.4),
        cost=Cost(texts_per_second=512.4, weights_mb=90.9),
    )
    return run_scores(results=(own, *rivals))


@pytest.mark.parametrize(
    ("rivals", "sentence"),
    [
        (
            [rival(TFIDF, (0.2, 0.1, 0.3), 0.2), rival(EMBEDDING, (0.1, 0.05, 0.15), 0.3)],
            "Worth training: on 1,200 human-written texts the classifier reaches a macro-F1 of 0.400; the "
            "strongest alternative, zero-shot by embedding, reaches 0.300, 0.100 less (95 % interval of the "
            "lead +0.050 to +0.150).",
        ),
        (
            [rival(EMBEDDING, (0.01, -0.02, 0.04), 0.39, cost=Cost(texts_per_second=1_000.0))],
            "Not shown to be worth training: on 1,200 human-written texts the classifier reaches a macro-F1 "
            "of 0.400; the strongest alternative, zero-shot by embedding, reaches 0.390; the difference may "
            "be chance (95 % interval of the lead -0.020 to +0.040); here they label 512 and 1,000 texts a "
            "second.",
        ),
        (
            [rival(EMBEDDING, (0.1, 0.05, 0.15)), rival("SetFit, 8 rows per label", (-0.2, -0.3, -0.1), 0.6)],
            "Not worth training on these rows: on 1,200 human-written texts the classifier reaches a "
            "macro-F1 of 0.400; the strongest alternative, SetFit, 8 rows per label, reaches 0.600, 0.200 "
            "more (95 % interval of the lead -0.300 to -0.100).",
        ),
        (
            [rival(EMBEDDING, (0.1, 0.05, 0.15)), rival("zero-shot by LLM", (0.2, -0.1, 0.5), 0.25, 200)],
            "Not shown to be worth training: on 1,200 human-written texts the classifier reaches a macro-F1 "
            "of 0.400; the strongest alternative, zero-shot by LLM, reaches 0.250 on 200 of them; the "
            "difference may be chance (95 % interval of the lead -0.100 to +0.500).",
        ),
        (
            [rival(MAJORITY, (-0.1, -0.2, -0.05))],
            "Not known whether it is worth training: on 1,200 human-written texts the classifier reaches a "
            "macro-F1 of 0.400, and nothing else was measured.",
        ),
    ],
)
def test_one_sentence_says_whether_training_pays(rivals, sentence):
    scores = with_rivals(*rivals)

    assert worth(scores) == sentence
    assert f'<p class="answer">{sentence}</p>' in render_report(scores)
    assert sentence in model_card(scores)


def test_without_human_text_nobody_knows_whether_training_pays():
    own = SystemResult(name=CLASSIFIER, test_set=SYNTHETIC, metrics=metrics(0.9))

    assert worth(run_scores(results=(own,))) == (
        "Not known whether it is worth training: no human-written text was measured, and on text of its own "
        "generator the classifier reaches a macro-F1 of 0.900."
    )


def test_on_a_scale_training_pays_where_kappa_is_ahead():
    own = SystemResult(name=CLASSIFIER, test_set=REAL, metrics=metrics(0.4, kappa=0.6))
    bag = SystemResult(
        name=TFIDF,
        test_set=REAL,
        metrics=metrics(0.5, kappa=0.45),
        classifier_ahead={"f1_macro": (-0.1, -0.2, -0.05), "kappa": (0.15, 0.1, 0.2)},
    )
    scores = run_scores(results=(own, bag))

    assert worth(scores) == (
        "Worth training: on 1,200 human-written texts the classifier reaches a quadratic kappa of 0.600; the "
        "strongest alternative, TF-IDF + logistic regression, reaches 0.450, 0.150 less (95 % interval of "
        "the lead +0.100 to +0.200)."
    )
    assert '<th class="n">Quadratic kappa</th><th class="n">Lead of' in render_report(scores)
    assert "classifier - rival in quadratic kappa with" in model_card(scores)


def test_rivals_stand_strongest_first_with_speed_size_and_price():
    cost = Cost(texts_per_second=3.14, weights_mb=None, price_per_1000=0.125)
    found = alternatives(
        with_rivals(
            rival(EMBEDDING, (0.3, 0.2, 0.4)), rival("zero-shot by LLM", (0.1, 0.0, 0.2), 0.25, 200, cost)
        )
    )
    page = render_report(
        with_rivals(
            rival(EMBEDDING, (0.3, 0.2, 0.4)), rival("zero-shot by LLM", (0.1, 0.0, 0.2), 0.25, 200, cost)
        )
    )

    assert [one.name for one in found] == [CLASSIFIER, "zero-shot by LLM", EMBEDDING]
    assert (found[1].n_texts, found[1].price_per_1000) == (200, 0.125)
    assert "Price of 1,000" in page
    assert "zero-shot by LLM (200 texts)" in page  # in the table of scores


def test_a_score_on_a_sample_is_never_the_best_of_its_column():
    (table,) = score_tables(
        with_rivals(rival("zero-shot by NLI", (-0.4, -0.5, -0.3), 0.8, 200)), ("f1_macro",)
    )

    assert [(name, cell.value, cell.best) for name, (cell,) in table.rows] == [
        (CLASSIFIER, 0.4, True),
        ("zero-shot by NLI (200 texts)", 0.8, False),
    ]


def test_the_report_states_the_bound_on_the_error_of_texts_that_are_not_unsure():
    kept = SelectiveScores(
        coverage=0.5,
        f1_micro=0.6,
        f1_macro=0.5,
        n_kept=600,
        n_wrong=60,
        error_bound=0.1225,
        bound_confidence=0.95,
    )
    own = SystemResult(name=CLASSIFIER, test_set=REAL, metrics=metrics(0.4), selective=kept)

    assert (
        "60 of these 600 texts have a wrong or a missing label; with 95.0 % confidence the error rate of "
        "such texts is at most 12.2 % (exact binomial bound, Clopper-Pearson)."
    ) in render_report(run_scores(results=(own,)))


def test_the_report_says_what_became_of_texts_on_other_matters():
    found = OutOfScope(
        n_texts=200,
        no_label=90,
        unsure=60,
        labels={"neutral": 50},
        topics=("prime numbers",),
        examples=(HOSTILE,),
    )
    page = render_report(run_scores(out_of_scope=found))

    assert (
        "leaves 90 without a label and marks 60 as unsure: 75% together. The others were given neutral 50."
        in page
    )
    assert "<script>alert" not in page


def test_the_data_section_shows_fidelity_and_disputes():
    profile = DataProfile(
        topic_fidelity=0.62,
        n_topics=48,
        label_fidelity=0.41,
        label_fidelity_human=0.55,
        n_human=700,
        labels=(
            LabelProfile(
                label="positive",
                n_texts=40,
                topic_fidelity=0.7,
                label_fidelity=0.5,
                disputes=(
                    Dispute(one="prompt", other="generator", n_texts=40, share=0.35),
                    Dispute(one="generator", other="judge", n_texts=40, share=0.1),
                ),
                taken_for="neutral",
            ),
            LabelProfile(label="neutral", n_texts=0),
        ),
    )
    rows = dispute_rows(profile)
    review = run_scores().review.model_copy(update={"profile": profile})
    page = render_report(run_scores(review=review))

    assert fidelity(profile) == [
        "62% of the texts lie nearest to the topic that was asked for, of 48 topics.",
        "A judge that learnt from 700 human-labelled texts has the label that was asked for as its first "
        "choice in 41% of the texts; for human texts, out of fold, it has theirs in 55%.",
    ]
    assert [row.shares for row in rows] == [[(0.35, True), (0.1, False)], [(None, False), (None, False)]]
    assert "prompt / generator" in page
    assert page.index("drawn at random, up to eight a label") < page.index("Who disagrees with whom")


def test_bars_keep_their_order_unless_sorted():
    counts = {"b": 1, "a": 1, "c": 4}
    assert bars(counts) == [Bar("b", 1, 0.25), Bar("a", 1, 0.25), Bar("c", 4, 1.0)]
    assert list(largest_first(counts)) == ["c", "a", "b"]


def test_scores_without_the_classifier_are_refused():
    arms = (SystemResult(name=TFIDF, test_set=REAL, metrics=metrics(0.5)),)
    with pytest.raises(
        ValueError, match="results have no classifier on test set 'real'; expected one per test set"
    ):
        run_scores(results=arms)


def test_scores_survive_json():
    assert RunScores.model_validate_json(run_scores().model_dump_json()) == run_scores()


def test_dataset_card_has_a_header_that_the_hub_reads():
    data = DatasetCard(dataset_card(run_scores())).data
    assert data.license == "apache-2.0"
    assert data.size_categories == "1K<n<10K"
    assert data.language == "en"
    assert data.configs[0]["data_files"][2] == {"split": "test", "path": "test.parquet"}


def test_dataset_card_tells_what_was_asked_dropped_and_scrubbed():
    card = dataset_card(run_scores())
    assert "| negative | The writer is displeased, to whatever degree. | 0 | 4 |\n" in card
    assert "23 texts were generated in 2 rounds, 5 of 10 wanted were accepted." in card
    assert "- verify: neighbours disagree (12)\n- clean: too short (3)\n" in card
    assert "- URL (9)\n- PERSON (5)\n" in card
    assert "Nobody wrote these sentences" in card


def test_dataset_card_tells_of_rows_that_people_wrote():
    rows = {"train": 800, "validation": 100, "test": 100, "real train": 200}
    card = dataset_card(run_scores(rows=rows))
    assert "200 rows of `train` were written by people" in card
    assert "Nobody wrote these sentences" not in card


def test_no_text_breaks_out_of_a_card():
    for card in (dataset_card(run_scores(notes=(HOSTILE,))), model_card(run_scores(notes=(HOSTILE,)))):
        lines = card.splitlines()
        assert not [line for line in lines if line.startswith(("# Not a heading", "```"))]
        assert sum(line.startswith("# ") for line in lines) == 1


def test_model_card_has_results_that_the_hub_reads():
    results = ModelCard(model_card(run_scores())).data.eval_results
    assert [(r.dataset_type, r.metric_name, r.metric_value) for r in results] == [
        ("real", "Macro-F1", 0.4),
        ("real", "Micro-F1", 0.41),
        ("synthetic", "Macro-F1", 0.9),
        ("synthetic", "Micro-F1", 0.91),
        ("synthetic", "MAE (levels)", 0.25),
        ("synthetic", "Quadratic kappa", 0.95),
    ]


def test_model_card_shows_baselines_and_thresholds():
    card = model_card(run_scores())
    assert "| TF-IDF + logistic regression | **0.500** | **0.510** |\n" in card
    assert "| neutral | 0.250 | 0.400 | 0.400 | 0.400 | 0.500 | – | 40 |\n" in card
    assert (
        "trained from org/encoder at revision `abc123` on 800 rows of text written by small-writer." in card
    )


def test_numbers_read_as_people_write_them():
    assert [duration(s) for s in (0.42, 9.96, 42.4, 59.6, 185.4)] == [
        "0.4 s",
        "10.0 s",
        "42 s",
        "1 min 00 s",
        "3 min 05 s",
    ]
    assert (score(None), score(0.12345)) == ("–", "0.123")
    assert cell("a|b\nc") == "a\\|b c"


def account(**changes):
    settings = {
        "enabled": True, "categories": ["religion"], "scope": "person", "neutralise_gender": True,
        "person_bias": -0.5, "name_engine": "embedded", "name_model": None, "name_union": True,
    }  # fmt: skip
    rewrite = {"about": "PERSON", "before": "<PERSON> left & ran.", "after": "Person A left & ran."}
    given = {
        "version": "2+abc", "settings": settings, "rows": 9, "rows_changed": 4,
        "totals": {"PERSON": 5, "URL": 1}, "by_label": {"positive": {"PERSON": 5}},
        "by_topic": {"books": {"URL": 1}}, "flags": {"mixed_script": 1}, "examples": [rewrite],
        "leaks": {"rows": 9, "second_pass": {}, "high_recall_pass": {"PERSON": 2}, "high_recall_rows": 2},
        "decisions": {
            "rows": 4, "changed": 1, "gained": {"neutral": 1}, "lost": {"positive": 1},
            "examples": [{**rewrite, "about": "positive → neutral"}],
        },
    }  # fmt: skip
    return ScrubSummary.model_validate({**given, **changes})


def test_the_report_tells_what_scrubbing_did():
    page = render_report(run_scores(scrubbing=account()))
    assert not Tags(page).wrong
    for said in (
        "4 of 9 texts were changed, by scrubber 2+abc.",
        "one letter per person and text; found by the embedded tagger (strictness -0.5)",
        "religion give way to neutral words where they describe a person",
        "&lt;PERSON&gt; left &amp; ran.",
        "decided otherwise on 1 of 4 scrubbed texts (25%)",
        "A second pass over 9 scrubbed texts found nothing.",
        "found something in 2 (person 2): an upper bound. Odd texts: mixed_script 1.",
    ):
        assert said in page


def test_rare_types_share_a_column():
    totals = {f"T{i}": 10 - i for i in range(10)}
    headings, rows = count_table({"joy": {"T0": 3, "T8": 1, "T9": 2}}, totals)
    assert headings == ["T0", "T1", "T2", "T3", "T4", "T5", "T6", "others"]
    assert rows == [("joy", [3, 0, 0, 0, 0, 0, 0, 3])]


def test_no_figure_is_cut_in_a_narrow_terminal():
    scores = run_scores()
    long = scores.results[0].model_copy(update={"name": "embeddings + logistic regression, calibrated"})
    console = Console(width=70, file=StringIO())
    console.print(results_table("A run", scores.model_copy(update={"results": (long, *scores.results)})))
    printed = console.file.getvalue()

    assert "…" not in printed
    assert printed.count(f"{long.metrics.f1_macro:.3f}") >= 2
    assert max(map(len, printed.splitlines())) <= 70
