"""Celery's settings for publishers and workers alike; docs/decisions/0004-celery-and-the-row.md has the reasons."""

from typing import Any

from domain.orders import Lane

ENTRY_QUEUE = "orders.entry"
EXIT_QUEUE = "orders.exit"
CANCEL_QUEUE = "orders.cancel"
SELL_QUEUE = "sell"
BACKGROUND_QUEUE = "background"

PLACE_ENTRY = "orders.place"
PLACE_EXIT = "orders.place_exit"
CANCEL_ORDER = "orders.cancel"
SETTLE_ORDER = "orders.settle"
POLL_ORDERS = "orders.poll"
CHECK_BALANCE = "balances.check"
CHECK_BALANCES = "balances.check_all"
RECONCILE_ACCOUNT = "accounts.reconcile"
RECONCILE_ACCOUNTS = "accounts.reconcile_due"
SYNC_INSTRUMENTS = "instruments.sync"
SELL_TICK = "sell.tick"
SWEEP_ORDERS = "orders.sweep"
ENSURE_PARTITIONS = "audit.ensure_partitions"
WATCH_SEALING = "audit.watch_sealing"

RECONCILE_TICK_S = 2.0

QUEUE_OF = {
    PLACE_ENTRY: ENTRY_QUEUE,
    PLACE_EXIT: EXIT_QUEUE,
    CANCEL_ORDER: CANCEL_QUEUE,
    SETTLE_ORDER: BACKGROUND_QUEUE,
    POLL_ORDERS: BACKGROUND_QUEUE,
    CHECK_BALANCE: BACKGROUND_QUEUE,
    CHECK_BALANCES: BACKGROUND_QUEUE,
    RECONCILE_ACCOUNT: BACKGROUND_QUEUE,
    RECONCILE_ACCOUNTS: BACKGROUND_QUEUE,
    SYNC_INSTRUMENTS: BACKGROUND_QUEUE,
    SELL_TICK: SELL_QUEUE,
    SWEEP_ORDERS: BACKGROUND_QUEUE,
    ENSURE_PARTITIONS: BACKGROUND_QUEUE,
    WATCH_SEALING: BACKGROUND_QUEUE,
}

# eight entries that hang occupy every thread of their worker: what closes a position never waits behind them (R25)
WORKER_QUEUES = {
    "entries": (ENTRY_QUEUE,),
    "exits": (EXIT_QUEUE, CANCEL_QUEUE),
    "sell": (SELL_QUEUE,),
    "background": (BACKGROUND_QUEUE,),
}


def placing_task(lane: Lane) -> str:
    """Return the task that places an order of this lane."""
    return PLACE_EXIT if lane is Lane.EXIT else PLACE_ENTRY


def celery_settings(redis_url: str, *, events: bool) -> dict[str, Any]:
    """Return one configuration: JSON only, no results, late acknowledgement, short timeouts towards Redis."""
    return {
        "broker_url": redis_url,
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "task_acks_on_failure": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": 60,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
        "broker_pool_limit": 10,
        "worker_eta_task_limit": 1000,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_send_task_events": events,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "task_default_queue": BACKGROUND_QUEUE,
        "task_routes": {name: {"queue": queue} for name, queue in QUEUE_OF.items()},
        "enable_utc": True,
        "timezone": "UTC",
    }
