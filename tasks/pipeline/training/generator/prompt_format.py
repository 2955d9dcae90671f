"""From an annotated text to the prompt that asks for it."""

from collections.abc import Sequence

from tasks.config import PromptForm
from tasks.pipeline.training.generator.corpus import Wish
from tasks.prompts.control_prompts import control_prompt
from tasks.prompts.rendering import TEMPLATES
from tasks.taxonomy import load_taxonomy


def wish_of(form: PromptForm) -> Wish:
    """How labels, topic, style and length become a prompt in a form."""
    if form is PromptForm.control:
        return control_prompt
    meanings = {
        label.name: label for name in ("goemotions", "sentiment7") for label in load_taxonomy(name).labels
    }
    template = TEMPLATES.get_template(f"{form.value}.j2")

    def wish(labels: Sequence[str], topic: str = "", style: str = "", length: str = "") -> str:
        return template.render(
            labels=[meanings[name] for name in labels],
            topic=topic or "anything",
            scenario="",
            style={"name": style or "text", "description": ""},
            length=length,
        )

    return wish
