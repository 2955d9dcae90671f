"""What a caller asks of an engine and what it gets back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Finish = Literal["stop", "length"]


@dataclass(frozen=True)
class Request:
    """`n` texts wanted for one prompt."""

    prompt: str
    n: int
    seed: int
    """Decides, with the number of the sample (0 .. k-1), every random choice of that sample."""
    unconditional_prompt: str | None = None
    """The prompt without its labels; read only where `generator.guidance_scale` is above 1."""
    stop: tuple[str, ...] = ()
    """A text ends before the first of these strings."""

    def __post_init__(self) -> None:
        """Refuse what no engine can sample."""
        if self.n < 1:
            raise ValueError(f"n is {self.n}; expected at least 1. Leave out cells that want no text.")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; expected 0 or more. Take a non-negative number.")
        if not self.prompt.strip():
            raise ValueError("the prompt is empty; expected text. Give the model something to go on.")


@dataclass(frozen=True)
class Sample:
    """One text as the model wrote it."""

    text: str
    finish: Finish
    """`stop`: the model ended it, or a stop string did; `length`: it was cut at `max_new_tokens`."""
    n_tokens: int
    """Tokens sampled, the end-of-text token included."""
    log_ratio: float | None = None
    """log p(text | prompt) - log p(text | unconditional prompt), in nats, the end-of-text token left out;
    None where only one of the two was computed."""


@dataclass(frozen=True)
class Usage:
    """What an engine has done since it was loaded."""

    n_prompt_tokens: int = 0
    """Prompt tokens computed (not those found in the prefix cache)."""
    n_new_tokens: int = 0
    busy_s: float = 0.0
    """Seconds with at least one text in the making."""


def check_context(n_prompt: int, max_new_tokens: int, context: int) -> None:
    """Refuse a prompt that leaves no room for the longest text; all in tokens.

    Raises:
        ValueError: It does.
    """
    if n_prompt + max_new_tokens > context:
        raise ValueError(
            f"prompt has {n_prompt} tokens and generator.max_new_tokens is {max_new_tokens}; "
            f"expected at most {context} together, the generator's context. Shorten either."
        )


class Engine(Protocol):
    """Something that writes texts; safe to call from many threads at once."""

    def sample(self, request: Request) -> list[Sample]:
        """Write `request.n` texts, in order of their number; blocks until all are done.

        Raises:
            ValueError: The prompt does not fit the model.
        """
        ...

    def usage(self) -> Usage:
        """Tokens and time so far."""
        ...

    def close(self) -> None:
        """Stop; callers still waiting get an error."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Something that knows how likely texts are; an endpoint does not tell."""

    def log_likelihoods(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Log-likelihood of each text after its prompt, in nats."""
        ...
