"""Plan and generator."""

from pathlib import Path

from pydantic import Field

from tasks.config.base import Config, PromptForm, Share


class PlanConfig(Config, title="Plan"):
    """What is wanted: how many texts, about what, in which manner."""

    per_label: int = Field(200, ge=1, le=1_000_000, title="Texts per label")
    """Accepted texts wanted for each label."""
    per_topic: int | None = Field(None, ge=1, le=1_000_000, title="Texts per label and topic")
    """Accepted texts wanted for each label about every topic, in place of the number per label."""
    topics: list[str] | None = Field(None, min_length=1, title="Topics")
    """Names of topics to write about; empty means every topic of the topics file."""
    topics_file: Path | None = Field(None, title="Topics file")
    """YAML file with your own topics and scenarios; empty means the topics that ship with Sentimill."""
    styles: list[str] | None = Field(None, min_length=1, title="Styles")
    """Styles to write in (review, chat message ...); empty means every style of the topics file."""
    topics_per_label: int = Field(10, ge=1, le=1_000, title="Topics per label")
    """Topics drawn for each label set, if not all are wanted of each; every (label set, topic) pair is one
    cell, sampled by one task."""
    pair_share: Share = Field(0.2, title="Share of multi-label texts")
    """Share of the texts that carry several labels: sets of two or three that real text shows, if `real` is
    given and shows any, else the pairs that the taxonomy allows."""
    tempering: Share = Field(0.6, title="Tempering")
    """Exponent on the counts of label sets in real text: 1 leaves them as frequent, 0 makes all alike."""
    mixed_share: float = Field(0.1, ge=0.0, le=0.5, title="Share of mixed texts")
    """On a scale: share of the texts that are two joined, one side for and one against."""
    rounds: int = Field(4, ge=1, le=50, title="Rounds")
    """Rounds of sampling at most; each refills the cells that the filters left short."""
    max_tokens: int | None = Field(None, ge=1, title="Token budget")
    """Tokens that may be sampled in all rounds; empty means no limit. Texts from the cache count, too."""
    max_minutes: float | None = Field(None, gt=0.0, title="Time budget")
    """Minutes after which no new round begins; empty means no limit."""
    oversampling: float = Field(1.5, ge=1.0, le=20.0, title="Oversampling")
    """Texts drawn per text wanted in the first round; later rounds use each cell's own acceptance rate."""


class GeneratorConfig(Config, title="Generator"):
    """The language model that writes the texts."""

    model: str | None = Field(None, title="Generator")
    """Folder or Hugging Face Hub name of a causal language model; empty means the profile's."""
    revision: str | None = Field(None, title="Revision")
    """Hub revision (commit, tag or branch)."""
    endpoint: str | None = Field(None, title="Endpoint")
    """Base URL of an OpenAI-compatible server, such as http://localhost:8000/v1; used by profile `server`."""
    prompt_form: PromptForm | None = Field(None, title="Prompt form")
    """Control prefix (embedded generator), plain completion (base models) or chat (instruct models)."""
    max_new_tokens: int = Field(56, ge=1, le=4_096, title="New tokens")
    """Longest text, in tokens of the generator."""
    batch_size: int | None = Field(None, ge=1, le=4_096, title="Decode batch")
    """Texts decoded side by side; empty means the profile's."""
    temperature: float = Field(1.0, gt=0.0, le=5.0, title="Temperature")
    """Softmax temperature; 1 samples from the model as it is."""
    top_p: float = Field(0.95, gt=0.0, le=1.0, title="Top-p")
    """Smallest set of tokens with this total probability is sampled from (nucleus sampling)."""
    top_k: int = Field(0, ge=0, le=100_000, title="Top-k")
    """Number of most probable tokens sampled from; 0 means all."""
    min_p: float = Field(0.0, ge=0.0, le=1.0, title="Min-p")
    """Tokens below this share of the most probable one are left out."""
    repetition_penalty: float = Field(1.0, ge=1.0, le=3.0, title="Repetition penalty")
    """Divides the scores of tokens already written; 1 means none."""
    guidance: float = Field(1.0, ge=1.0, le=5.0, title="Guidance")
    """Classifier-free guidance towards the labels; 1 means none, more costs a second forward pass."""
    stop: tuple[str, ...] = Field((), title="Stop strings")
    """A text ends before the first of these strings."""
    banned_openings: tuple[str, ...] = Field((), title="Banned openings")
    """Words that no text may begin with, such as `As` or `Sure`; not with an endpoint."""
    exemplars: int = Field(0, ge=0, le=8, title="Exemplars")
    """Texts shown in each prompt: real training rows with one of its labels, drawn at random, or without
    `--real` rows accepted before; not for the control form."""
    template: str | None = Field(None, min_length=1, title="Prompt template")
    """Text of a Jinja template that prompts are made with, in place of the one that ships; it may use labels
    (each with name and meaning), topic, scenario, style (name and description), length and exemplars; not
    for the control form."""
    system_prompt: str | None = Field(None, min_length=1, title="System prompt")
    """What the model is told before each prompt; only for the chat form."""
