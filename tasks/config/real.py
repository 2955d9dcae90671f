"""How human-written data is read: where it lies, and what its columns mean where that cannot be guessed."""

from typing import Any, Literal

from pydantic import Field, model_validator

from tasks.config.base import Config


class TextsConfig(Config, title="Unlabelled texts"):
    """Human-written text that nobody has labelled."""

    path: str = Field(min_length=1, title="File, folder or hub name")
    """CSV, TSV, JSON lines, JSON, Parquet or XLSX file, a folder with one file per split, or the name of a
    data set on the Hugging Face Hub (`owner/name`, or `owner/name:configuration`)."""
    text: str | None = Field(None, min_length=1, title="Text column")
    """Column that holds the text; empty means that it is guessed."""
    sheet: str | None = Field(None, min_length=1, title="Sheet")
    """Sheet of a spreadsheet; empty means the first."""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        """A string alone is the path."""
        return {"path": value} if isinstance(value, str) else value


class RealConfig(TextsConfig, title="Real data"):
    """Human-written, human-labelled text, to measure on and to learn from."""

    labels: tuple[str, ...] = Field((), title="Label columns")
    """Column that holds the labels, or several columns of 0 and 1, one per label; empty means guessed."""
    separator: str | None = Field(None, title="Label separator")
    """What stands between the labels of one cell, such as `,`; empty means that it is guessed."""
    split: str | None = Field(None, min_length=1, title="Split")
    """Column that says which split a row is of, or the split to measure on; empty means guessed."""
    unmapped: Literal["error", "drop"] = Field("error", title="Labels that the taxonomy lacks")
    """`error` stops the run where the data has labels that the taxonomy does not know, `drop` leaves those
    labels out and counts them."""


def or_path(schema: dict[str, Any]) -> None:
    """Let forms and deployments give the path alone, as a string."""
    schema["anyOf"].insert(0, {"title": "Path", "type": "string", "minLength": 1})
