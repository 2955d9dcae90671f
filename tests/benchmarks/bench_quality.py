"""Quality of the data: what cleaning finds, wrongly rejects and overlooks, what it costs, and a run's quotas.

Run as:

    python tests/benchmarks/bench_quality.py --real path/to/goemotions --largest 1000000 --per-label 60

The folder given with `--real` holds `train.tsv` and `dev.tsv` (text, label ids, row id) and `labels.txt`, as
the GoEmotions repository publishes them; without it the figures on real text are left out. Figures are merged
into results/bench/quality.json, so that other parts of the benchmark keep theirs.
"""

import argparse
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from recording import record
from sklearn.feature_extraction.text import HashingVectorizer

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from test_cleaning import row  # noqa: E402
from test_cleaning_planted import missed, planted  # noqa: E402
from test_cleaning_unseen import unseen  # noqa: E402

import flows  # noqa: E402, F401  (sets the environment before Prefect is imported)

# isort: split
from prefect import flow  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402

from flows.regenerate import sample_until_filled  # noqa: E402
from tasks.config import CleaningConfig, PlanConfig, RunConfig  # noqa: E402
from tasks.data.language import is_foreign  # noqa: E402
from tasks.data.records import (  # noqa: E402
    Row,
    cell_keys,
)
from tasks.orchestration.run import RunContext, open_run  # noqa: E402
from tasks.pipeline.cleaning import clean_rows  # noqa: E402
from tasks.pipeline.cleaning.clean import clean_text  # noqa: E402
from tasks.pipeline.cleaning.semantic_duplicates import same_meaning  # noqa: E402
from tasks.pipeline.planning.rounds import QuotaState  # noqa: E402
from tasks.stages.balancing import balance  # noqa: E402

OUT = ROOT / "results" / "bench" / "quality.json"
LIMITS = {"too short", "too long"}
"""Lengths are the user's choice and no fault of a text: they do not count as false rejects."""
ALIKE = 0.9
"""Cosine of character 3- to 5-gram counts from which two texts are alike; removal goes by MinHash."""
REQUESTED = 2_000
"""Texts, drawn at random, for which a twin is looked for among all."""
GENERATED = 50_000
"""Generated rows on which the repeats left are measured, about as many as GoEmotions has."""
_SMALL = """
the a and but it was is not so we they i you my our very really never always just again then when
because
"""
_LARGE = """
soup bread coffee waiter kitchen table train bus ticket station driver music concert singer garden
rain sun dog cat neighbour phone screen battery charger shop refund parcel letter teacher exam
lesson school nurse doctor film ending actor story book chapter game goal team coach hotel pillow
shower window price bill tip queue morning evening weekend summer winter holiday cold warm late
early loud quiet kind rude broken clean dirty lovely awful great boring funny sad proud tired waited
ordered loved hated returned missed found lost bought paid called laughed cried slept walked smiled
waited hoped forgot remembered recommend regret thanked blamed argued agreed
"""
SMALL_WORDS, LARGE_WORDS = _SMALL.split(), _LARGE.split()
SMALL_SHARE = 0.4
"""Share of function words, as in English."""


def real_rows(folder: Path) -> list[Row]:
    """Every train and dev row of GoEmotions."""
    names = (folder / "labels.txt").read_text(encoding="utf-8").split()
    rows = []
    for part in ("train", "dev"):
        for line in (folder / f"{part}.tsv").read_text(encoding="utf-8").split("\n"):
            if line:
                text, ids, name = line.rstrip("\r").split("\t")
                rows.append(row(text, name, labels=[names[int(i)] for i in ids.split(",")]))
    return rows


def false_rejects(rows: Sequence[Row]) -> dict[str, object]:
    """Share of real rows that the hygiene rules reject, by rule, and for the label that is hit worst."""
    verdicts = [(clean_text(one, CleaningConfig())[1], one["labels"]) for one in rows]
    wrong = [(rule, labels) for rule, labels in verdicts if rule is not None and rule not in LIMITS]
    hit = Counter(label for _, labels in wrong for label in labels)
    all_of = Counter(label for _, labels in verdicts for label in labels)
    worst = max(all_of, key=lambda label: hit[label] / all_of[label])
    return {
        "real_false_reject": len(wrong) / len(rows),
        "real_false_reject_worst_label": {worst: hit[worst] / all_of[worst]},
        "real_false_reject_by_rule": dict(Counter(rule for rule, _ in wrong).most_common()),
        "real_outside_length_limits": sum(rule in LIMITS for rule, _ in verdicts) / len(rows),
    }


def alike_share(texts: Sequence[str], seed: int = 0) -> float:
    """Share of texts with a twin in the set, by the cosine of character n-grams, asked of `REQUESTED`."""
    counter = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), alternate_sign=False, norm="l2")
    vectors = counter.transform(text.lower() for text in texts)  # (n_texts, 2**20)
    asked = random.Random(seed).sample(range(len(texts)), min(REQUESTED, len(texts)))
    alike = 0
    for first in range(0, len(asked), 250):
        block = asked[first : first + 250]
        cosines = (vectors[block] @ vectors.T).tocsr()
        cosines.data = cosines.data >= ALIKE
        alike += int((cosines.sum(axis=1) > 1).sum())  # each is alike to itself
    return alike / len(asked)


