"""Looks whether the audit trail is sealed in time, and says when it is not: by beat, every ten seconds (MON-001)."""

from config.celery import WATCH_SEALING
from models.unit import StoreError
from services.sealing import NEW_EPOCH, SEAL_LATE, SUBJECT, Patience, sealing_alerts
from tasks.alerting import settle_alerts
from tasks.app import app
from tasks.context import Context, context


@app.task(name=WATCH_SEALING)
def watch() -> None:
    """Raise and close the alerts about sealing."""
    watch_sealing(context())


def watch_sealing(ctx: Context) -> None:
    """Look once; a database that is away has alerts of its own."""
    audit = ctx.settings.audit
    try:
        with ctx.database.statement() as unit:
            wrong = sealing_alerts(unit, Patience(audit.heartbeat, audit.lag_alarm))
    except StoreError:
        return
    settle_alerts(ctx, SUBJECT, wrong=wrong, kinds=[SEAL_LATE, NEW_EPOCH])
