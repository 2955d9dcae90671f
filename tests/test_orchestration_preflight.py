"""Options of the generator that do not fit together are told before anything is loaded."""

import re

import pytest

from tasks.config import RunConfig
from tasks.orchestration.preflight import check


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"taxonomy": "polarity3"},
            "plan.negatives is 5 and taxonomy polarity3 is a scale; expected 0, because every text has a "
            "place on a scale. Leave it out.",
        ),
        (
            {"taxonomy": "ekman", "real": "data", "mixing": {"real_fraction": 1}},
            "plan.negatives is 5 and mixing.real_fraction is 1; expected a fraction below 1, because the "
            "generator writes these texts. Leave one of them out.",
        ),
    ],
)
def test_negatives_are_refused_where_they_cannot_be(change, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check(RunConfig.model_validate({"plan": {"negatives": 5}, **change}))


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        (
            {"template": "{{ mood }}", "prompt_form": "plain"},
            "generator.template uses mood; expected no names but exemplars, labels, length, scenario, style, "
            "topic. Correct the template.",
        ),
        (
            {"system_prompt": "Be brief.", "prompt_form": "plain"},
            "generator.system_prompt is set and prompt_form is plain; expected chat, the only form with a "
            "system prompt. Leave it out, or take an instruct model with prompt form chat.",
        ),
    ],
)
def test_knobs_that_do_not_fit_the_prompt_form_are_refused(generator, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check(RunConfig.model_validate({"taxonomy": "polarity3", "generator": generator}))
