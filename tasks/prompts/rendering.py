"""From labels, topic and style to a prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tasks.config import PromptForm
from tasks.taxonomy import Label, Style

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    autoescape=False,  # prompts are text for a model, not HTML
)
OWN_TEMPLATES = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
"""For templates from outside: they see nothing but what they are handed."""
LENGTHS = ("short", "medium", "long")
VARIABLES = {"labels", "topic", "scenario", "style", "length", "exemplars"}
"""What a template may use."""


@dataclass(frozen=True)
class Manner:
    """Everything that a prompt says beside the labels."""

    topic: str
    scenario: str
    style: Style
    length: str
    exemplars: tuple[str, ...] = ()


def render(
    form: PromptForm,
    labels: Sequence[Label],
    manner: Manner,
    template: str | None = None,
) -> str:
    """Prompt for a label set; without labels the same request with its labels left open.

    Args:
        form: Completion or chat.
        labels: What the text shall carry.
        manner: What else is wanted; an empty part is left out of a chat prompt.
        template: Text of a template in place of the one that ships for the form.
    """
    prompt = _template(form, template).render(
        labels=labels,
        topic=manner.topic,
        scenario=manner.scenario,
        style=manner.style,
        length=manner.length,
        exemplars=manner.exemplars,
    )
    return prompt.strip()


def length_word(n_words: int) -> str:
    """`short` up to 9 words, `medium` up to 19, else `long`: as the embedded generator learnt it."""
    return LENGTHS[(n_words > 9) + (n_words > 19)]


@cache
def _template(form: PromptForm, own: str | None) -> Template:
    return OWN_TEMPLATES.from_string(own) if own else TEMPLATES.get_template(f"{form.value}.j2")


def check_template(template: str, form: PromptForm) -> None:
    """Refuse a template that cannot be filled in: one with a fault, or with names that no prompt has.

    Raises:
        ValueError: With what Jinja says.
    """
    label = Label(name="joy", meaning="The writer is glad.")
    style = Style(name="review", description="a short review")
    manner = Manner("films", "A film seen at home.", style, "short", ("What a film!",))
    try:
        unknown = meta.find_undeclared_variables(OWN_TEMPLATES.parse(template)) - VARIABLES
        found = f"uses {', '.join(sorted(unknown))}" if unknown else ""
        for labels in ((label,), ()) if not unknown else ():
            render(form, labels, manner, template)
    except TemplateError as error:
        found = f"cannot be filled in: {error}"
    if found:
        raise ValueError(
            f"generator.template {found}; expected no names but {', '.join(sorted(VARIABLES))}. "
            "Correct the template."
        )
