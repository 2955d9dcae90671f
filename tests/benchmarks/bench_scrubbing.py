"""Measures the scrubber: `python tests/benchmarks/bench_scrubbing.py [--data DIR]`.

Prints every figure and writes results/bench/scrubbing.json; with --only, others of the same version stay.
The sentences under `scrubbing/` were written for this project and looked at while the rules were made:
development figures. Those under `scrubbing/unseen/` were written before the tables were last remade; its
second, fourth ... lines were never looked at since. DIR may hold `scrubbing/` (further sets in the same
form), `ner/` (see `tasks/scrubbing/build/corpora.py`) and `goemotions/`; what is missing there is left out
and named. Times are CPU seconds, but for the scaling over processes.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import scrubbing_contacts as contacts
import scrubbing_quality as quality
import scrubbing_speed as speed

from tasks.config import ScrubbingConfig
from tasks.pipeline.scrubbing import SCRUBBER_VERSION, Scrubber

OUT = Path("results/bench/scrubbing.json")
ATTACK_SECONDS = 2.0
# (section, figure): (bound, whether the figure must be at least that; else at most)
TARGETS: dict[tuple[str, str], tuple[float, bool]] = {
    ("sets", "person recall"): (0.93, True),
    ("sets", "person over-scrubbed"): (0.04, False),
    ("sets", "demographic recall"): (0.96, True),
    ("sets", "demographic over-scrubbed"): (0.03, False),
    ("sets", "linked mentions"): (0.97, True),
    ("sets", "linked documents"): (0.85, True),
    ("business", "precision"): (0.93, True),
    ("business", "recall"): (0.95, True),
    ("web text", "f1"): (0.80, True),
    ("origins", "lowest minus mean"): (-0.05, True),
    ("grammar", "object her"): (0.97, True),
    ("grammar", "second verb"): (0.90, True),
    ("grammar", "contraction"): (0.98, True),
    ("grammar", "clefts apart"): (0.992, True),
    **{("contact data", kind): (0.9, True) for kind in contacts.KINDS},
    ("contact data", "phone, international"): (0.95, True),
    ("contact data", "phone, national"): (0.9, True),
    ("people gained", "share of the rows"): (0.01, False),
    ("communities", "at the start of a sentence"): (0.97, True),
    ("communities", "largest difference"): (0.02, False),
    ("agreement", "recall"): (0.95, True),
    ("agreement", "precision"): (0.96, True),
    ("swaps", "names"): (0.98, True),
    ("swaps", "terms"): (0.99, True),
    ("swaps", "gender pairs"): (1.0, True),
    ("properties", "twice is once"): (1.0, True),
    ("properties", "offsets"): (1.0, True),
    ("properties", "batch is one by one"): (1.0, True),
    ("sentiment", "lexicon, changed without"): (0.005, False),
    ("sentiment", "lexicon, changed with persons or demographics"): (0.03, False),
    ("sentiment", "trained, changed without"): (0.005, False),
    ("sentiment", "trained, changed with persons or demographics"): (0.03, False),
    ("speed", "texts per CPU second"): (400.0, True),
    ("speed", "times Presidio's loop"): (15.0, True),
    ("start", "CPU seconds"): (2.5, False),
    ("start", "peak MB"): (250.0, False),
    ("attacks", "the slowest at 200,000 characters"): (ATTACK_SECONDS, False),
    ("attacks", "times as long for five times the length"): (7.5, False),
    ("processes", "two processes over one"): (1.5, True),
    ("growth", "MB grown"): (30.0, False),
}


def sections(scrubber: Scrubber, chosen: argparse.Namespace) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what can be measured with the data at hand."""
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "start": speed.start,
        "own sets": lambda: quality.of_folder(scrubber, quality.OWN),
        "unseen sets": lambda: quality.persons_of(scrubber, quality.OWN / "unseen"),
        "business": lambda: quality.business(scrubber),
        "contact data": lambda: contacts.contacts(scrubber),
    }
    data: Path | None = chosen.data
    if data and (data / "scrubbing").is_dir():
        found["further sets"] = lambda: quality.of_folder(scrubber, data / "scrubbing")
    if data and (data / "ner").is_dir():
        found["web text"] = lambda: quality.web_text(scrubber, data / "ner")
    if data and (data / "ud" / "grammar_check.py").is_file():
        found["grammar"] = lambda: grammar(scrubber, data / "ud")
    found |= {
        "communities": lambda: quality.communities(scrubber),
        "origins": lambda: quality.origins(scrubber),
        "agreement": quality.agreement,
        "swaps": lambda: quality.swaps(scrubber),
        "properties": lambda: quality.properties(scrubber),
    }
    if data and (data / "goemotions").is_dir():
        found["people gained"] = lambda: quality.people_gained(scrubber, data / "goemotions")
        found["sentiment"] = lambda: sentiment(scrubber, data / "goemotions")
    found |= {
        "speed": lambda: speed.speed(scrubber, chosen.texts, chosen.rival_texts),
        "attacks": lambda: speed.attacks(scrubber),
        "processes": lambda: speed.processes(chosen.texts),
        "growth": lambda: speed.growth(scrubber, chosen.growth_texts),
    }
    return {name: measure for name, measure in found.items() if not chosen.only or name in chosen.only}


def sentiment(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Import what needs torch only when it is wanted, so that memory is the scrubber's alone."""
    from scrubbing_sentiment import decisions

    return decisions(scrubber, folder)


def grammar(scrubber: Scrubber, folder: Path) -> dict[str, float]:
    """Import what trains taggers only when it is wanted, for the same reason."""
    from scrubbing_grammar import grammar as measured

    return measured(scrubber, folder)


def verdict(section: str, figure: str, value: float) -> str:
    """Say whether a figure reaches its target."""
    if section == "attacks" and figure in speed.ATTACKS:
        bound, least = ATTACK_SECONDS, False
    else:
        key = ("sets" if section.endswith("sets") else section, figure)
        if key not in TARGETS:
            return ""
        bound, least = TARGETS[key]
    reached = value >= bound if least else value <= bound
    return f"{'reached' if reached else 'MISSED'} ({'>=' if least else '<='} {bound:g})"


def earlier(only: list[str] | None) -> dict[str, Any]:
    """Return what was measured before of this version, where only some sections are measured now."""
    known = json.loads(OUT.read_text(encoding="utf-8")) if only and OUT.is_file() else {}
    return known if known.get("version") == SCRUBBER_VERSION else {"version": SCRUBBER_VERSION}


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with scrubbing/, ner/, goemotions/, any of them")
    parser.add_argument("--texts", type=int, default=2_000, help="texts of about ninety words")
    parser.add_argument(
        "--rival-texts", type=int, default=2_000, help="of these for Presidio; 0 leaves it out"
    )
    parser.add_argument("--growth-texts", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", help="sections to measure")
    chosen = parser.parse_args()
    scrubber = Scrubber(ScrubbingConfig())
    scores = earlier(chosen.only)
    for section, measure in sections(scrubber, chosen).items():
        scores[section] = measure()
        for figure, value in scores[section].items():
            print(f"{section:14}{figure!s:46}{value:12.4g}  {verdict(section, figure, value)}", flush=True)  # noqa: T201
    left_out = [name for name in ("further sets", "web text", "sentiment") if name not in scores]
    print(f"left out for lack of data: {', '.join(left_out) or 'nothing'}")  # noqa: T201
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(scores, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
