"""Options of the generator that do not fit together are told before anything is loaded."""

import re

import pytest

from tasks.config import RunConfig
from tasks.orchestration.preflight import check


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
