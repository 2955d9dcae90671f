"""The ablation on four human data sets in one go, beside what one would take instead of training.

Run as:

    python tests/benchmarks/bench_ablation.py --data DATA               three seeds, at most 3,000 rows an arm
    python tests/benchmarks/bench_ablation.py --data DATA --all-rows    then one seed on all rows, too

DATA holds `goemotions/`, `sst/`, `tweeteval/emotion/` and `tweeteval/sentiment/`; `--sets` names some of
them. Arms that were trained before come from the cache, so a stopped command goes on where it was. Tables go
to results/bench/ablation.md and everything else to results/bench/ablation.json; `--rivals` names the rivals
that are measured beside those that always are. What follows is handed on to `ablate`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from recording import record

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "results" / "bench" / "ablation.json"
TABLES = OUT.with_suffix(".md")
FEW_ROWS = (8, 16, 64)
SHOWN = {"f1_macro": "macro-F1", "f1_micro": "micro-F1", "kappa": "kappa"}


class HumanSet(NamedTuple):
    """A data set, the labels that it is measured in, and how all its rows are learnt from.

    Sets without `all_rows` have no more rows than an arm takes anyway.
    """

    folder: str
    taxonomy: str
    topics: str | None = None
    all_rows: tuple[str, ...] = ()


SETS = {
    "goemotions": HumanSet(
        "goemotions", "goemotions", all_rows=("--row-passes", "110000", "--training.ema-decay", "0.999")
    ),
    "sst": HumanSet("sst", "sentiment7", all_rows=("--row-passes", "26000")),
    "tweet-emotion": HumanSet(
        "tweeteval/emotion", "examples/tweet_emotion/taxonomy.yaml", "examples/tweet_emotion/topics.yaml"
    ),
    "tweet-sentiment": HumanSet("tweeteval/sentiment", "polarity3"),
}


def command_of(human: HumanSet, args: argparse.Namespace, all_rows: bool) -> list[str]:
    """The `ablate` command of one data set, with at most so many rows per arm as `ablate` takes, or all."""
    options = {
        "--taxonomy": human.taxonomy,
        "--real": f"{args.data}/{human.folder}",
        "--real-fractions": "[]",
        "--few-rows": json.dumps([] if all_rows else args.few_rows),
        "--seeds": "1" if all_rows else str(args.seeds),
        "--evaluation.rivals": json.dumps([] if all_rows else args.rivals),
        "--rivals.texts": str(args.rival_texts),
        **({"--rows-per-arm": "null"} if all_rows else {}),
        **({"--plan.topics-file": human.topics} if human.topics else {}),
    }
    rows = human.all_rows if all_rows else ()
    return ["ablate", *(part for option in options.items() for part in option), *rows, *args.more]


def measure(human: HumanSet, args: argparse.Namespace, all_rows: bool) -> dict[str, Any]:
    """Run the ablation of one data set; what it wrote, with the time that it took and its command."""
    command = command_of(human, args, all_rows)
    results = Path(os.environ.setdefault("SENTIMILL_RESULTS", str(ROOT / "results")))
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tasks.cli", *command], cwd=ROOT, check=True)
    taxonomy = Path(human.taxonomy)
    page_name = taxonomy.parent.name if taxonomy.suffix else str(taxonomy)
    page: dict[str, Any] = json.loads((results / "ablation" / f"{page_name}.json").read_text())
    return {
        "command": f"sentimill {' '.join(command)}",
        "minutes": (time.perf_counter() - started) / 60,
        "rows_per_arm": page["rows_per_arm"],
        **{key: page[key] for key in ("created", "test_rows", "seeds", "caution", "rows")},
        **{key: page[key] for key in ("arms", "differences", "costs", "texts_labelled")},
    }


def table(name: str, page: Mapping[str, Any]) -> Iterator[str]:
    """One data set as Markdown: every arm and rival, then every difference."""
    scores = {key: title for key, title in SHOWN.items() if key in page["arms"]["synthetic"]}
    rows = f"at most {page['rows_per_arm']:,} rows per arm" if page["rows_per_arm"] else "all rows"
    yield f"## {name}\n\n{page['test_rows']:,} human-written texts, {page['seeds']} seed(s), {rows}; "
    yield f"{page['minutes']:.0f} minutes, {page['created'][:10]}.\n\n```bash\n{page['command']}\n```\n\n"
    if page["caution"]:
        yield f"{page['caution']}\n\n"
    yield f"| trained on, or labelled by | {' | '.join(scores.values())} | texts | texts/s |\n"
    yield f"|---|{'---:|' * (len(scores) + 2)}\n"
    for arm, found in page["arms"].items():
        speed = page["costs"].get(arm, {}).get("texts_per_second")
        values = [_interval(found[key], "") for key in scores]
        labelled = page["texts_labelled"][arm]
        yield f"| {arm} | {' | '.join(values)} | {labelled:,} | {f'{speed:,.0f}' if speed else ''} |\n"
    yield f"\n| difference, paired | {' | '.join(scores.values())} |\n|---|{'---:|' * len(scores)}\n"
    for pair, found in page["differences"].items():
        yield f"| {pair} | {' | '.join(_interval(found[key], '+') for key in scores)} |\n"
    yield "\n"


def _interval(value: Mapping[str, float], sign: str) -> str:
    return f"{value['value']:{sign}.3f} [{value['low']:{sign}.3f}, {value['high']:{sign}.3f}]"


def main() -> None:
    """Measure the sets that were asked for, and write each table as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with the data sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--few-rows", type=int, nargs="*", default=list(FEW_ROWS))
    parser.add_argument("--rivals", nargs="*", default=["generator", "setfit"])
    parser.add_argument("--rival-texts", type=int, default=100, help="texts that a slow rival labels")
    parser.add_argument("--all-rows", action="store_true")
    args, args.more = parser.parse_known_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    measured = [(name, False) for name in args.sets]
    if args.all_rows:
        measured += [(name, True) for name in args.sets if SETS[name].all_rows]
    for name, all_rows in measured:
        key = f"{name}, all rows" if all_rows else name
        record(OUT, {key: {"commit": commit, "machine": machine, **measure(SETS[name], args, all_rows)}})
        known = json.loads(OUT.read_text(encoding="utf-8"))
        head = f"# Ablation on human text\n\n{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {machine}.\n\n"
        TABLES.write_text(head + "".join("".join(table(*item)) for item in known.items()), encoding="utf-8")


if __name__ == "__main__":
    main()
