"""Everything that can be known to be wrong before a model or a server is started."""

from importlib.util import find_spec
from pathlib import Path

from tasks.config import GeneratorConfig, JudgeKind, PromptForm, RealConfig, RivalKind, RunConfig, TuneConfig
from tasks.data.reading import map_labels, read_dataset, read_real, require_mapped
from tasks.models.bundled import EMBEDDED, MINILM, embedded_folder, minilm_folder
from tasks.models.weights_cache import require_generator
from tasks.prompts.rendering import check_template
from tasks.storage.hub import require_target
from tasks.taxonomy import Taxonomy, Topics, load_taxonomy, load_topics


def check(config: RunConfig) -> tuple[RunConfig, Taxonomy, Topics]:
    """Resolve the profile, load the taxonomy and the topics, and refuse what cannot work.

    Raises:
        ValueError: A value, a file or the embedded generator is not as it should be.
        FileNotFoundError: A file is missing.
    """
    config = config.resolved()
    taxonomy = load_taxonomy(config.taxonomy)
    topics = load_topics(config.plan.topics_file).select(config.plan.topics, config.plan.styles)
    if config.mixing.real_fraction > 0 and not config.real:
        raise ValueError(
            f"mixing.real_fraction is {config.mixing.real_fraction} but real is empty; expected a real data "
            "set. Give --real, or leave --mixing.real-fraction out."
        )
    _require_extras(config)
    if config.verifying.teacher and not config.real:
        raise ValueError(
            "verifying.teacher is true but real is empty; expected real training rows to learn from. "
            "Give --real, or leave verifying.teacher out."
        )
    _require_models(config)
    _require_rivals(config)
    _require_fitting(config.generator)
    if config.real:
        _require_real(config.real, taxonomy)
    if config.push_to_hub:
        require_target(config.push_to_hub)
    return config, taxonomy, topics


def check_tuning(config: TuneConfig) -> None:
    """Refuse data that cannot be read, before anything is started."""
    for folder in ("goemotions", "sst"):
        for part in ("train", "test"):
            read_real(f"{config.data}/{folder}", part)


def _require_fitting(generator: GeneratorConfig) -> None:
    """Refuse options that this way of sampling does not know."""
    if generator.template:
        check_template(generator.template, generator.prompt_form or PromptForm.plain)
    if generator.system_prompt and generator.prompt_form is not PromptForm.chat:
        raise ValueError(
            f"generator.system_prompt is set and prompt_form is {generator.prompt_form}; expected chat, the "
            "only form with a system prompt. Leave it out, or take an instruct model with prompt form chat."
        )
    if generator.begin_suppress_words and generator.endpoint:
        raise ValueError(
            "generator.begin_suppress_words is set; expected none with an endpoint, which samples its own "
            "tokens. Leave it out, or sample from the model in this process."
        )


def _require_extras(config: RunConfig) -> None:
    """Refuse options whose package is not installed."""
    wanted = {
        "semantic": (
            "semhash",
            "cleaning.semantic_similarity",
            config.cleaning.semantic_similarity is not None,
        ),
        "toxicity": ("profanity_check", "cleaning.toxicity_filter", config.cleaning.toxicity_filter),
        "gliner": ("gliner2", "gliner in evaluation.rivals", RivalKind.gliner in config.evaluation.rivals),
        "setfit": ("setfit", "setfit in evaluation.rivals", RivalKind.setfit in config.evaluation.rivals),
    }
    for extra, (package, option, is_on) in wanted.items():
        if is_on and find_spec(package) is None:
            raise ValueError(
                f"{option} is set but {package} is not installed; expected it. "
                f"Run `pip install 'sentimill[{extra}]'`, or leave the option out."
            )


def _require_models(config: RunConfig) -> None:
    """Refuse missing and damaged models, as far as they lie on this machine."""
    wants_synthetic = config.mixing.real_fraction < 1
    if config.training.base == MINILM or (config.verifying.enabled and wants_synthetic):
        minilm_folder()
    if config.training.base != MINILM:
        _require_folder("training.base", str(config.training.base))
    if wants_synthetic and config.generator.model == "embedded":
        require_generator(EMBEDDED)
    elif wants_synthetic and not config.generator.endpoint:
        _require_folder("generator.model", str(config.generator.model))
    if wants_synthetic and config.verifying.judge is JudgeKind.nli:
        _require_folder("verifying.nli_model", config.verifying.nli_model)


def _require_rivals(config: RunConfig) -> None:
    """Refuse rivals that this configuration cannot ask, and folders without a model."""
    rivals, models = config.evaluation.rivals, config.rivals
    lacks = {
        RivalKind.setfit: (config.real is None, "real is empty", "human-labelled rows", "Give --real"),
        RivalKind.llm: (
            not (models.llm_endpoint or config.generator.endpoint),
            "rivals.llm_endpoint is empty",
            "the URL of a server",
            "Give it",
        ),
        RivalKind.generator: (
            bool(config.generator.endpoint),
            "generator.endpoint is set",
            "a generator in this process, because an endpoint scores no texts",
            "Leave it empty",
        ),
    }
    for kind, (is_lacking, found, expected, advice) in lacks.items():
        if kind in rivals and is_lacking:
            raise ValueError(
                f"evaluation.rivals has {kind.value} but {found}; expected {expected}. {advice}, or leave "
                f"{kind.value} out."
            )
    for kind, model in ((RivalKind.nli, models.nli), (RivalKind.reranker, models.reranker)):
        if kind in rivals:
            _require_folder(f"rivals.{kind.value}", model)


def _require_folder(option: str, name: str) -> None:
    folder = Path(name).expanduser()
    if not name.startswith((".", "/", "~")) and not folder.exists():
        return  # a name on the hub
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    if not (folder / "config.json").is_file() or not weights:
        raise FileNotFoundError(
            f"{option} is {name!r}, which holds no model; expected a folder with config.json and weights, or "
            "a name on the Hugging Face Hub. Check the path."
        )
    if (folder / "SHA256SUMS").is_file():
        embedded_folder(folder)


def _require_real(source: RealConfig, taxonomy: Taxonomy) -> None:
    data = read_dataset(source)
    require_mapped(data, map_labels(data, taxonomy), taxonomy, drop=source.unmapped == "drop")
