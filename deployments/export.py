"""`sentimill export`: the model of a run in the form of another runtime."""

import sys
import tempfile
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from deployments.api.loading import labelled_rows
from deployments.api.settings import ApiSettings
from deployments.api.sources import Source, fetched, find
from tasks.cli.options import ExportOptions
from tasks.pipeline.exporting.manifest import MANIFEST, Export, require_packages


def export(options: ExportOptions) -> None:
    """Write an export, and say how it compares with the evaluated model.

    Raises:
        FileNotFoundError: There is no champion yet.
        ValueError: No such run, a damaged model or one of another version, a missing package, or a
            folder that holds something else.
    """
    require_packages(options.format)
    source = find(ApiSettings(model=options.model, taxonomy=options.taxonomy))
    if options.out:
        _require_free(options.out.expanduser())
    with fetched(source) as (model, sha256):
        written, place = _write(options, source, model, sha256)
    sys.stdout.write("\n".join(_summary(written, place)) + "\n")


def _write(options: ExportOptions, source: Source, model: Path, sha256: str) -> tuple[Export, str]:
    # Imported here: torch takes seconds, and what is wrong should be said before.
    from tasks.stages.exporting import export_classifier

    rows = {part: labelled_rows(source, part) for part in ("validation", "test")}
    fs, place = fsspec.core.url_to_fs(source.place)
    home = f"{place}/model/{options.format}" if source.is_run else f"{place}/{options.format}"
    with tempfile.TemporaryDirectory(prefix="sentimill-") as scratch:
        is_local = isinstance(fs, LocalFileSystem)
        folder = options.out.expanduser() if options.out else Path(home if is_local else f"{scratch}/made")
        written = export_classifier(
            model,
            sha256,
            options.format,
            folder,
            run=source.run,
            validation=rows["validation"],
            held_out=rows["test"],
        )
        if not options.out and not is_local:
            if fs.exists(home):
                fs.rm(home, recursive=True)
            fs.put(str(folder), home, recursive=True)
    return written, str(options.out or home)


def _require_free(folder: Path) -> None:
    """Refuse to replace anything but an earlier export."""
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise ValueError(
            f"--out is {folder}, which is there and holds no {MANIFEST}; expected a new folder or an earlier "
            "export. Name another."
        )


def _summary(export: Export, place: str) -> list[str]:
    lines = [f"{export.format} in {place}; README.md there shows how to load it"]
    for name, variant in export.variants.items():
        found = variant.parity
        said = (
            f"decides {found.alike:.2%} of {found.rows:,} held-out rows as the evaluated model; macro-F1 "
            f"{found.f1_exported:.4f} ({found.f1_evaluated:.4f}); {variant.ms_per_text} ms per text"
            if found
            else "was not compared: the model has no held-out rows beside it"
        )
        lines.append(f"  {name}{' (chosen)' if name == export.chosen else ''}: {said}")
    return [*lines, *(f"  {name} is not offered: {reason}" for name, reason in export.refused.items())]
