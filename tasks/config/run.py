"""Every option of a run: one frozen tree, which is also the Prefect run form and the command line.

An option whose default is empty (`None`) takes its value from the profile, see `PROFILES`.
This module imports neither torch nor Prefect, so that a wrong value is refused in milliseconds.
"""

from pathlib import Path
from typing import Any

from pydantic import Field

from tasks.config.base import Config, Profile, PromptForm
from tasks.config.exporting import ExportFormat
from tasks.config.filtering import CleaningConfig, JudgeKind, ScrubbingConfig, VerifyingConfig
from tasks.config.generation import EMBEDDED_SYSTEM_PROMPT, SYSTEM_PROMPT, GeneratorConfig, PlanConfig
from tasks.config.modelling import EvaluationConfig, FairnessConfig, MixingConfig, SplitConfig, TrainingConfig
from tasks.config.real import RealConfig, TextsConfig, or_path
from tasks.config.rivals import RivalsConfig

TAXONOMIES = Path(__file__).parent.parent / "taxonomy" / "builtin"


def _shipped_or_file(schema: dict[str, Any]) -> None:
    """Let forms offer the taxonomies that ship, or take a path, and refuse anything else."""
    names = sorted(path.stem for path in TAXONOMIES.glob("*.yaml"))
    del schema["type"]
    schema["anyOf"] = [
        {"title": "Shipped", "type": "string", "enum": names},
        {"title": "File", "type": "string", "pattern": r"[/\\]|\.ya?ml$"},
    ]


class LimitsConfig(Config, title="Limits"):
    """How long a task may take before it counts as hung; neither decides what comes out."""

    batch_s: float = Field(3_600.0, gt=0.0, le=604_800.0, title="Time for a batch of texts (s)")
    """Seconds for one batch of one cell, waiting for its turn in the decode batch included."""
    stage_s: float = Field(86_400.0, gt=0.0, le=2_592_000.0, title="Time for a stage (s)")
    """Seconds for any other task, training included; what it had done is taken up again."""


class ApprovalConfig(Config, title="Approval"):
    """Whether a person has to agree before a run becomes champion."""

    required: bool = Field(False, title="Require approval")
    """Pause before the champion changes, and show scores and rows on the run page; needs a server."""
    timeout_s: int = Field(86_400, ge=1, le=2_592_000, title="Wait")
    """Seconds to wait for an answer; then the run stays a candidate."""
    rows_per_label: int = Field(20, ge=1, le=200, title="Rows to read")
    """Rows shown per label."""


class PricesConfig(Config, title="Prices"):
    """What an endpoint charges, in any one currency; for `sentimill estimate`."""

    per_million_prompt_tokens: float | None = Field(None, ge=0.0, title="Prompt tokens")
    """Price of a million tokens of prompts."""
    per_million_text_tokens: float | None = Field(None, ge=0.0, title="Text tokens")
    """Price of a million tokens of texts."""


class RunConfig(Config, title="Run"):
    """Everything that one run needs."""

    profile: Profile = Field(Profile.embedded, title="Profile")
    """`embedded` needs only pip and a CPU, `hub` fetches models, `server` asks an endpoint."""
    taxonomy: str = Field("sentiment7", title="Taxonomy", json_schema_extra=_shipped_or_file)
    """sentiment7, goemotions, ekman, polarity3, or the path of a YAML file of your own."""
    seed: int = Field(0, ge=0, le=2**31 - 1, title="Seed")
    """Decides every random choice."""
    daily_seed: bool = Field(False, title="New seed every day")
    """Add the day of the run to the seed, so that every nightly run writes new texts."""
    real: RealConfig | None = Field(None, title="Real data", json_schema_extra=or_path)
    """Human-written, human-labelled text to measure on: a file or a folder with texts and labels, or a name
    on the hub. `--real PATH` alone does where the columns have usual names."""
    unlabelled: TextsConfig | None = Field(None, title="Unlabelled texts", json_schema_extra=or_path)
    """Human-written text without labels: a file, a folder or a name on the hub. Texts of which the votes are
    sure become training rows, prompts show some for their manner (`--generator.exemplars`), and the service
    measures drift against them."""
    push_to_hub: str | None = Field(None, min_length=1, title="Push to the hub")
    """Where a new champion's model and data set go, too: a name on the Hugging Face Hub (private there), or a
    folder that begins with `.` or `/`; empty means nowhere."""
    export: tuple[ExportFormat, ...] = Field((), title="Export")
    """Runtimes that the model is written for, too, in folders beside its weights; the service runs `onnx` and
    `openvino`."""
    plan: PlanConfig = PlanConfig()
    generator: GeneratorConfig = GeneratorConfig()
    cleaning: CleaningConfig = CleaningConfig()
    scrubbing: ScrubbingConfig = ScrubbingConfig()
    verifying: VerifyingConfig = VerifyingConfig()
    split: SplitConfig = SplitConfig()
    mixing: MixingConfig = MixingConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    rivals: RivalsConfig = RivalsConfig()
    limits: LimitsConfig = LimitsConfig()
    approval: ApprovalConfig = ApprovalConfig()
    prices: PricesConfig = PricesConfig()
    fairness: FairnessConfig = FairnessConfig()

    def resolved(self) -> "RunConfig":
        """Fill in the options that the profile decides."""
        sections: dict[str, Any] = {}
        for section, values in PROFILES[self.profile].items():
            given = getattr(self, section)
            missing = {k: v for k, v in values.items() if getattr(given, k) is None}
            sections[section] = given.model_copy(update=missing)
        if sections["generator"].prompt_form is not PromptForm.chat and not self.generator.system_prompt:
            # Only chat models are told anything first.
            sections["generator"] = sections["generator"].model_copy(update={"system_prompt": None})
        return self.model_copy(update=sections)


SCALE_GUIDANCE = 2.5
"""Guidance of the embedded generator for the levels of a scale: more of it drives every level to its end."""
# One source of truth for what a profile means.
PROFILES: dict[Profile, dict[str, dict[str, Any]]] = {
    Profile.embedded: {
        "generator": {
            "model": "embedded",
            "prompt_form": PromptForm.chat,
            "batch_size": 128,
            # As it was tuned; the sampling values are the best of those measured for it.
            "system_prompt": EMBEDDED_SYSTEM_PROMPT,
            "guidance_scale": 3.0,
            "temperature": 0.9,
            "min_p": 0.1,
        },
        "verifying": {"judge": JudgeKind.none},
        "training": {"base": "all-MiniLM-L6-v2"},
    },
    Profile.hub: {
        # Both Apache-2.0.
        "generator": {
            "model": "Qwen/Qwen2.5-0.5B-Instruct",
            "prompt_form": PromptForm.chat,
            "batch_size": 256,
            "system_prompt": SYSTEM_PROMPT,
            "guidance_scale": 1.0,
            "temperature": 1.0,
            "min_p": 0.0,
        },
        "verifying": {"judge": JudgeKind.nli},
        "training": {"base": "answerdotai/ModernBERT-base"},
    },
    Profile.server: {
        "generator": {
            "model": "default",
            "endpoint": "http://localhost:8000/v1",
            "prompt_form": PromptForm.chat,
            "batch_size": 64,
            "system_prompt": SYSTEM_PROMPT,
            "guidance_scale": 1.0,
            "temperature": 1.0,
            "min_p": 0.0,
        },
        "verifying": {"judge": JudgeKind.llm},
        "training": {"base": "answerdotai/ModernBERT-base"},
    },
}
