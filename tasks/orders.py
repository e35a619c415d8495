"""Celery's side of an order: place, cancel, settle, poll. A message is only a hint; the row decides."""

import uuid
from typing import Any

from config.celery import CANCEL_ORDER, PLACE_ENTRY, PLACE_EXIT, POLL_ORDERS, SETTLE_ORDER
from tasks.app import app
from tasks.canceling import cancel_order
from tasks.context import context
from tasks.placing import place_order
from tasks.polling import poll_account
from tasks.settling import settle_order

MAX_COUNTDOWN_S = 20


@app.task(name=PLACE_ENTRY, bind=True, max_retries=None)
def place(task: Any, order_id: str) -> None:
    """Place one buy."""
    _place(task, order_id)


@app.task(name=PLACE_EXIT, bind=True, max_retries=None)
def place_exit(task: Any, order_id: str) -> None:
    """Place one sell: the same way under a name of its own, because a name has one queue (R25)."""
    _place(task, order_id)


@app.task(name=CANCEL_ORDER)
def cancel(order_id: str) -> None:
    """Ask the broker to cancel one order."""
    cancel_order(context(), uuid.UUID(order_id))


@app.task(name=SETTLE_ORDER)
def settle(order_id: str) -> None:
    """Find out what became of one order."""
    settle_order(context(), uuid.UUID(order_id))


@app.task(name=POLL_ORDERS)
def poll(account_id: str) -> None:
    """Ask the broker about an account's working orders."""
    poll_account(context(), uuid.UUID(account_id))


def _place(task: Any, order_id: str) -> None:
    """Place the order; when it was put off, ask Celery to hint again (the row's due time is what counts)."""
    again_s = place_order(context(), uuid.UUID(order_id))
    if again_s is not None and again_s <= MAX_COUNTDOWN_S:
        raise task.retry(countdown=again_s)
