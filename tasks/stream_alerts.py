"""Alerts about streams, raised by a worker: the process that should keep them may be the one that is away (MON-001)."""

from domain.alerts import Severity
from services.alerts import Alert, open_alerts
from services.streams import DownStream, down_streams
from tasks.alerting import settle_alerts
from tasks.context import Context

STREAM_DOWN = "stream_down"


def watch_streams(ctx: Context) -> None:
    """Raise an alert for every account whose stream is away for half a minute, and close those of streams that came."""
    with ctx.database.statement() as unit:
        down = down_streams(unit)
        told = [alert.subject for alert in open_alerts(unit) if alert.kind == STREAM_DOWN]
    for name in sorted({*down, *told}):
        wrong = [_alert(down[name])] if name in down else []
        settle_alerts(ctx, name, wrong=wrong, kinds=[STREAM_DOWN])


def _alert(stream: DownStream) -> Alert:
    return Alert(
        kind=STREAM_DOWN,
        subject=stream.name,
        severity=Severity.WARNING,
        message=f"no stream for {stream.seconds} s: fills are found by polls, seconds later",
        account_id=stream.account_id,
        detail={"account": stream.name, "seconds": stream.seconds},
    )
