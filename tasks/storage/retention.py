"""Remove what old runs left in the results block; `make prune KEEP=14`.

Kept are the newest runs, every champion and those before it, and whatever these refer to: cached results,
rows, models.
What was written in the last day stays, too, for a run that is under way may need it.
"""

import json
import re
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from tasks.storage.block import CACHE
from tasks.storage.champions import CHAMPION, read_champions, runs_to_keep
from tasks.storage.locks import exclusive_lock
from tasks.storage.store import ResultsStore

HOUR_S = 3600.0
REF = re.compile(r"(?:data/\w{20}\.\w+|models/\w{20})")
"""A blob or a model as it is named in cached results and in champion.json."""
DATED = re.compile(r"\d{8}-\d{6}")


class Pruned(NamedTuple):
    """What stays, and what was removed."""

    runs: list[str]
    removed: list[str]


def prune(store: ResultsStore, keep: int, grace_s: float, now: float | None = None) -> Pruned:
    """Remove runs and cached results that nothing kept refers to.

    Args:
        store: The results block.
        keep: Newest complete runs that stay, besides the champions'.
        grace_s: Files written within so many seconds stay, whatever refers to them.
        now: Seconds since 1970; the clock's time by default.
    """
    before = (time.time() if now is None else now) - grace_s
    with exclusive_lock(store.scratch("locks"), CHAMPION):
        champions = read_champions(store)
        files = store.written("runs")
        fresh = {_run(path) for path, when in files.items() if when > before}
        runs = kept_runs(files, runs_to_keep(champions), keep)
        stale = _stale_results(store, {*runs, *fresh}, before)
        orphans = _orphans(store, champions, stale, before)
        # Results first: a run that begins now must not be told of rows that are about to go.
        removed = [*stale, *orphans, *(path for path in files if _run(path) not in {*runs, *fresh})]
        for path in removed:
            store.remove(path)
    store.remove_empty_folders()
    return Pruned(runs, removed)


def kept_runs(files: Iterable[str], champions: Iterable[str], keep: int) -> list[str]:
    """The champions' runs and the newest complete ones, by the date in their names."""
    complete = {_run(path) for path in files if path == f"runs/{_run(path)}/scores.json"}
    newest = sorted(complete, key=lambda run: (_date(run), run), reverse=True)[:keep]
    return sorted({*newest, *champions})


def _stale_results(store: ResultsStore, runs: Iterable[str], before: float) -> list[str]:
    """Cached results, and checkpoints, that are old and no part of these runs."""
    wanted = {name for run in runs for name in results_of(store, run)}
    found = {**store.written(CACHE), **(store.written("scratch") if store.is_local else {})}
    return sorted(path for path, when in found.items() if path not in wanted and when <= before)


def _orphans(
    store: ResultsStore, champions: dict[str, Any], stale: Iterable[str], before: float
) -> list[str]:
    """Rows and models that are old and that neither a champion nor a result that stays refers to."""
    wanted = set(REF.findall(json.dumps(champions)))
    for path in set(store.written(CACHE)) - set(stale):
        wanted.update(REF.findall(store.read_path(path).decode()))
    found = {**store.written("data"), **store.written("models")}
    old = (path for path, when in found.items() if when <= before)
    return sorted(path for path in old if wanted.isdisjoint(REF.findall(path)))


def results_of(store: ResultsStore, run: str) -> list[str]:
    """Names of the cached results that a run is made of; none where it was never finished."""
    path = f"runs/{run}/results.json"
    names: list[str] = json.loads(store.read_path(path)) if store.exists(path) else []
    return names


def _run(path: str) -> str:
    return path.split("/")[1]


def _date(run: str) -> str:
    found = DATED.search(run)
    return found.group() if found else ""
