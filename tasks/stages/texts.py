"""From an order for texts to texts that carry their labels."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

from tasks.caching import stage
from tasks.cleaning import clean_rows
from tasks.config import CleaningConfig, GeneratorConfig, ScrubbingConfig, VerifyingConfig
from tasks.orders import Draft, Order, rows_of
from tasks.records import DatasetRef, SiftedRefs
from tasks.sampling import Engine, Request, load_engine
from tasks.scrubbing import SCRUBBER_VERSION, scrub_rows
from tasks.store import open_store, put_sifted
from tasks.taxonomy import Taxonomy
from tasks.verifying import verify_rows

LOADING = Lock()


def engine_of(config: GeneratorConfig) -> Engine:
    """The one engine of this process; cells that start at the same moment wait for it to load."""
    with LOADING:
        return _loaded(config)


@cache
def _loaded(config: GeneratorConfig) -> Engine:
    return load_engine(config)


@stage("sample-cell", version="1", task_run_name="{order.cell.key}")
def sample_cell(
    order: Order, generator: GeneratorConfig, generator_sha256: str, taxonomy: Taxonomy
) -> DatasetRef:
    """Texts of one cell; the engine decodes all waiting cells in one batch."""
    engine = engine_of(generator)
    wishes = [Request(w.prompt, w.k, w.seed, w.null_prompt) for w in order.wishes]
    # Side by side, so that few waiting cells fill the batch, too.
    with ThreadPoolExecutor(len(wishes)) as threads:
        samples = list(threads.map(engine.sample, wishes))
    texts = [[Draft(s.text, s.finish == "length") for s in cell] for cell in samples]
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
