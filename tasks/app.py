"""The Celery application of the workers and the beat; publishers use `events/hints.py`."""

from celery import Celery

from config.celery import (
    CHECK_BALANCES,
    ENSURE_PARTITIONS,
    RECONCILE_ACCOUNTS,
    RECONCILE_TICK_S,
    SELL_TICK,
    SWEEP_ORDERS,
    SYNC_INSTRUMENTS,
    WATCH_SEALING,
    celery_settings,
)
from config.settings import load_settings
from events import kombu_guard
from tasks import log_scope  # noqa: F401  connects Celery's signals

kombu_guard.install()
_settings = load_settings()

_TASKS = ("orders", "balances", "instruments", "partitions", "reconciling", "sealing_watch", "sweeping", "sell")

app = Celery("opitios", include=[f"tasks.{name}" for name in _TASKS])
app.conf.update(celery_settings(_settings.redis_url.get_secret_value(), events=_settings.worker.events))
app.conf.beat_schedule = {
    CHECK_BALANCES: {"task": CHECK_BALANCES, "schedule": 10.0, "options": {"expires": 10}},
    RECONCILE_ACCOUNTS: {"task": RECONCILE_ACCOUNTS, "schedule": RECONCILE_TICK_S, "options": {"expires": 5}},
    SYNC_INSTRUMENTS: {"task": SYNC_INSTRUMENTS, "schedule": 10.0, "options": {"expires": 10}},
    SWEEP_ORDERS: {"task": SWEEP_ORDERS, "schedule": 2.0, "options": {"expires": 5}},
    SELL_TICK: {"task": SELL_TICK, "schedule": 1.0, "options": {"expires": 1}},
    WATCH_SEALING: {"task": WATCH_SEALING, "schedule": 10.0, "options": {"expires": 10}},
    ENSURE_PARTITIONS: {"task": ENSURE_PARTITIONS, "schedule": 3600.0, "options": {"expires": 3600}},
}
