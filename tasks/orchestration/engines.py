"""The one sampling engine of a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from tasks.config import GeneratorConfig
from tasks.orchestration.locking import STOP
from tasks.pipeline.sampling import Engine, load_engine
from tasks.pipeline.sampling.engine.memory import give_back_memory

LOADING = Lock()
ENGINES: dict[GeneratorConfig, Engine] = {}


def engine_of(config: GeneratorConfig) -> Engine:
    """The one engine of this process; cells that start at the same moment wait for it to load.

    Raises:
        InterruptedError: The run was interrupted, and its engine is gone.
    """
    with LOADING:
        if STOP.is_set():
            raise InterruptedError("the run was interrupted; it loads no engine.")
        if config not in ENGINES:
            ENGINES[config] = load_engine(config)
        return ENGINES[config]


@contextmanager
def freed_when_interrupted() -> Iterator[None]:
    """Stop the engine on Ctrl-C, cancelling or a time limit, so that cells that wait for it end at once."""
    STOP.clear()
    try:
        yield
    except TimeoutError:
        _free_engines()  # it hangs: what waits for it would wait in vain
        raise
    except Exception:
        raise  # cells in flight are paid for: let them end and be kept
    except BaseException:
        _free_engines()
        raise


def release_engines() -> None:
    """Free the memory of engines that are done; the next one asked for is loaded again."""
    with LOADING:
        _close_engines()
    give_back_memory()


def _free_engines() -> None:
    STOP.set()
    _close_engines()


def _close_engines() -> None:
    for engine in ENGINES.values():
        engine.close()
    ENGINES.clear()
