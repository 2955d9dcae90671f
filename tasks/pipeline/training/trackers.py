"""Who is told how a training goes, besides the run page: what the environment names.

`SENTIMILL_TRACKERS` lists trackers that Accelerate knows (`tensorboard`, `mlflow` ...), divided by commas;
`SENTIMILL_TRACKING_DIR` is the folder of those that write files. MLflow has variables of its own
(`MLFLOW_TRACKING_URI`). None of them decides what is learnt.
"""

import os
from importlib.util import find_spec
from typing import NamedTuple

NEEDS_FOLDER = ("tensorboard",)


class Tracking(NamedTuple):
    """Trackers, and where they write."""

    trackers: tuple[str, ...]
    folder: str | None


def wanted_trackers() -> Tracking:
    """Read the environment; without it nobody is told.

    Raises:
        ValueError: A tracker is not installed, or one that writes files has no folder.
    """
    named = (name.strip() for name in os.environ.get("SENTIMILL_TRACKERS", "").split(","))
    trackers = tuple(name for name in named if name)
    folder = os.environ.get("SENTIMILL_TRACKING_DIR") or None
    for name in trackers:
        if find_spec(name) is None:
            raise ValueError(
                f"SENTIMILL_TRACKERS names {name}, which is not installed; expected it. "
                "Run `pip install 'sentimill[tracking]'`, or leave the variable out."
            )
        if name in NEEDS_FOLDER and folder is None:
            raise ValueError(f"SENTIMILL_TRACKING_DIR is empty; expected a folder for {name}. Name one.")
    return Tracking(trackers, folder)
