"""Hashes of what a configuration names outside of it."""

from pathlib import Path

from tasks.config import GeneratorConfig
from tasks.data.real_datasets import HUB_GOEMOTIONS
from tasks.models.bundled import EMBEDDED, embedded_folder
from tasks.storage.hashing import folder_sha256, sha256_of


def real_sha256(source: str) -> str:
    """Hash over the files of a real data set; over its name where it lies on the hub."""
    if source in HUB_GOEMOTIONS:
        return sha256_of(source.encode())
    return folder_sha256(Path(source).expanduser())


def generator_sha256(config: GeneratorConfig) -> str:
    """What the texts of a generator hang on: its weights where they are at hand, else nothing."""
    if config.model == "embedded":
        return folder_sha256(embedded_folder(EMBEDDED))[:16]
    folder = Path(str(config.model)).expanduser()
    return folder_sha256(folder)[:16] if folder.is_dir() else ""
