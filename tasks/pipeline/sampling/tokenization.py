"""From a prompt to token ids and from token ids to a text, for each prompt form."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from jinja2 import TemplateError

from tasks.config import PromptForm

# Between these marks; some templates open them in the prompt, so that only the closing mark is written.
_THINKING = re.compile(r"^.*</think>|<think>.*$", re.DOTALL)


def chat_messages(prompt: str, system_prompt: str | None) -> list[dict[str, str]]:
    """A prompt as chat models are asked."""
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    return [*system, {"role": "user", "content": prompt}]


@dataclass(frozen=True)
class PromptCodec:
    """A tokenizer and the way prompts are put to its model."""

    tokenizer: Any
    form: PromptForm
    end_tokens: frozenset[int]
    system_prompt: str | None = None
    """What a chat model is told first."""

    def encode(self, prompt: str) -> list[int]:
        """Token ids of a prompt, ready for the model to go on from.

        Raises:
            ValueError: The prompt has no tokens, or the tokenizer has no chat template that takes it.
        """
        tokens = self._chat(prompt) if self.form is PromptForm.chat else self._completion(prompt)
        if not tokens:
            raise ValueError(f"prompt {prompt!r} has 0 tokens; expected at least 1. Write a longer prompt.")
        return tokens

    def common_tokens(self) -> tuple[int, ...]:
        """Token ids that every prompt begins with: those of the system message, mostly."""
        pairs = zip(self.encode("A"), self.encode("Be"), strict=False)
        return tuple(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def decode(self, tokens: Sequence[int]) -> str:
        """The text as the model wrote it."""
        text: str = self.tokenizer.decode(list(tokens), clean_up_tokenization_spaces=False)
        return text

    def polish(self, text: str) -> str:
        """The text as it is handed out: thinking and outer spaces left out."""
        if self.form is PromptForm.chat:
            text = without_thinking(text)
        return text.strip()

    def _completion(self, prompt: str) -> list[int]:
        tokenizer = self.tokenizer
        if tokenizer.bos_token_id is None:
            # The tokenizer's own rule, less the end mark that BERT's puts after a sentence.
            tokens = list(tokenizer(prompt)["input_ids"])
            return tokens[:-1] if tokens and tokens[-1] in self.end_tokens else tokens
        tokens = list(tokenizer(prompt, add_special_tokens=False)["input_ids"])
        return [tokenizer.bos_token_id, *tokens] if tokens else []

    def _chat(self, prompt: str) -> list[int]:
        if not getattr(self.tokenizer, "chat_template", None):
            raise ValueError(
                "the generator's tokenizer has no chat template; expected one for prompt form `chat`. "
                "Take an instruct model, or set generator.prompt_form to plain."
            )
        try:
            text = self.tokenizer.apply_chat_template(
                chat_messages(prompt, self.system_prompt),
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,
            )
        except TemplateError as error:
            raise ValueError(
                f"the generator's chat template refuses what it is given ({error}); expected one that takes "
                "a prompt, and a system prompt if generator.system_prompt is set. Set that to an empty text, "
                "or take another model."
            ) from error
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def without_thinking(text: str) -> str:
    """The text after the model's thinking; empty where it was cut off while still at it."""
    return _THINKING.sub("", text)
