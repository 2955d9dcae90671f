"""`sentimill data PATH`: what was understood of a human data set, and a taxonomy from its labels."""

import re
from pathlib import Path

from rich.console import Console

from tasks.cli.options import DataOptions
from tasks.config import RealConfig
from tasks.data.reading import describe, propose_taxonomy
from tasks.taxonomy import load_taxonomy


def describe_data(options: DataOptions) -> None:
    """Print what was understood; write a taxonomy if one is asked for.

    Raises:
        ValueError: The data cannot be read, or a file is at the place of the proposed taxonomy.
        FileNotFoundError: There is nothing at the path.
    """
    if options.propose_taxonomy:
        _require_new(options.propose_taxonomy)
    taxonomy = load_taxonomy(options.taxonomy) if options.taxonomy else None
    real = RealConfig.model_validate(options.model_dump(include=set(RealConfig.model_fields)))
    try:
        told = describe(real, taxonomy)
        proposed = propose_taxonomy(told.data) if options.propose_taxonomy else ""
    except (ValueError, FileNotFoundError) as error:  # here the options of the reader have no section
        said = re.sub(r"--real\.(?=\w)", "--", str(error))
        raise type(error)(re.sub(r"( given)? as --real\b", "", said)) from None
    lines = told.lines()
    if options.propose_taxonomy:
        options.propose_taxonomy.write_text(proposed, encoding="utf-8")
        lines.append(f"written     {options.propose_taxonomy}")
    Console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _require_new(path: Path) -> None:
    if path.exists():
        raise ValueError(
            f"{path} is there already; expected a new file, since meanings may be filled in. Give another "
            "name as --propose-taxonomy."
        )
