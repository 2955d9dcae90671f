"""Hashes of what a configuration names outside of it."""

from pathlib import Path

from tasks.config import GeneratorConfig
from tasks.config.real import RealConfig
from tasks.data.reading.folders import names_beside
from tasks.data.reading.source import local_path
from tasks.models.bundled import EMBEDDED, embedded_folder
from tasks.storage.hashing import folder_sha256, sha256_of


def real_sha256(source: RealConfig | str) -> str:
    """Hash over the files of a real data set; over its name where it lies on the hub."""
    path = local_path(source if isinstance(source, str) else source.path)
    if path.is_dir():
        return folder_sha256(path)
    if not path.exists():
        return sha256_of(str(path).encode())
    beside = names_beside(path)
    files = [path, *([beside[1]] if beside else [])]
    return sha256_of("".join(sha256_of(file.read_bytes()) for file in files).encode())


def generator_sha256(config: GeneratorConfig) -> str:
    """What the texts of a generator hang on: its weights where they are at hand, else nothing.

    An adapter names the base that it was tuned on, so its own hash covers both.
    """
    if config.adapter:
        return folder_sha256(Path(config.adapter).expanduser())[:16]
    if config.model == "embedded":
        return folder_sha256(embedded_folder(EMBEDDED))[:16]
    folder = Path(str(config.model)).expanduser()
    return folder_sha256(folder)[:16] if folder.is_dir() else ""
