"""Every parameter of a run, its defaults and its checks."""

from tasks.config.base import Config, GeneratorBackend, GeneratorPrecision, Profile, PromptForm
from tasks.config.commands import AblationConfig, AuditConfig, PruneConfig, TuneConfig, TuningData
from tasks.config.filtering import (
    CleaningConfig,
    DemographicCategory,
    JudgeKind,
    NameEngineKind,
    Scope,
    ScrubbingConfig,
    VerifyingConfig,
)
from tasks.config.generation import GeneratorConfig, PlanConfig
from tasks.config.modelling import (
    EvaluationConfig,
    FairnessConfig,
    Loss,
    MixingConfig,
    SplitConfig,
    TrainingConfig,
)
from tasks.config.real import RealConfig, TextsConfig
from tasks.config.rivals import RivalKind, RivalsConfig
from tasks.config.run import PROFILES, RunConfig

__all__ = [
    "PROFILES",
    "AblationConfig",
    "AuditConfig",
    "CleaningConfig",
    "Config",
    "DemographicCategory",
    "EvaluationConfig",
    "FairnessConfig",
    "GeneratorBackend",
    "GeneratorConfig",
    "GeneratorPrecision",
    "JudgeKind",
    "Loss",
    "MixingConfig",
    "NameEngineKind",
    "PlanConfig",
    "Profile",
    "PromptForm",
    "PruneConfig",
    "RealConfig",
    "RivalKind",
    "RivalsConfig",
    "RunConfig",
    "Scope",
    "ScrubbingConfig",
    "SplitConfig",
    "TextsConfig",
    "TrainingConfig",
    "TuneConfig",
    "TuningData",
    "VerifyingConfig",
]
