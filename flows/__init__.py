"""The flows: what a run is, in one screen of calls each."""

import os

# A run by hand needs no server and should print its own lines alone. Whatever is set already wins.
for _name, _value in {
    "DO_NOT_TRACK": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}.items():
    if "PREFECT_API_URL" not in os.environ or not _name.startswith("PREFECT_LOGGING"):
        os.environ.setdefault(_name, _value)
