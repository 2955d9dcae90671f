"""Everything that can be known to be wrong before a model or a server is started."""

import re
from importlib.util import find_spec
from pathlib import Path

from tasks.config import (
    AblationConfig,
    GeneratorConfig,
    JudgeKind,
    Profile,
    PromptForm,
    RealConfig,
    RivalKind,
    RunConfig,
    TextsConfig,
    TuneConfig,
    VerifyingConfig,
)
from tasks.config.judging import judge_of
from tasks.config.run import SCALE_GUIDANCE
from tasks.data.reading import map_labels, read_dataset, read_real, require_mapped
from tasks.data.reading.unlabelled import read_texts
from tasks.models.bundled import EMBEDDED, MINILM, embedded_folder, minilm_folder, minilm_words
from tasks.models.weights_cache import check_adapter_of, require_generator
from tasks.pipeline.exporting.manifest import require_packages
from tasks.pipeline.sampling import choose_backend
from tasks.prompts.rendering import check_template
from tasks.storage.hub import require_target
from tasks.taxonomy import Taxonomy, Topics, load_taxonomy, load_topics


def check(config: RunConfig) -> tuple[RunConfig, Taxonomy, Topics]:
    """Resolve the profile, load the taxonomy and the topics, and refuse what cannot work.

    Raises:
        ValueError: A value, a file or the embedded generator is not as it should be.
        FileNotFoundError: A file is missing.
    """
    taxonomy = load_taxonomy(config.taxonomy)
    config = _for_scales(config, taxonomy).resolved()
    topics = load_topics(config.plan.topics_file).select(config.plan.topics, config.plan.styles)
    if config.mixing.real_fraction < 1:
        taxonomy.require_meanings()
        _require_known_topics(topics, config.generator)
    if config.mixing.real_fraction > 0 and not config.real:
        raise ValueError(
            f"mixing.real_fraction is {config.mixing.real_fraction} but real is empty; expected a real data "
            "set. Give --real, or leave --mixing.real-fraction out."
        )
    _require_room_for_negatives(config, taxonomy)
    _require_extras(config)
    if config.verifying.teacher and not config.real:
        raise ValueError(
            "verifying.teacher is true but real is empty; expected real training rows to learn from. "
            "Give --real, or leave verifying.teacher out."
        )
    _require_own_judge(config.verifying)
    _require_models(config)
    _require_rivals(config)
    _require_fitting(config.generator)
    if config.real:
        _require_real(config.real, taxonomy, divided=isinstance(config, AblationConfig))
    if config.unlabelled:
        _require_texts(config.unlabelled)
    if config.push_to_hub:
        require_target(config.push_to_hub)
    return config, taxonomy, topics


def _require_room_for_negatives(config: RunConfig, taxonomy: Taxonomy) -> None:
    """Refuse texts without a label where every text has one, or where no text is written."""
    n = config.plan.negatives
    if n and taxonomy.ordinal:
        raise ValueError(
            f"plan.negatives is {n} and taxonomy {taxonomy.name} is a scale; expected 0, because every text "
            "has a place on a scale. Leave it out."
        )
    if n and config.mixing.real_fraction == 1:
        raise ValueError(
            f"plan.negatives is {n} and mixing.real_fraction is 1; expected a fraction below 1, because the "
            "generator writes these texts. Leave one of them out."
        )


def _for_scales(config: RunConfig, taxonomy: Taxonomy) -> RunConfig:
    """The configuration with the guidance that suits a scale, unless one is given."""
    generator = config.generator
    embedded = config.profile is Profile.embedded and generator.model is None
    if not (taxonomy.ordinal and embedded and generator.guidance_scale is None):
        return config
    own = generator.model_copy(update={"guidance_scale": SCALE_GUIDANCE})
    return config.model_copy(update={"generator": own})


def unknown_topics(topics: Topics, generator: GeneratorConfig) -> list[str]:
    """Topics of which the embedded generator knows no word: none, scenarios included, is frequent."""
    if generator.model != "embedded":
        return []
    known = minilm_words()
    return [
        topic.name
        for topic in topics.topics
        if known.isdisjoint(re.findall(r"[^\W\d_]+", " ".join((topic.name, *topic.scenarios)).lower()))
    ]