def sentences(n: int, seed: int = 0) -> Iterator[str]:
    """Sentences of six to eighteen words; one in ten is an earlier one with a word changed."""
    draw = random.Random(seed)
    last: list[str] = ["so", "it", "was"]
    for _ in range(n):
        if draw.random() < 0.1:
            last[draw.randrange(len(last))] = _word(draw)
        else:
            last = [_word(draw) for _ in range(draw.randint(6, 18))]
        yield " ".join(last).capitalize() + "."


def _word(draw: random.Random) -> str:
    return draw.choice(SMALL_WORDS if draw.random() < SMALL_SHARE else LARGE_WORDS)


def near_duplicates_left(rows: Sequence[Row]) -> dict[str, float]:
    """Share of texts alike before and after cleaning."""
    kept = clean_rows(rows, CleaningConfig()).kept
    return {
        "near_duplicates_before": alike_share([one["text"] for one in rows]),
        "near_duplicates_left": alike_share([one["text"] for one in kept]),
    }


def generated_rows(n: int) -> list[Row]:
    """Rows that share everything but their text, so that a million fit beside what is measured."""
    blank = row("")
    return [{**blank, "text": text} for text in sentences(n)]


def seconds(n: int) -> tuple[float, float]:
    """Wall-clock and processor seconds of cleaning n generated rows in one process."""
    rows = generated_rows(n)
    start, busy = time.perf_counter(), time.process_time()
    clean_rows(rows, CleaningConfig())
    return time.perf_counter() - start, time.process_time() - busy


def cost(largest: int) -> dict[str, object]:
    """Seconds at 10,000, 100,000 and 1,000,000 rows up to `largest`, and the peak memory at the end.

    Processor seconds stand beside the wall clock: on a busy machine only they can be compared.
    """
    is_foreign(["das", "ist", "ein", "langer", "satz", "auf", "deutsch"], "en")  # loads the language model
    taken = {str(n): seconds(n) for n in (10_000, 100_000, 1_000_000) if n <= largest}
    largest_taken = list(taken)[-1]
    return {
        "texts_per_s": round(int(largest_taken) / taken[largest_taken][0]),
        "texts_per_processor_s": round(int(largest_taken) / taken[largest_taken][1]),
        "seconds_at_10k_100k_1m": {n: round(wall, 2) for n, (wall, _) in taken.items()},
        "processor_seconds_at_10k_100k_1m": {n: round(busy, 2) for n, (_, busy) in taken.items()},
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


@flow(task_runner=ThreadPoolTaskRunner(max_workers=24))
def fill(config: RunConfig) -> tuple[list[Row], QuotaState, RunContext]:
    """The quota loop of `regenerate` up to the split; every text may come from the cache."""
    run = open_run(config)
    done = sample_until_filled(run)
    return run.store.get_rows(balance(run, done)), done, run


def quotas(per_label: int) -> dict[str, object]:
    """How far the labels of a run over 28 labels end from their quota, and what repeats are left in it."""
    rows, done, run = fill(RunConfig(taxonomy="goemotions", plan=PlanConfig(texts_per_label=per_label)))
    counts = Counter(label for one in rows for label in one["labels"])
    texts = [one["text"] for one in rows]
    filled = Counter(key for one in rows for key in cell_keys(one))
    n_short = sum(filled[cell.key] < cell.wanted for cell in done.planned)
    start = time.perf_counter()
    same = sum(same_meaning(texts, [], 0.9))
    return {
        "quota_worst_deviation": max(abs(counts[n] - per_label) / per_label for n in run.taxonomy.names),
        "quota_cells_short": f"{n_short} of {len(done.planned)}",
        "quota_rounds": done.n_rounds,
        "quota_drawn_per_kept": round(sum(done.n_sampled.values()) / len(rows), 2),
        "near_duplicates_left_in_run": alike_share(texts),
        "semantic_duplicates_in_run": same / len(texts),
        "semantic_seconds_per_1000": round(1_000 * (time.perf_counter() - start) / len(texts), 2),
    }


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=Path, help="folder with GoEmotions train.tsv, dev.tsv and labels.txt")
    parser.add_argument("--largest", type=int, default=100_000, help="most generated rows (default 100000)")
    parser.add_argument("--per-label", type=int, default=60, help="texts per label of a run; 0 makes none")
    arguments = parser.parse_args()
    record(OUT, cost(arguments.largest))  # before anything else that takes memory
    faults = planted()
    record(OUT, {"planted_recall": 1 - len(missed(faults)) / len(faults)})
    faults = unseen()
    record(OUT, {"planted_recall_second": 1 - len(missed(faults)) / len(faults)})
    record(OUT, near_duplicates_left(generated_rows(GENERATED)))
    if arguments.texts_per_label:
        record(OUT, quotas(arguments.texts_per_label))
    if arguments.real:
        rows = real_rows(arguments.real)
        record(OUT, false_rejects(rows))
        record(OUT, {f"real_{name}": share for name, share in near_duplicates_left(rows).items()})


if __name__ == "__main__":
    main()
