"""From an order for texts to texts that carry their labels."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Lock

from tasks.caching import stage
from tasks.cleaning import clean_rows
from tasks.config import CleaningConfig, GeneratorConfig, ScrubbingConfig, VerifyingConfig
from tasks.locking import STOP
from tasks.orders import Draft, Order, rows_of
from tasks.parquet import rows_of_parquet
from tasks.realdata import read_real
from tasks.records import BlobRef, DatasetRef, OtherTexts, RealRef, SampledRef, SiftedRefs, TeacherRef
from tasks.sampling import Engine, Request, Sample, load_engine
from tasks.scrubbing import SCRUBBER_VERSION, scrub_rows
from tasks.store import open_store, put_sifted
from tasks.taxonomy import Taxonomy
from tasks.verifying import Teacher, verify_rows

WAKE_S = 1.0
"""A thread that waits for longer without waking cannot be told that its time is up."""
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


def _free_engines() -> None:
    STOP.set()
    for engine in ENGINES.values():
        engine.close()
    ENGINES.clear()


@stage("sample-cell", version="3", outside=True, task_run_name="{order.cell.key}")
def sample_cell_task(
    order: Order, generator: GeneratorConfig, generator_sha256: str, taxonomy: Taxonomy
) -> SampledRef:
    """Texts of one cell; the engine decodes all waiting cells in one batch."""
    engine = engine_of(generator)
    wishes = [Request(w.prompt, w.k, w.seed, w.null_prompt, generator.stop) for w in order.wishes]
    samples = _side_by_side(engine, wishes)
    drafts = [[Draft(s.text, s.finish == "length") for s in texts] for texts in samples]
    name = str(generator.model)
    rows = rows_of(order, drafts, taxonomy, name, generator.revision or generator_sha256)
    n_tokens = sum(s.n_tokens for texts in samples for s in texts)
    return SampledRef(**open_store().put_rows(rows).model_dump(), n_tokens=n_tokens)


def _side_by_side(engine: Engine, requests: Sequence[Request]) -> list[list[Sample]]:
    """Ask for all texts at once, so that few waiting cells fill the batch, too."""
    threads = ThreadPoolExecutor(len(requests))
    asked = [threads.submit(engine.sample, request) for request in requests]
    try:
        while wait(asked, WAKE_S).not_done:
            pass
        return [samples.result() for samples in asked]
    finally:
        threads.shutdown(wait=False)


@stage("collect-texts", outside=True)
def collect_texts_task(real: RealRef | None, earlier: tuple[BlobRef, ...]) -> OtherTexts:
    """Texts that new ones are compared with: people's, and those of earlier runs."""
    store = open_store()
    parts = {
        part: [t.text for t in read_real(real.source, part)] if real else [] for part in ("train", "test")
    }
    runs = [row["text"] for ref in earlier for row in rows_of_parquet(store.get_blob(ref))]
    known, held_out = ([*parts["train"], *runs], parts["test"])
    blobs = [store.put_blob(json.dumps(texts).encode(), ".json") for texts in (known, held_out)]
    return OtherTexts(known=blobs[0], held_out=blobs[1])


@stage("clean", version="2")
def clean_task(
    texts: tuple[DatasetRef, ...], seen: DatasetRef, others: OtherTexts, config: CleaningConfig, judged: bool
) -> SiftedRefs:
    """Strip what can be stripped, reject what cannot be saved; `judged` says whether toxicity is counted."""
    store = open_store()
    rows = [row for ref in texts for row in store.get_rows(ref)]
    known, held_out = (json.loads(store.get_blob(blob)) for blob in (others.known, others.held_out))
    return put_sifted(clean_rows(rows, config, store.get_rows(seen), known, held_out))


@stage("scrub", version=SCRUBBER_VERSION)
def scrub_task(rows: DatasetRef, config: ScrubbingConfig) -> SiftedRefs:
    """Replace names, contact data and demographic words."""
    return put_sifted(scrub_rows(open_store().get_rows(rows), config))


@stage("verify", version="4")
def verify_task(
    rows: DatasetRef,
    taxonomy: Taxonomy,
    config: VerifyingConfig,
    seed: int,
    teacher: TeacherRef | None = None,
) -> SiftedRefs:
    """Count the votes on every label: keep, relabel, mask or drop."""
    store = open_store()
    model = Teacher.from_bytes(store.get_blob(teacher.model)) if teacher else None
    weights = teacher.weights if teacher else None
    return put_sifted(verify_rows(store.get_rows(rows), taxonomy, config, seed, model, weights))
