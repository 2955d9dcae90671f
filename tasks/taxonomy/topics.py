"""What texts are about, and in which style."""

from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from tasks.config.yaml_loader import read_yaml
from tasks.taxonomy.labels import (
    OUT_OF_SCOPE_FILE,
    TOPICS_FILE,
    Entry,
    Name,
    Named,
    Sentence,
    _check_names,
    _check_unique,
)


class _Plain(Entry):
    """An entry whose name alone will do: `- hotels` is read as `- name: hotels`."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Topic(_Plain):
    """Something to write about; each text takes one of the scenarios, if there are any."""

    name: Name
    domain: Name = "own"
    scenarios: tuple[Sentence, ...] = ()


class Style(_Plain):
    """A manner of writing."""

    name: Name
    description: str = ""
    """What such a text is like; for models that read long prompts."""


class Topics(Entry):
    """What texts are about and how they are written."""

    topics: tuple[Topic, ...] = Field(min_length=1)
    styles: tuple[Style, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Topic names in order."""
        return tuple(topic.name for topic in self.topics)

    @cached_property
    def by_name(self) -> dict[str, Topic]:
        """Topic of each name."""
        return {topic.name: topic for topic in self.topics}

    def select(self, topics: list[str] | None = None, styles: list[str] | None = None) -> "Topics":
        """Keep the named topics and styles, in the order of the names; None keeps all.

        Raises:
            ValueError: A list is empty, or has names that are unknown or stand twice.
        """
        return Topics(
            topics=_select("topic", topics, {topic.name: topic for topic in self.topics}),
            styles=_select("style", styles, {style.name: style for style in self.styles}),
        )

    @model_validator(mode="after")
    def _unique(self) -> Self:
        _check_unique("topic", self.names)
        _check_unique("style", [style.name for style in self.styles])
        return self


def load_topics(path: Path | None = None) -> Topics:
    """Load topics and styles from a YAML file; None means those that ship with Sentimill.

    A file of your own may leave out `styles` and then gets those that ship with Sentimill.
    """
    if path is None:
        return read_yaml(TOPICS_FILE, Topics)
    own = read_yaml(path, Topics)
    return own if own.styles else own.model_copy(update={"styles": load_topics().styles})


def load_out_of_scope() -> Topics:
    """Topics and styles of texts that carry no label: matters of fact."""
    return read_yaml(OUT_OF_SCOPE_FILE, Topics)


def _select(kind: str, names: list[str] | None, known: dict[str, Named]) -> tuple[Named, ...]:
    if names is None:
        return tuple(known.values())
    if not names:
        raise ValueError(
            f"list of {kind}s is empty; expected at least one {kind}. Name some, or leave it out."
        )
    _check_unique(kind, names)
    _check_names(kind, names, tuple(known), f"the {kind}s at hand")
    return tuple(known[name] for name in names)
