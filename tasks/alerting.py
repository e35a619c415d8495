"""Alerts of a worker: written after the transaction that they report on, in one of their own (MON-001)."""

from collections.abc import Sequence

from loguru import logger

from models.unit import StoreAway, StoreError
from services.alerts import Alert, raise_alert, resolve_alerts
from services.origin import Stamp
from services.spooled import raised
from services.spooled import resolved as resolved_line
from tasks.context import Context


def settle_alerts(ctx: Context, subject: str, *, wrong: Sequence[Alert], kinds: Sequence[str]) -> None:
    """Raise what is wrong with a subject now, and close its other open alerts of these kinds.

    A new alert is one ERROR line, its end one INFO line. A store that takes neither costs nothing but a line: the next
    look at the same subject says the same again. While Postgres is away they wait in the spool.
    """
    now = ctx.clock.now()
    gone = sorted(set(kinds) - {alert.kind for alert in wrong})
    try:
        with ctx.database.statement() as unit:
            told = [alert for alert in wrong if raise_alert(unit, alert, now=now, ids=ctx.ids, origin=ctx.origin)]
            resolved = resolve_alerts(unit, gone, subject, now=now)
    except StoreAway:
        by = Stamp(now, ctx.ids, ctx.origin)
        ctx.spool.keep([raised(alert, by) for alert in wrong] + [resolved_line(gone, subject, by)])
        told, resolved = list(wrong), []
    except StoreError as error:
        logger.error("Alerts about {} could not be kept: {}", subject, type(error).__name__)
        told, resolved = list(wrong), []
    for alert in told:
        fields = " ".join(f"{name}={value}" for name, value in alert.detail.items())
        logger.error("Alert {} ({}) {}: {} [{}]", alert.kind, alert.severity, subject, alert.message, fields)
    for kind in resolved:
        logger.info("Alert {} resolved: {}", kind, subject)
