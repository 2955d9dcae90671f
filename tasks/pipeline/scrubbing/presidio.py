"""The parts of Presidio that the scrubber builds on, imported light.

Importing Presidio also imports the deep-learning back ends of spaCy and Hugging Face wherever these are
installed: six seconds and 430 MB that the embedded scrubber has no use for. They are hidden while Presidio
loads, unless the process has them already; later imports of them work as always. A spaCy pipeline that runs
on torch (profile `hub`) needs `import torch` before this package.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HEAVY = ("torch", "transformers", "stanza", "gliner", "flair", "cupy", "tensorflow", "mxnet")


@contextmanager
def hidden(modules: tuple[str, ...]) -> Iterator[None]:
    """Make modules that are not loaded yet look as if they were not installed."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


with hidden(HEAVY if "torch" not in sys.modules else ()):
    from presidio_analyzer import (
        AnalyzerEngine,
        BatchAnalyzerEngine,
        EntityRecognizer,
        RecognizerRegistry,
        RecognizerResult,
    )
    from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
    from presidio_anonymizer import AnonymizerEngine
    from presidio_anonymizer.entities import ConflictResolutionStrategy, OperatorConfig
    from presidio_anonymizer.operators import Operator, OperatorType

# Presidio tells of every text and recogniser on these; nothing of a text may reach a log.
logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
logging.getLogger("presidio-anonymizer").setLevel(logging.ERROR)

__all__ = [
    "AnalyzerEngine",
    "AnonymizerEngine",
    "BatchAnalyzerEngine",
    "ConflictResolutionStrategy",
    "ContextAwareEnhancer",
    "EntityRecognizer",
    "NlpArtifacts",
    "NlpEngine",
    "Operator",
    "OperatorConfig",
    "OperatorType",
    "RecognizerRegistry",
    "RecognizerResult",
]
