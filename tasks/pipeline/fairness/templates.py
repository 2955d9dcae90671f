"""The sentences of the audit and of its corrections, read from YAML."""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.config.yaml_loader import read_yaml

FOLDER = Path(__file__).parent
FILES = (FOLDER / "templates.yaml", FOLDER / "corrections.yaml")

Words = tuple[str, ...]


class Section(BaseModel):
    """Base of what stands in the files: values cannot change, unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Countries(Section):
    """Countries and the sentences that they are put into."""

    names: Words
    carriers: Words


class Templates(Section):
    """What the audit is made from; see templates.yaml."""

    nouns: Words
    axes: dict[str, dict[str, Words]]
    family: dict[str, Words]
    names: dict[str, dict[str, Words]]
    carriers: dict[str, Words]
    countries: Countries
    mentions: dict[str, dict[str, Words]]


class Frames(Section):
    """Sentences with room for a person or a country."""

    persons: Words
    countries: Words


class Corrections(Section):
    """What corrections are made from; see corrections.yaml."""

    nouns: Words
    frames: Frames
    bare: Frames
    names: dict[str, dict[str, Words]]
    countries: Words


@cache
def load_templates() -> Templates:
    """Read the sentences of the audit."""
    return read_yaml(FILES[0], Templates)


@cache
def load_corrections() -> Corrections:
    """Read the sentences of the corrections."""
    return read_yaml(FILES[1], Corrections)


def fill(sentence: str, person: str, noun: str) -> str:
    """Put a person, `subject` or `subject/object`, into a sentence with {S} or {O}; large first letter."""
    subject, _, object_ = person.replace("{noun}", noun).partition("/")
    text = sentence.replace("{S}", subject).replace("{O}", object_ or subject)
    return text[:1].upper() + text[1:]
