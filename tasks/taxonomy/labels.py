"""What a run is about: the labels (taxonomy), and the topics and styles that texts are written in."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tasks.config.yaml_loader import MAX_OFFENDERS, read_yaml

FOLDER = Path(__file__).parent / "builtin"
TOPICS_FILE = Path(__file__).parent / "builtin_topics.yaml"
OUT_OF_SCOPE_FILE = Path(__file__).parent / "out_of_scope_topics.yaml"


def _plain_name(name: str) -> str:
    """Refuse `|` and `+`, which join names in files and cell keys, and line breaks."""
    if set(name) & set("|+\n"):
        raise ValueError(f"name is {name!r}; expected one without |, + and line breaks. Write it in words.")
    return name


def _folder_name(name: str) -> str:
    """Refuse a name that a run's folder cannot carry."""
    if not re.fullmatch(r"\w[\w .-]*", name):
        raise ValueError(
            f"taxonomy name is {name!r}; expected letters, digits, blanks, dots, dashes and underscores, a "
            "letter or digit first, because folders of runs begin with it. Rename it."
        )
    return name


def file_stem(label: str) -> str:
    """A label as the beginning of a file name: what is no letter, digit, dot or dash is an underscore."""
    return re.sub(r"[^\w.-]", "_", label)


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(_plain_name),
]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Named = TypeVar("Named")


class Entry(BaseModel):
    """Base of what stands in a YAML file: values cannot change, unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(Entry):
    """One label: a name and, in a sentence, what it means."""

    name: Name
    meaning: Sentence
    """What a text with this label says or shows; the generator reads it."""
    signals: Sentence | None = None
    """What a text that carries the label shows, where the meaning alone does not say it."""
    examples: tuple[Sentence, ...] = ()
    """A few real texts that carry the label; shown in prompts where `generator.exemplars` is above 0."""
    aliases: tuple[Sentence, ...] = ()
    """Its names in human-written data, such as `angry` or `1 star`."""
    share: float | None = Field(None, gt=0.0, lt=1.0)
    """Share of the texts out there that carry the label, where it is known. Texts are made in equal numbers;
    thresholds are chosen for these shares."""

    @property
    def asked(self) -> str:
        """The label as a prompt names it: `name: meaning signals`, less what is not given."""
        meaning = "" if self.meaning == self.name else self.meaning  # tuning asks by one of them alone, too
        said = " ".join(part for part in (meaning, self.signals) if part)
        return f"{self.name}: {said}" if said else self.name


class Taxonomy(Entry):
    """Labels in their fixed order: label `i` is output `i` of the classifier."""

    name: Annotated[Name, AfterValidator(_folder_name)]
    ordinal: bool = False
    """The labels are a scale, given from one end to the other."""
    two_sided: bool = False
    """The ends of the scale are opposites, as praise and blame are, so that a text may hold both."""
    labels: tuple[Label, ...]
    pairs: Literal["adjacent"] | tuple[tuple[Name, Name], ...] = ()
    """Two-label sets that texts may carry; `adjacent` means neighbours on the scale."""
    alone: tuple[Name, ...] = ()
    """Labels that stand in no set with others, whatever real text shows."""

    @property
    def names(self) -> tuple[str, ...]:
        """Label names in order."""
        return tuple(label.name for label in self.labels)

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return len(self.labels)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each label, from 0."""
        return {name: i for i, name in enumerate(self.names)}

    @property
    def shares(self) -> tuple[float, ...] | None:
        """Share of every label out there; None where the taxonomy does not say."""
        shares = tuple(label.share for label in self.labels if label.share is not None)
        return shares or None

    def allowed_pairs(self) -> list[tuple[str, str]]:
        """Two-label sets that texts may carry; both the pairs and the labels in them in label order."""
        if self.pairs == "adjacent":
            return list(pairwise(self.names))
        by_place = [tuple(sorted(self.index[name] for name in pair)) for pair in self.pairs]
        return [(self.names[first], self.names[second]) for first, second in sorted(by_place)]

    def level_of(self, labels: Sequence[str]) -> int | None:
        """Place of a text on the scale, 1 .. n_labels in label order.

        None for taxonomies without an order, and for texts with more than one label: between two
        levels there is no level, and a mixed text has none at all.
        """
        if not self.ordinal or len(labels) != 1:
            return None
        self.check(labels)
        return self.index[labels[0]] + 1

    def targets_of(self, labels: Sequence[str]) -> list[float]:
        """Multi-hot vector of length n_labels; raises ValueError on an unknown label."""
        self.check(labels)
        return [float(name in labels) for name in self.names]

    def check(self, labels: Sequence[str]) -> None:
        """Refuse labels that the taxonomy does not have."""
        _check_names("label", labels, self.names, f"taxonomy {self.name}")

    def require_meanings(self) -> None:
        """Refuse meanings of one word, from which no generator can write.

        Raises:
            ValueError: Names all labels with one.
        """
        # Scripts beyond Latin may write a sentence without a blank.
        short = [f"{label.name}: {label.meaning}" for label in self.labels if _is_word(label.meaning)]
        if short:
            raise ValueError(
                f"the meaning of {_quoted(short)} in taxonomy {self.name} is one word; expected a sentence "
                "that says what a text with the label says or shows. Write it out."
            )

    @model_validator(mode="before")
    @classmethod
    def _some_meanings(cls, value: Any) -> Any:
        labels = value.get("labels") if isinstance(value, dict) else None
        if isinstance(labels, list) and labels and not any(_has_meaning(label) for label in labels):
            names = [str(label.get("name") if isinstance(label, dict) else label) for label in labels]
            raise ValueError(
                f"no label has a meaning ({_some(names)}); expected a name and a sentence for each, such as "
                "{name: refund, meaning: The customer asks for money back.}. Add them."
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.n_labels < 2:
            raise ValueError(
                f"taxonomy {self.name} has {self.n_labels} label{'' if self.n_labels == 1 else 's'}; "
                "expected at least two. Add labels."
            )
        _check_unique("label", self.names)
        _check_file_names(self.names)
        self.check(self.alone)
        unsaid = [label.name for label in self.labels if label.share is None]
        if 0 < len(unsaid) < self.n_labels:
            raise ValueError(
                f"labels {_quoted(unsaid)} of taxonomy {self.name} have no share but others do; "
                "expected it for all or for none. Add or remove it."
            )
        if self.pairs == "adjacent" and not self.ordinal:
            raise ValueError(
                f"pairs of taxonomy {self.name} is 'adjacent' but ordinal is false; "
                "expected ordinal: true, or a list of pairs. Change one of them."
            )
        if self.two_sided and not self.ordinal:
            raise ValueError(
                f"taxonomy {self.name} is two_sided but ordinal is false; expected a scale. Add ordinal: "
                "true, or remove two_sided."
            )
        if self.pairs != "adjacent":
            _check_pairs(self.pairs, self)
        return self


def load_taxonomy(name_or_path: str | Path) -> Taxonomy:
    """Load a taxonomy that ships with Sentimill by its name, or your own by the path of its YAML file.

    Raises:
        FileNotFoundError: The path does not exist.
        ValueError: The name is unknown, or the file does not hold a taxonomy.
    """
    text = str(name_or_path)
    if text.endswith((".yaml", ".yml")) or "/" in text or "\\" in text:
        return read_yaml(Path(text), Taxonomy)
    bundled = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    if text not in bundled:
        raise ValueError(
            f"taxonomy is {text!r}; expected {', '.join(bundled)}, or the path of a YAML file."
            f"{_hint(text, bundled)} Check the name."
        )
    return read_yaml(FOLDER / f"{text}.yaml", Taxonomy)


def _check_names(kind: str, names: Sequence[str], known: Sequence[str], where: str) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"{kind} is {_quoted(unknown)}; expected one of {where}: {_some(known, 30)}."
            f"{_hint(unknown[0], known)} Check the spelling."
        )


