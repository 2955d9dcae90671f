"""Every option of the service: flags of `sentimill serve`, or variables `SENTIMILL_API_<NAME>`."""

import os
from enum import StrEnum
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "SENTIMILL_API_"
CHAMPION = "champion"


class ServingPrecision(StrEnum):
    """Arithmetic of the forward pass; `auto` takes bf16 on a GPU and what an export chose on a CPU."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    int8 = "int8"


class Runtime(StrEnum):
    """What runs the forward pass; `auto` takes an export beside the model, if its package is installed."""

    auto = "auto"
    torch = "torch"
    onnx = "onnx"
    openvino = "openvino"


class ApiSettings(BaseSettings):
    """Everything that one service needs; values cannot change."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    model: str = Field(CHAMPION, title="Model")
    """`champion`, the name of a run, or a model folder that a run wrote."""
    taxonomy: str | None = Field(None, title="Taxonomy")
    """Whose champion is served; needed where there are champions of several taxonomies."""
    host: str = Field("127.0.0.1", title="Host")
    """Address to listen on; 0.0.0.0 for all of this machine."""
    port: int = Field(8080, ge=0, le=65_535, title="Port")
    """Port to listen on; 0 takes a free one."""
    workers: int = Field(2, ge=1, le=256, title="Workers")
    """Processes, each with a model of its own; one that dies is replaced."""
    threads: int | None = Field(None, ge=1, le=1_024, title="Threads")
    """Threads of one forward pass; empty divides the cores among the workers."""
    runtime: Runtime = Field(Runtime.auto, title="Runtime")
    """What runs the model: `onnx` and `openvino` need an export beside it (`sentimill export`); `auto` takes
    one that is there, but PyTorch on a GPU."""
    precision: ServingPrecision = Field(ServingPrecision.auto, title="Precision")
    """Arithmetic; anything but fp32 is used only if it decides as the evaluated model does."""
    batch_texts: int = Field(16, ge=1, le=4_096, title="Batch")
    """Texts that share a forward pass, at most."""
    queue_texts: int = Field(2_048, ge=1, le=1_000_000, title="Queue")
    """Texts that wait in one worker, at most; beyond it 503."""
    wait_s: float = Field(0.6, gt=0.0, le=60.0, title="Wait")
    """Expected seconds in the queue from which requests are sent away with 503 and Retry-After; two batches
    may always wait."""
    timeout_s: float = Field(10.0, gt=0.0, le=600.0, title="Timeout")
    """Seconds within which a request is answered; callers may ask for less."""
    max_body_bytes: int = Field(1_048_576, ge=1_024, le=1 << 30, title="Largest body")
    """Bytes of a request; beyond it 413."""
    keys_file: Path | None = Field(None, title="Keys")
    """File with one `name:key` per line. SENTIMILL_API_KEYS holds the same, separated by commas. Without
    either, everyone may ask."""
    rate_limit: str | None = Field("60000/minute", title="Rate limit")
    """Texts per key (without keys: per address), such as 100/second; empty for none."""
    rate_storage: str = Field("memory://", title="Rate counts")
    """Where they are kept. In memory each worker counts for itself; redis://... makes one count of all."""
    cors_origins: list[str] = Field([], title="Other origins")
    """Origins whose pages may call the service; none by default."""
    follow_s: float = Field(5.0, gt=0.0, le=86_400.0, title="Follow")
    """Seconds between looks at champion.json; a new champion is loaded beside the old, then takes over."""
    generate: bool = Field(False, title="Generate")
    """Offer POST /v1/generate, which writes texts with the run's generator."""
    log_texts: bool = Field(False, title="Log texts")
    """Write texts to the log; off, no text ever gets there."""

    @field_validator("rate_limit")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        from limits import parse

        if value:
            try:
                parse(value)
            except ValueError:
                raise ValueError("rate limit cannot be read; expected a form such as 100/second.") from None
        return value or None

    @property
    def threads_per_worker(self) -> int:
        """Threads of one forward pass."""
        return self.threads or max(1, (os.cpu_count() or 1) // self.workers)

    def as_environment(self) -> dict[str, str]:
        """Variables from which a worker reads the same settings."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        return {
            f"{PREFIX}{name.upper()}": value if isinstance(value, str) else _json(value)
            for name, value in values.items()
            if value is not None
        }


def _json(value: object) -> str:
    import json

    return json.dumps(value)
