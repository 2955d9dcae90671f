"""Sampling: prompts in, texts out, at the speed of the hardware and reproducible row by row."""

from tasks.sampling.contract import Engine, Request, Sample, Usage
from tasks.sampling.opening import load_engine

__all__ = ["Engine", "Request", "Sample", "Usage", "load_engine"]
