"""What was read off the modules of this installation before, so that not every start parses them all."""

import json
import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fsspec.implementations.local import LocalFileSystem

from tasks.models.weights_cache import cache_folder
from tasks.storage.files import write_whole
from tasks.storage.hashing import sha256_of

log = logging.getLogger(__name__)


class Facts(NamedTuple):
    """What a module says of itself."""

    imports: dict[str, list[str]]
    """Module and name behind every imported name."""
    defined: list[str]
    """Names defined at its top."""
    digest: str
    """Hash of what it does."""


class KnownSources:
    """Facts by the sha256 of a module's content, kept in the user's cache folder.

    Args:
        reader: Module that reads the facts; another version of it, or of Python, keeps others.
    """

    def __init__(self, reader: Path) -> None:
        version = sha256_of(reader.read_bytes() + sys.version.encode())[:16]
        self._file = cache_folder() / "sources" / f"{version}.json"
        self._facts: dict[str, Facts] = {}
        self._kept = 0
        with suppress(OSError, ValueError, TypeError):  # not there yet, or damaged
            kept = json.loads(self._file.read_text())
            self._facts = {key: Facts(*facts) for key, facts in kept.items()}
            self._kept = len(self._facts)

    def get(self, key: str) -> Facts | None:
        """Facts of a module by the sha256 of its content, where it was read before."""
        return self._facts.get(key)

    def add(self, key: str, facts: Facts) -> None:
        """Remember a module."""
        self._facts[key] = facts

    def keep(self) -> None:
        """Write down what is new, so that other processes know it."""
        if len(self._facts) == self._kept:
            return
        try:
            write_whole(LocalFileSystem(), str(self._file), json.dumps(self._facts).encode())
        except OSError as error:  # a run must not fail for want of a note
            log.info("What was read off the source is not kept: %s", error)
        self._kept = len(self._facts)
