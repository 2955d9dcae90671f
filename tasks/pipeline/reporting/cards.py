"""Dataset card and model card in the form of the Hugging Face Hub: YAML header, then Markdown."""

import json

from huggingface_hub import DatasetCardData, EvalResult, ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined

from tasks.data.scores import CLASSIFIER, TITLES, RunScores
from tasks.pipeline.reporting import views
from tasks.pipeline.reporting.formatting import FILTERS
from tasks.pipeline.reporting.sections.worth import alternatives, worth

# Metric of a hub model card, its pretty name there, attribute of Metrics.
HUB_METRICS = (
    ("f1", "Macro-F1", "f1_macro"),
    ("f1", "Micro-F1", "f1_micro"),
    ("mae", "MAE (levels)", "mae"),
    ("cohen_kappa", "Quadratic kappa", "kappa"),
)
# https://huggingface.co/docs/hub/datasets-cards: upper bounds of the size categories.
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
N_SAMPLES = 8


def dataset_card(scores: RunScores) -> str:
    """Write the README of the data set; the first samples stand in it."""
    n_rows = sum(n for part, n in scores.rows.items() if part in ("train", "validation", "test"))
    samples = [_one_line(sample.model_dump(mode="json")) for sample in scores.samples[:N_SAMPLES]]
    return _render(
        "dataset_card.md.j2",
        scores,
        header=_dataset_header(scores, n_rows),
        n_rows=n_rows,
        per_label=scores.plan.per_label(scores.taxonomy),
        rejects=views.largest_first(scores.rejects),
        scrubbed=views.largest_first(scores.scrubbed),
        samples=samples,
    )


def model_card(scores: RunScores) -> str:
    """Write the README of the classifier, its scores beside those of the baselines."""
    return _render(
        "model_card.md.j2",
        scores,
        header=_model_header(scores),
        verdicts=views.verdicts(scores),
        fairness_verdict=views.fairness_verdict(scores),
        tables=views.score_tables(scores, views.MAIN),
        worth=worth(scores),
        headline=TITLES[scores.headline],
        alternatives=alternatives(scores),
        label_rows=[(name, views.label_rows(scores, name)) for name in scores.test_sets],
        environment=[*scores.machine.items(), *scores.versions.items()],
        has_ordinal_head=scores.config.get("training", {}).get("ordinal", False),
    )


def _dataset_header(scores: RunScores, n_rows: int) -> str:
    parts = ("train", "validation", "test")
    return DatasetCardData(
        pretty_name=scores.run,
        license=scores.generator.licence,
        language=_language(scores),
        task_categories=["text-classification"],
        task_ids=["multi-label-classification", "sentiment-classification"],
        annotations_creators=["machine-generated"],
        language_creators=["machine-generated"],
        size_categories=next((name for bound, name in SIZES if n_rows < bound), "n>1M"),
        tags=["synthetic", "sentimill"],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": part, "path": f"{part}.parquet"} for part in parts],
            }
        ],
    ).to_yaml()


def _model_header(scores: RunScores) -> str:
    return ModelCardData(
        model_name=scores.run,
        license=scores.base.licence,
        language=_language(scores),
        base_model=scores.base.name,
        pipeline_tag="text-classification",
        tags=["sentimill", "multi-label-classification", "synthetic-data"],
        metrics=["f1", "mae", "cohen_kappa"] if scores.taxonomy.ordinal else ["f1"],
        eval_results=[
            EvalResult(
                task_type="text-classification",
                dataset_type=test_set,
                dataset_name=f"{test_set} ({scores.taxonomy.name})",
                metric_type=kind,
                metric_name=name,
                metric_value=round(value, 4),
            )
            for test_set in scores.test_sets
            for kind, name, attribute in HUB_METRICS
            if (value := getattr(scores.metrics(CLASSIFIER, test_set), attribute)) is not None
        ],
    ).to_yaml()


def _language(scores: RunScores) -> str | None:
    language: str | None = scores.config.get("cleaning", {}).get("language")
    return language


def _render(template: str, scores: RunScores, **shown: object) -> str:
    n_real = scores.rows.get("real train", 0)
    # Markdown, not HTML: nothing is escaped, the filters `line` and `cell` keep foreign text in its place.
    environment = Environment(
        loader=PackageLoader("tasks.pipeline.reporting"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= FILTERS
    return environment.get_template(template).render(s=scores, n_real=n_real, **shown)


def _one_line(value: object) -> str:
    """JSON on one line: in an indented block no text can break out of it."""
    return json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
