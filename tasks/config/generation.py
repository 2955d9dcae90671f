"""Plan and generator."""

from pathlib import Path

from pydantic import Field

from tasks.config.base import Config, Fraction, GeneratorBackend, GeneratorPrecision, PromptForm

EMBEDDED_SYSTEM_PROMPT = "You write realistic texts."
"""What the embedded generator was tuned with."""
SYSTEM_PROMPT = (
    "You write realistic texts in English, as a real person would. Show what a text has to express through "
    "what it says; do not name it. Answer with the text alone: no title, no quotation marks, no explanation."
)
"""What an instruct model is told that was not tuned for these requests."""


class PlanConfig(Config, title="Plan"):
    """What is wanted: how many texts, about what, in which manner."""

    texts_per_label: int = Field(200, ge=1, le=1_000_000, title="Texts per label")
    """Accepted texts wanted for each label."""
    texts_per_topic: int | None = Field(None, ge=1, le=1_000_000, title="Texts per label and topic")
    """Accepted texts wanted for each label about every topic, in place of the number per label."""
    topics: list[str] | None = Field(None, min_length=1, title="Topics")
    """Names of topics to write about; empty means every topic of the topics file."""
    topics_file: Path | None = Field(None, title="Topics file")
    """YAML file with your own topics and scenarios; empty means the topics that ship with Sentimill."""
    styles: list[str] | None = Field(None, min_length=1, title="Styles")
    """Styles to write in (review, chat message ...); empty means every style of the topics file."""
    topics_per_label: int = Field(10, ge=1, le=1_000, title="Topics per label")
    """Topics chosen at random for each label set; every (label set, topic) pair is one cell, sampled by one
    task."""
    multi_label_fraction: Fraction = Field(0.2, title="Multi-label fraction")
    """Fraction of the texts that carry several labels. If real data is given, these are the sets of two or
    three labels that occur in it, otherwise the pairs that the taxonomy allows."""
    label_set_smoothing: Fraction = Field(0.6, title="Label-set smoothing")
    """Exponent on the frequencies of label sets in real text: 1 keeps them, 0 makes all sets equally
    frequent."""
    mixed_sentiment_fraction: float = Field(0.1, ge=0.0, le=0.5, title="Mixed-sentiment fraction")
    """For scales with `two_sided: true`: fraction of the texts that join texts of both sides."""
    negatives: int = Field(0, ge=0, le=1_000_000, title="Negatives")
    """Texts on other matters, which no label fits, that the classifier learns to leave without a label; 0
    writes none. For labels of which a text may carry none, such as intents or aspects."""
    rounds: int = Field(4, ge=1, le=50, title="Rounds")
    """Rounds of sampling at most; each refills the cells that the filters left short."""
    max_tokens: int | None = Field(None, ge=1, title="Token budget")
    """Tokens that may be sampled in all rounds; empty means no limit. Texts from the cache count, too."""
    max_minutes: float | None = Field(None, gt=0.0, title="Time budget")
    """Minutes after which no new round begins; empty means no limit."""
    oversampling: float = Field(1.1, ge=1.0, le=20.0, title="Oversampling")
    """Texts generated per text wanted in the first round; later rounds use each cell's own acceptance
    rate."""


class GeneratorConfig(Config, title="Generator"):
    """The language model that writes the texts."""

    model: str | None = Field(None, title="Generator")
    """Folder or Hugging Face Hub name of a causal language model; empty means the profile's."""
    adapter: str | None = Field(None, min_length=1, title="Adapter")
    """Folder of an adapter that `tune_generator` made for this model; empty means none, or with the embedded
    generator the one that ships."""
    revision: str | None = Field(None, title="Revision")
    """Hub revision (commit, tag or branch)."""
    endpoint: str | None = Field(None, title="Endpoint")
    """Base URL of an OpenAI-compatible server, such as http://localhost:8000/v1; used by profile `server`."""
    key_variable: str = Field("OPENAI_API_KEY", min_length=1, title="Key variable")
    """Environment variable that holds the key of the endpoint; none is sent where it is not set."""
    backend: GeneratorBackend = Field(GeneratorBackend.auto, title="Backend")
    """What samples: `torch` (PyTorch in this process), `vllm` (vLLM on a GPU, in this process) or `endpoint`.
    `auto` is the endpoint if one is given; else vLLM if it is installed, there is a GPU and no option needs
    PyTorch, as guidance does; else PyTorch."""
    prompt_form: PromptForm | None = Field(None, title="Prompt form")
    """Plain completion (base models) or chat (instruct models)."""
    max_new_tokens: int = Field(56, ge=1, le=4_096, title="New tokens")
    """Longest text, in tokens of the generator."""
    batch_size: int | None = Field(None, ge=1, le=4_096, title="Decode batch")
    """Texts decoded side by side; empty means the profile's."""
    precision: GeneratorPrecision = Field(GeneratorPrecision.auto, title="Precision")
    """Arithmetic of the model: `fp32`, `bf16`, or on a CPU `int8`. `auto` tries them on a CPU and takes the
    fastest; on a GPU it takes bf16."""
    temperature: float | None = Field(None, gt=0.0, le=5.0, title="Temperature")
    """Softmax temperature; 1 samples from the model as it is. Empty means the profile's."""
    top_p: float = Field(0.95, gt=0.0, le=1.0, title="Top-p")
    """Smallest set of tokens with this total probability is sampled from (nucleus sampling)."""
    top_k: int = Field(0, ge=0, le=100_000, title="Top-k")
    """Number of most probable tokens sampled from; 0 means all."""
    min_p: float | None = Field(None, ge=0.0, le=1.0, title="Min-p")
    """Tokens below this share of the most probable one are left out; empty means the profile's."""
    repetition_penalty: float = Field(1.0, ge=1.0, le=3.0, title="Repetition penalty")
    """Divides the scores of tokens already written; 1 means none."""
    guidance_scale: float | None = Field(None, ge=1.0, le=5.0, title="Guidance scale")
    """Classifier-free guidance towards the labels; 1 means none, more costs a second forward pass. Empty
    means the profile's; the embedded generator takes 3 for sets of labels, 2.5 for scales."""
    stop: tuple[str, ...] = Field((), title="Stop strings")
    """A text ends before the first of these strings."""
    begin_suppress_words: tuple[str, ...] = Field((), title="Suppressed first words")
    """Words that no text may begin with, such as `As` or `Here`; not with an endpoint."""
    exemplars: int = Field(0, ge=0, le=8, title="Exemplars")
    """Texts shown in each prompt: real training rows with one of its labels, drawn at random, or without
    `--real` rows accepted before."""
    template: str | None = Field(None, min_length=1, title="Prompt template")
    """Text of a Jinja template that prompts are made with, in place of the one that ships; it may use labels
    (each with name and meaning), topic, scenario, style (name and description), length and exemplars."""
    system_prompt: str | None = Field(None, title="System prompt")
    """What a chat model is told before each prompt. Left out, it is the profile's; an empty text means
    none."""
