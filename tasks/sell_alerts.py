"""What a tick tells: that no watched position has a price (MON-002, US-SYSTEM-012)."""

from collections.abc import Mapping

from domain.alerts import Severity
from services.alerts import Alert
from tasks.alerting import settle_alerts
from tasks.context import Context

PRICES_UNAVAILABLE = "sell_prices_unavailable"
SUBJECT = "sell_module"
TICKS_IN_A_ROW = 3


def tell_prices(ctx: Context, positions: int, failures: Mapping[str, int]) -> None:
    """Take in one tick: how many positions it watched, and how many of them had no price, by type.

    Three in a row without any price are an alert; one price, or nothing left to watch, is its end.
    """
    before, is_blind = ctx.blind_ticks, 0 < positions <= sum(failures.values())
    ctx.blind_ticks = (before or 0) + 1 if is_blind else 0
    if ctx.blind_ticks == TICKS_IN_A_ROW:
        settle_alerts(ctx, SUBJECT, wrong=[_alert(positions, failures)], kinds=[PRICES_UNAVAILABLE])
    elif not is_blind and (before is None or before >= TICKS_IN_A_ROW):
        settle_alerts(ctx, SUBJECT, wrong=[], kinds=[PRICES_UNAVAILABLE])


def _alert(positions: int, failures: Mapping[str, int]) -> Alert:
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(failures.items()))
    message = f"no price for any of {positions} positions in {TICKS_IN_A_ROW} ticks ({counts}): nothing can be sold"
    return Alert(
        kind=PRICES_UNAVAILABLE,
        subject=SUBJECT,
        severity=Severity.CRITICAL,
        message=message,
        detail={"positions": positions} | dict(failures),
    )
