"""Measure the champion again, and fail if it fell below what was recorded, or treats people too differently.

    sentimill audit                                     on the test texts of its own run
    sentimill audit --taxonomy goemotions --real DIR    on human-written text

Trigger: every week (deployments/prefect.yaml), or by hand. On a server, an audit that fails starts
`regenerate/nightly` (deployments/automations.py).
"""

from prefect import flow

from tasks.config import AuditConfig
from tasks.stages.champion_audit import (
    ChampionAudit,
    compare_with_recorded,
    measure_champion,
    measure_fairness,
    open_champion,
    texts_to_measure,
)

DEFAULT = AuditConfig()


@flow(name="audit-model", flow_run_name="{config.taxonomy}")
def audit_model(config: AuditConfig = DEFAULT) -> ChampionAudit:
    """Compare what the champion is worth today with what was recorded.

    Args:
        config: Every option of the audit.
    """
    champion = open_champion(config)
    texts = texts_to_measure(champion, config)
    metrics = measure_champion(model=champion.model, rows=texts, taxonomy=champion.taxonomy)
    fairness = measure_fairness(model=champion.model, taxonomy=champion.taxonomy, config=config)
    return compare_with_recorded(champion, metrics, config, fairness)
