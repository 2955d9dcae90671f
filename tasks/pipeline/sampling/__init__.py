"""Sampling: prompts in, texts out, at the speed of the hardware and reproducible row by row."""

from tasks.config import GeneratorConfig
from tasks.pipeline.sampling.interface import Engine, Request, Sample, Scorer, Usage

__all__ = ["Engine", "Request", "Sample", "Scorer", "Usage", "load_engine"]


def load_engine(config: GeneratorConfig) -> Engine:
    """Open the generator that a resolved configuration names: an endpoint if it has one, else a model here.

    Raises:
        FileNotFoundError: The embedded generator's files are missing.
        ValueError: The configuration is not resolved, or the model or endpoint cannot be sampled from.
        ConnectionError: The endpoint does not answer.
    """
    # Imported where needed: an endpoint needs no torch, and torch takes seconds.
    if config.endpoint is not None:
        from tasks.pipeline.sampling.endpoint import open_endpoint

        return open_endpoint(config)
    from tasks.pipeline.sampling.loading import open_model

    return open_model(config)
