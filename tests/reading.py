"""What the tests of the reader of human data share."""

from tasks.config.real import RealConfig
from tasks.data.reading import read_dataset


def read(path, **options):
    """Texts and labels, in the order of the files."""
    frame = read_dataset(RealConfig(path=str(path), **options)).frame
    return list(zip(frame["text"], frame["labels"], strict=True))


def notes_of(path, **options):
    """What the reader says about its guesses."""
    return read_dataset(RealConfig(path=str(path), **options)).notes


def write(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding))
    return path
