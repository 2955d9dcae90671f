"""The model that is served, the queue before it, and the change from one champion to the next."""

import asyncio
import logging
from collections.abc import Sequence

from deployments.api import metrics
from deployments.api.batching import Batcher
from deployments.api.loading import Served, load
from deployments.api.predicting import Item, Prediction, predict_items
from deployments.api.settings import CHAMPION, ApiSettings
from deployments.api.sources import Source, find

WARM_UP = ["The soup was cold, but Anna Smith was kind."] * 8
log = logging.getLogger("sentimill.api")


class Service:
    """Judges texts with the served model; a new champion takes over between two batches.

    Attributes:
        served: The model; None until it is loaded.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self.settings = settings
        self.served: Served | None = None
        self._source: Source | None = None
        self._refused: Source | None = None
        self._account: metrics.Account | None = None
        self._follower: asyncio.Task[None] | None = None
        self.batcher: Batcher[Item, Prediction] = Batcher(
            predict_items, settings.batch_texts, settings.queue_texts, settings.wait_s, self._observe
        )

    async def start(self) -> None:
        """Load the model and begin to take texts.

        Raises:
            ValueError, OSError: There is no model, or it is damaged.
        """
        source = await asyncio.to_thread(find, self.settings)
        await self._take_over(source)
        self.batcher.start()
        if self.settings.model == CHAMPION:
            self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Finish what was taken."""
        if self._follower:
            self._follower.cancel()
        await self.batcher.stop()

    async def predict(
        self, served: Served, texts: Sequence[str], scrub: bool, timeout_s: float
    ) -> list[Prediction]:
        """Judge texts by one model; see `Batcher.submit` for what it raises."""
        return await self.batcher.submit([Item(served, text, scrub) for text in texts], timeout_s)

    def note(self, predictions: list[Prediction]) -> None:
        """Count what was answered."""
        if self._account and self._account.served is predictions[0].served:
            self._account.note(predictions)
        if self.settings.log_texts:
            for each in predictions:
                log.info("judged %r", each.text)

    def _observe(self, n_texts: int, seconds: float) -> None:
        metrics.batch_size.observe(n_texts)
        metrics.batch_time.observe(seconds)
        metrics.queue.set(self.batcher.waiting)

    async def _take_over(self, source: Source) -> None:
        """Load beside what is served, warm up, swap."""
        served = await asyncio.to_thread(load, source, self.settings)
        await asyncio.to_thread(predict_items, [Item(served, text, True) for text in WARM_UP])
        self._account, self.served, self._source = metrics.Account(served), served, source
        metrics.swaps.labels(source.run).inc()
        log.info("serving %s (%s, %s, %s)", served.run, served.sha256[:12], served.runtime, served.precision)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.settings.follow_s)
            await self.look()

    async def look(self) -> None:
        """Take over the champion if it is another; what cannot be served is logged once and left alone."""
        source = None
        try:
            source = await asyncio.to_thread(find, self.settings)
            if source not in (self._source, self._refused):
                await self._take_over(source)
        except Exception as error:  # whatever is wrong with the new one, the old one goes on
            if source is None or source != self._refused:
                log.warning("%s stays: %s", self.served.run if self.served else "nothing", error)
            self._refused = source or self._refused
