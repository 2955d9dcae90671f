"""From an order for texts to texts that carry their labels."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from tasks.caching import stage
from tasks.cleaning import clean_rows
from tasks.config import CleaningConfig, GeneratorConfig, ScrubbingConfig, VerifyingConfig
from tasks.locking import STOP
from tasks.orders import Draft, Order, rows_of
from tasks.records import DatasetRef, SiftedRefs
from tasks.sampling import Engine, Request, load_engine
from tasks.scrubbing import SCRUBBER_VERSION, scrub_rows
from tasks.store import open_store, put_sifted
from tasks.taxonomy import Taxonomy
from tasks.verifying import verify_rows

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
    """Stop the engine on Ctrl-C or cancelling, so that the cells that wait for it end at once."""
    STOP.clear()
    try:
        yield
    except Exception:
        raise  # cells in flight are paid for: let them end and be kept
    except BaseException:
        STOP.set()
        for engine in ENGINES.values():
            engine.close()
        ENGINES.clear()
        raise


@stage("sample-cell", version="1", outside=True, task_run_name="{order.cell.key}")
def sample_cell(
    order: Order, generator: GeneratorConfig, generator_sha256: str, taxonomy: Taxonomy
) -> DatasetRef:
    """Texts of one cell; the engine decodes all waiting cells in one batch."""
    engine = engine_of(generator)
    wishes = [Request(w.prompt, w.k, w.seed, w.null_prompt) for w in order.wishes]
    texts = [[Draft(s.text, s.finish == "length") for s in engine.sample(wish)] for wish in wishes]
    name = str(generator.model)
    return open_store().put_rows(
        rows_of(order, texts, taxonomy, name, generator.revision or generator_sha256)
    )


@stage("clean")
def clean(texts: tuple[DatasetRef, ...], seen: DatasetRef, config: CleaningConfig) -> SiftedRefs:
    """Strip what can be stripped, reject what cannot be saved."""
    store = open_store()
    rows = [row for ref in texts for row in store.get_rows(ref)]
    return put_sifted(clean_rows(rows, config, store.get_rows(seen)))


@stage("scrub", version=SCRUBBER_VERSION)
def scrub(rows: DatasetRef, config: ScrubbingConfig) -> SiftedRefs:
    """Replace names, contact data and demographic words."""
    return put_sifted(scrub_rows(open_store().get_rows(rows), config))


@stage("verify", version="2")
def verify(rows: DatasetRef, labels: tuple[str, ...], config: VerifyingConfig, seed: int) -> SiftedRefs:
    """Drop rows whose label their neighbours dispute."""
    return put_sifted(verify_rows(open_store().get_rows(rows), labels, config, seed))
