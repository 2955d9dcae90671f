"""Measure the champion again, and fail if it fell below what was recorded when it was crowned.

    python -m flows.audit_model                                     on the test texts of its own run
    python -m flows.audit_model --taxonomy goemotions --real DIR    on people's text

Trigger: every week (deployments/prefect.yaml), or by hand. On a server, an audit that fails starts
`regenerate/nightly` (deployments/automations.py).
"""

from prefect import flow

from tasks.auditing import Audit, judge, measure_champion, open_champion, texts_to_measure
from tasks.commandline import run_audit
from tasks.config import AuditConfig

DEFAULT = AuditConfig()


@flow(name="audit-model", flow_run_name="{config.taxonomy}")
def audit_model(config: AuditConfig = DEFAULT) -> Audit:
    """Compare what the champion is worth today with what was recorded.

    Args:
        config: Every knob of the audit.
    """
    champion = open_champion(config)
    texts = texts_to_measure(champion, config)
    metrics = measure_champion(champion.model, texts, champion.taxonomy)
    return judge(champion, metrics, config)


if __name__ == "__main__":
    run_audit(audit_model)
