"""Where the benchmarks of one issue put their figures side by side."""

import json
import sys
from pathlib import Path


def record(out: Path, figures: dict[str, object]) -> None:
    """Merge figures into the results file and print them."""
    known = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({**known, **figures}, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
