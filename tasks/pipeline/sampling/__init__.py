"""Sampling: prompts in, texts out, at the speed of the hardware and reproducible row by row."""

from tasks.config import GeneratorBackend, GeneratorConfig
from tasks.pipeline.sampling.backends import choose_backend
from tasks.pipeline.sampling.interface import Engine, Request, Sample, Scorer, Usage

__all__ = ["Engine", "Request", "Sample", "Scorer", "Usage", "choose_backend", "load_engine"]


def load_engine(config: GeneratorConfig) -> Engine:
    """Open the generator that a resolved configuration names: an endpoint, or a model in this process.

    Raises:
        FileNotFoundError: The embedded generator's files are missing.
        ValueError: The configuration is not resolved, or the model or endpoint cannot be sampled from, or not
            on this backend.
        ConnectionError: The endpoint does not answer.
    """
    # Imported where needed: an endpoint needs no torch, and torch takes seconds.
    backend = choose_backend(config)
    if backend is GeneratorBackend.endpoint:
        from tasks.pipeline.sampling.endpoint import open_endpoint

        return open_endpoint(config)
    if backend is GeneratorBackend.vllm:
        from tasks.pipeline.sampling.vllm_backend import open_vllm

        return open_vllm(config)
    from tasks.pipeline.sampling.loading import open_model

    return open_model(config)
