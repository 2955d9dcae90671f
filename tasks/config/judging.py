"""Which language model judges: the generator itself, or one of its own."""

from typing import Any

from tasks.config.base import GeneratorBackend, PromptForm
from tasks.config.filtering import VerifyingConfig
from tasks.config.generation import GeneratorConfig

ANSWER_TOKENS = 48
ANY_MODEL = "default"
"""Stands for the first model that a server names."""
# As good as greedy; an answer is a matter of fact and not of fancy.
GREEDY: dict[str, Any] = {
    "temperature": 0.01,
    "top_p": 1.0,
    "min_p": 0.0,
    "guidance_scale": 1.0,
    "max_new_tokens": ANSWER_TOKENS,
    "system_prompt": "",  # the one for texts says what an answer is not
}


def judge_of(verifying: VerifyingConfig, generator: GeneratorConfig) -> GeneratorConfig:
    """The language model that `judge=llm` means, set to answer.

    Args:
        verifying: Names it, or nothing for the generator itself.
        generator: Of a resolved configuration.
    """
    if not verifying.has_own_judge:
        return generator.model_copy(update={**GREEDY, "backend": backend_beside(generator.endpoint)})
    own: dict[str, Any] = {"endpoint": generator.endpoint, "key_variable": generator.key_variable}
    if verifying.judge_endpoint:
        own = {"endpoint": verifying.judge_endpoint, "key_variable": verifying.judge_key_variable}
    own["backend"] = backend_beside(own["endpoint"])
    model = verifying.judge_model or ANY_MODEL
    return GeneratorConfig(
        model=model, prompt_form=PromptForm.chat, batch_size=generator.batch_size, **GREEDY, **own
    )


def backend_beside(endpoint: str | None) -> GeneratorBackend:
    """What a second model runs on: an endpoint, else PyTorch, because vLLM takes most of a GPU's memory."""
    return GeneratorBackend.auto if endpoint else GeneratorBackend.torch