def _check_unique(kind: str, names: Sequence[str]) -> None:
    double = [name for name, n in Counter(names).items() if n > 1]
    if double:
        raise ValueError(
            f"{kind} {_quoted(double)} stands more than once; expected each once. Remove the copies."
        )


def _check_file_names(labels: Sequence[str]) -> None:
    """Refuse labels whose texts would go into one file; some file systems do not tell case apart."""
    owners: dict[str, str] = {}
    for label in labels:
        owner = owners.setdefault(file_stem(label).casefold(), label)
        if owner != label:
            raise ValueError(
                f"labels {owner!r} and {label!r} differ only in case or signs, and the file "
                f"{file_stem(label)}_data.txt can hold the texts of one; expected names that differ in "
                "letters or digits. Rename one of them."
            )


def _check_pairs(pairs: Sequence[tuple[str, str]], taxonomy: Taxonomy) -> None:
    for pair in pairs:
        taxonomy.check(pair)
        if pair[0] == pair[1]:
            raise ValueError(f"pair is {' + '.join(pair)}; expected two different labels. Remove it.")
    _check_unique("pair", [" + ".join(sorted(pair)) for pair in pairs])


def _has_meaning(label: Any) -> bool:
    return isinstance(label, Label) or (isinstance(label, dict) and "meaning" in label)


def _is_word(meaning: str) -> bool:
    return len(meaning.split()) == 1 and max(meaning) < "ɐ"


def _quoted(names: Sequence[str]) -> str:
    return _some([repr(name) for name in names])


def _some(names: Sequence[str], n_shown: int = MAX_OFFENDERS) -> str:
    more = f" and {len(names) - n_shown} more" if len(names) > n_shown else ""
    return ", ".join(names[:n_shown]) + more


def _hint(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=3)
    return f" Did you mean {' or '.join(close)}?" if close else ""