def _require_known_topics(topics: Topics, generator: GeneratorConfig) -> None:
    unknown = unknown_topics(topics, generator)
    if len(unknown) == len(topics.names):
        raise ValueError(
            f"the generator knows no word of the topics {', '.join(unknown[:5])}; expected topics in plain "
            "English words. Rename them, or give each some scenarios in a sentence."
        )


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
    if generator.adapter and generator.endpoint:
        raise ValueError(
            "generator.adapter is set; expected none with an endpoint, which loads its own model. Leave it "
            "out, or sample from the model in this process."
        )
    choose_backend(generator)
    if generator.begin_suppress_words and generator.endpoint:
        raise ValueError(
            "generator.begin_suppress_words is set; expected none with an endpoint, which samples its own "
            "tokens. Leave it out, or sample from the model in this process."
        )


def require_judge(config: RunConfig) -> None:
    """Refuse a judge's own endpoint that does not answer or lacks the model, before any text is paid for.

    Raises:
        ValueError: The server refuses the key, or serves other models.
        ConnectionError: The server does not answer.
    """
    if not (config.verifying.enabled and config.verifying.judge_endpoint):
        return
    from tasks.pipeline.sampling.endpoint import served_model  # not for a run without

    judge = judge_of(config.verifying, config.generator)
    try:
        served_model(str(judge.endpoint), str(judge.model), judge.key_variable)
    except (ValueError, ConnectionError) as error:
        said = str(error).replace("OPENAI_API_KEY, or what key_variable names,", judge.key_variable)
        for option in ("endpoint", "model"):
            said = said.replace(f"generator.{option}", f"verifying.judge_{option}")
        raise type(error)(said) from None


def _require_own_judge(verifying: VerifyingConfig) -> None:
    """Refuse a model or an endpoint of a judge that would not be asked."""
    given = [name for name in ("judge_endpoint", "judge_model") if getattr(verifying, name)]
    if given and verifying.judge is not JudgeKind.llm:
        kind = verifying.judge.value if verifying.judge else "none"
        raise ValueError(
            f"verifying.{given[0]} is set and verifying.judge is {kind}; expected llm, which alone asks a "
            "language model. Give --verifying.judge llm, or leave it out."
        )


def _require_extras(config: RunConfig) -> None:
    """Refuse options whose package is not installed."""
    for target in config.export:
        require_packages(target, "--export")
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
    adapter = Path(config.generator.adapter).expanduser() if config.generator.adapter else None
    if config.training.base == MINILM or (config.verifying.enabled and wants_synthetic):
        minilm_folder()
    if config.training.base != MINILM:
        _require_folder("training.base", str(config.training.base))
    if wants_synthetic and config.generator.model == "embedded":
        require_generator(adapter or EMBEDDED)
    elif wants_synthetic and not config.generator.endpoint:
        _require_folder("generator.model", str(config.generator.model))
        if adapter:
            check_adapter_of(adapter, str(config.generator.model))
    judge = judge_of(config.verifying, config.generator)
    if wants_synthetic and config.verifying.judge_model and not judge.endpoint:
        _require_folder("verifying.judge_model", str(judge.model))
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


def _require_texts(source: TextsConfig) -> None:
    try:
        read_texts(source)
    except (ValueError, FileNotFoundError) as error:  # the reader names the options of labelled data
        said = str(error).replace("--real", "--unlabelled").replace("real data", "unlabelled texts")
        raise type(error)(said) from None


def _require_real(source: RealConfig, taxonomy: Taxonomy, divided: bool) -> None:
    data = read_dataset(source)
    require_mapped(data, map_labels(data, taxonomy), taxonomy, drop=source.unmapped == "drop")
    if divided and data.is_cross_validated:
        raise ValueError(
            f"real data {source.path!r} has {len(data.frame):,} rows and no splits; an ablation expects a "
            "test split, or 400 rows to draw one from. Give files for train and test, or more rows."
        )
