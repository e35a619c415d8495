"""What rides on a task's lines, Celery's own about it included, and whose log this is (TRD-001)."""

from collections.abc import Sequence
from typing import Any

from celery.signals import setup_logging, task_postrun, task_prerun

from config import log_context
from config.celery import CANCEL_ORDER, CHECK_BALANCE, PLACE_ENTRY, PLACE_EXIT, POLL_ORDERS, SETTLE_ORDER

# what a task's only argument is
_ARGUMENT = {
    PLACE_ENTRY: "order_id",
    PLACE_EXIT: "order_id",
    CANCEL_ORDER: "order_id",
    SETTLE_ORDER: "order_id",
    POLL_ORDERS: "account_id",
    CHECK_BALANCE: "account_id",
}


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Keep Celery from replacing the process's log; being connected is enough."""


@task_prerun.connect
def begin(task: Any, args: Sequence[Any], **_: Any) -> None:
    """Name the task and what it is about."""
    about = _ARGUMENT.get(task.name)
    log_context.begin(task=task.name, **({about: str(args[0])} if about and args else {}))


@task_postrun.connect
def end(**_: Any) -> None:
    """Forget both: the thread's next task is another."""
    log_context.end()
