"""Hashes of what a configuration names outside of it."""

import hashlib
from pathlib import Path

from tasks.config import GeneratorConfig
from tasks.data.real_datasets import HUB_GOEMOTIONS
from tasks.models.bundled import EMBEDDED, embedded_folder


def real_sha256(source: str) -> str:
    """Hash over the files of a real data set; over its name where it lies on the hub."""
    if source in HUB_GOEMOTIONS:
        return hashlib.sha256(source.encode()).hexdigest()
    return _files_sha256(Path(source).expanduser())


def generator_sha256(config: GeneratorConfig) -> str:
    """What the texts of a generator hang on: its weights where they are at hand, else nothing."""
    if config.model == "embedded":
        return _files_sha256(embedded_folder(EMBEDDED))[:16]
    folder = Path(str(config.model)).expanduser()
    return _files_sha256(folder)[:16] if folder.is_dir() else ""


def _files_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
