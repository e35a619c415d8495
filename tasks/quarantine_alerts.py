"""Alerts about orders that wait for an operator's word, raised again at each look until the word is given (R11)."""

import uuid

from models.unit import StoreError
from services.quarantine import KIND, alert_of
from services.reconcile import quarantined_orders
from tasks.alerting import settle_alerts
from tasks.context import Context


def tell_quarantined(ctx: Context, account_id: uuid.UUID, account: str) -> None:
    """Raise the alert of every quarantined order of an account."""
    try:
        with ctx.database.statement() as unit:
            found = quarantined_orders(unit, account_id)
    except StoreError:
        return  # the next look at the account says it
    for order in found:
        alert = alert_of(order.order_id, account_id, account, order.reason)
        settle_alerts(ctx, str(order.order_id), wrong=[alert], kinds=[KIND])
