"""The quota loop: what the next round samples, what came of it, and when to stop."""

import time
from collections import Counter
from dataclasses import replace

from tasks.data.plan_scores import Round
from tasks.data.real_rows import label_set_counts
from tasks.data.records import FilterResult
from tasks.orchestration import artifacts
from tasks.orchestration.run import RunContext
from tasks.pipeline.planning.cells import plan_cells
from tasks.pipeline.planning.rounds import QuotaState, after_sampling, with_next_cells
from tasks.pipeline.reporting.summaries import cell_counts, rejected_examples
from tasks.pipeline.sampling.throughput import throughput_rows
from tasks.pipeline.verification import outcome_counts
from tasks.stages.filtering import RoundFilters
from tasks.stages.sampling import SampledTexts


def plan(run: RunContext) -> QuotaState:
    """Every cell with the texts that it wants, and the first round; no cell if no text is to be sampled."""
    cells = []
    if run.wants_synthetic:
        real_counts = label_set_counts(run.real.source, run.taxonomy) if run.real else None
        cells = plan_cells(run.config, run.taxonomy, run.topics, real_counts)
    empty = run.store.put_rows([])
    quotas = QuotaState(planned=tuple(cells), accepted=empty, pool=empty)
    return with_next_cells(quotas, {}, run.config, time.monotonic() - run.started)


def next_round(
    run: RunContext, quotas: QuotaState, texts: SampledTexts, filtered: RoundFilters
) -> QuotaState:
    """Put a round on the account and on the run page, and choose what the next one samples."""
    done = replace(
        after_sampling(quotas, texts.n_tokens),
        accepted=filtered.verified.kept,
        pool=filtered.pool,
        before_scrubbing=(*quotas.before_scrubbing, filtered.cleaned.kept),
    )
    n_accepted = cell_counts(run.store.get_rows(done.accepted))
    run.ledger.add_rejects(filtered.cleaned.rejects)
    run.ledger.add_rejects(filtered.scrubbed.rejects)
    run.ledger.add_round(
        Round(
            number=done.n_rounds,
            n_sampled=sum(done.n_sampled.values()),
            accepted=n_accepted.total(),
            missing=sum(max(0, cell.wanted - n_accepted[cell.key]) for cell in done.planned),
            tokens=done.n_tokens,
        ),
        texts.throughput,
        filtered.verified.rejects,
    )
    _show_round(run, done, n_accepted)
    return with_next_cells(done, n_accepted, run.config, time.monotonic() - run.started)


def _show_round(run: RunContext, quotas: QuotaState, n_accepted: Counter[str]) -> None:
    """Put the state after a round on the run page."""
    so_far = f"up to round {quotas.n_rounds}"
    artifacts.show_cells(quotas.planned, n_accepted, quotas.n_rounds)
    throughput = throughput_rows(run.ledger.throughput, [round_.accepted for round_ in run.ledger.rounds])
    artifacts.show_table("throughput", throughput, f"Sampling throughput, {so_far}")
    rejects = run.rejected_rows()
    counts, examples = FilterResult([], rejects).counts(), rejected_examples(rejects, run.config.seed)
    artifacts.show_rejects(counts, examples, f"Rejected texts by reason, {so_far}")
    votes = outcome_counts(run.store.get_rows(quotas.accepted))
    artifacts.show_counts("votes", votes, f"What the votes decided about kept texts, {so_far}")
