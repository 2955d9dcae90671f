"""The report of a run: one HTML page that needs no network and runs no script."""

import base64
import hashlib
import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tasks.data.scores import TITLES, RunScores
from tasks.data.scrub_scores import ScrubSummary
from tasks.pipeline.reporting import data_review, error_plots, views
from tasks.pipeline.reporting.formatting import FILTERS
from tasks.pipeline.reporting.scrubbing_section import count_table, moved_labels, settings_in_words
from tasks.pipeline.reporting.sections import data_section
from tasks.pipeline.reporting.sections.worth import alternatives, worth


def render_report(scores: RunScores) -> str:
    """Draw the page. All text is escaped, and the page's own policy allows its one style sheet alone."""
    made = environment()
    style = made.get_template("report.css.j2").render(n_shades=views.N_SHADES)
    return made.get_template("report.html.j2").render(
        s=scores, style=Markup(style), style_hash=csp_hash(style), **_shown(scores)
    )


def _shown(scores: RunScores) -> dict[str, Any]:
    return {
        "acceptance": scores.n_accepted / scores.n_sampled if scores.n_sampled else None,
        "verdicts": views.verdicts(scores),
        "main_tables": views.score_tables(scores, views.MAIN),
        "all_tables": views.score_tables(scores),
        "splits": ", ".join(f"{n:,} {part}" for part, n in scores.rows.items()),
        "label_fills": views.label_fills(scores),
        "topic_tables": views.topic_tables(scores),
        "dense": scores.taxonomy.n_labels > views.MAX_ROOMY,
        "rejects": views.bars(views.largest_first(scores.rejects)),
        "summary": data_review.summary(scores),
        "issues": data_review.issues(scores),
        "measured": data_review.measured(scores),
        "short_cells": [data_review.why_short(cell) for cell in data_review.short_cells(scores.plan)],
        "ended": data_review.ENDED[scores.plan.ended],
        "n_rejected": sum(scores.rejects.values()),
        "label_rows": [(name, views.label_rows(scores, name)) for name in scores.test_sets],
        "confusions": views.confusions(scores),
        "fairness_verdict": views.fairness_verdict(scores),
        "calibration": error_plots.calibration_dots(scores.error_analysis) if scores.error_analysis else [],
        "curves": error_plots.curve_points(scores.error_analysis) if scores.error_analysis else [],
        "worth": worth(scores),
        "headline": TITLES[scores.headline],
        "alternatives": alternatives(scores),
        "has_price": any(a.price_per_1000 is not None for a in alternatives(scores)),
        **_data(scores),
        "votes": views.largest_first(scores.votes),
        "scrubbed": views.bars(views.largest_first(scores.scrubbed)),
        **_scrubbing(scores.scrubbing),
        "timings": views.bars(scores.timings),
        "environment": [*scores.machine.items(), *scores.versions.items()],
        "config": json.dumps(scores.config, indent=2, ensure_ascii=False),
    }


def _data(scores: RunScores) -> dict[str, Any]:
    profile = scores.review.profile if scores.review else None
    return {
        "samples": data_section.texts_by_label(scores),
        "fidelity": data_section.fidelity(profile) if profile else [],
        "dispute_pairs": data_section.pairs(profile) if profile else [],
        "disputes": data_section.dispute_rows(profile) if profile else [],
    }


def _scrubbing(account: ScrubSummary | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {
        "scrub_settings": settings_in_words(account.settings),
        "moved_labels": moved_labels(account.decisions),
        "label_counts": count_table(account.by_label, account.totals),
        "topic_counts": count_table(account.by_topic, account.totals),
    }


def environment() -> Environment:
    """Templates of pages, with the filters for numbers; all text is escaped."""
    made = Environment(
        loader=PackageLoader("tasks.pipeline.reporting"), autoescape=True, undefined=StrictUndefined
    )
    made.filters |= FILTERS
    return made


def csp_hash(style: str) -> str:
    """Hash that lets one inline style sheet through (CSP Level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
