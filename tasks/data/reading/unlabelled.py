"""Texts that nobody has labelled, from any table."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from tasks.config.real import RealConfig, TextsConfig
from tasks.data.reading.columns import text_column
from tasks.data.reading.source import tables_of
from tasks.data.reading.table import place_in, require_short


def read_texts(config: TextsConfig) -> list[str]:
    """Texts of all splits in the order of the files, each once; empty ones are left out.

    Args:
        config: Where they are, and which column holds them.

    Raises:
        FileNotFoundError: There is nothing at the path.
        ValueError: The data cannot be read, no column holds texts, or none is left.
    """
    config = RealConfig.model_validate(config.model_dump(include={*TextsConfig.model_fields}))
    with TemporaryDirectory(prefix="sentimill-") as scratch:
        tables = [table for _, table in tables_of(config, Path(scratch))]
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    name = tables[0].name if len(tables) == 1 else config.path
    column, _ = text_column(frame, config, name)
    found: dict[str, None] = {}
    for table in tables:
        cells = table.frame.get(column, pd.Series(dtype=object))
        texts = [cell.strip() if isinstance(cell, str) else "" for cell in cells]
        require_short(texts, place_in(table.name))
        found |= dict.fromkeys(text for text in texts if text)
    if not found:
        raise ValueError(f"{name} holds no text in column {column!r}; expected some. Check the file.")
    return list(found)
