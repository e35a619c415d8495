"""How the seller is: its state, ticks, sells, failures, what is stale and what is due, in few statements (MON-002)."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.order_state import TERMINAL
from models.unit import Row, Unit
from services.order_facts import SELLER
from services.sell_module import Switch, read_switch

RESTARTED = "sell_module_restarted"

QUIET_INTERVALS = 3
LEAST_QUIET = dt.timedelta(seconds=10)
_MOST_SHOWN = 10
_TREND_HOURS = 6


class SellState(StrEnum):
    """`stale`: switched on, and without a tick for three intervals (ten seconds at least)."""

    RUNNING = "running"
    STOPPED = "stopped"
    STALE = "stale"
    NEVER_RAN = "never_ran"


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the watch needs: whether it is to run, how long ago the last tick began, whether that one is still at work.

    `quiet_s` counts from the last tick or from the start that came after it; None where neither was. `interval` is the
    one on record, of whoever reads `secrets.yml`; None before anybody has.
    """

    running: bool
    quiet_s: float | None  # float: seconds of a clock
    tick_s: float | None  # float: seconds of a clock
    is_at_work: bool
    tick_process: str | None
    interval: dt.timedelta | None


@dataclass(frozen=True, slots=True)
class TickTimes:
    """Ticks of a span of time: how many, and their duration in ms; None where there was none."""

    ticks: int
    degraded: int
    p50_ms: Decimal | None
    p95_ms: Decimal | None


@dataclass(frozen=True, slots=True)
class TrendHour:
    """The ticks of one hour; `hours_ago` is 0 for the last sixty minutes."""

    hours_ago: int
    ticks: int
    p95_ms: Decimal


@dataclass(frozen=True, slots=True)
class LastTick:
    """The last tick on record: its times, and what it looked at; `total_ms` and `price_ms` in ms."""

    begun_at: dt.datetime
    total_ms: Decimal
    price_ms: Decimal
    process: str
    degraded: bool
    accounts: int
    positions: int
    requests: int
    exits: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Sells:
    """The seller's orders of the last day. `succeeded` have filled, whole or in part; `open` ones have not ended.

    `failed` are those that ended without a fill: rejected, expired or cancelled.
    """

    attempted: int
    succeeded: int
    failed: int
    open: int
    last_at: dt.datetime | None

    @property
    def success_rate(self) -> Decimal | None:
        """What share of those that have ended succeeded, None where none has."""
        ended = self.succeeded + self.failed
        return round(Decimal(self.succeeded) / ended, 4) if ended else None


@dataclass(frozen=True, slots=True)
class StalePosition:
    """A position whose owner lets the seller sell it, and which has had no price for three intervals."""

    account: str
    symbol: str
    marked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class DueCancel:
    """An order that is to be cancelled unfilled, and when."""

    order_id: uuid.UUID
    account: str
    symbol: str
    source: str
    due_at: dt.datetime


@dataclass(frozen=True, slots=True)
class SellHealth:
    """All of it. Failures are counted by their type over the last hour and the last day, the rest over the last day."""

    state: SellState
    switch: Switch
    quiet_s: float | None  # float: seconds of a clock
    last_tick: LastTick | None
    last_hour: TickTimes
    trend: Sequence[TrendHour]
    sells: Sells
    price_failures_hour: Mapping[str, int]
    price_failures_day: Mapping[str, int]
    cancel_errors: Mapping[str, int]
    stale_count: int
    stale_positions: Sequence[StalePosition]
    next_cancels: Sequence[DueCancel]
    restarts: int
    last_restart_at: dt.datetime | None


_PULSE = """
SELECT running, extract(epoch FROM clock_timestamp() - greatest(tick_begun_at, started_at))::float8 AS quiet_s,
       extract(epoch FROM clock_timestamp() - tick_begun_at)::float8 AS tick_s,
       coalesce(tick_begun_at > coalesce(tick_ended_at, '-infinity'), false) AS is_at_work, tick_process,
       (SELECT (content->>'sell_module.check_interval')::float8 FROM trading.configuration) AS interval_s
  FROM trading.sell_module
"""

_LAST_TICK = """
SELECT begun_at, total_ms, price_ms, process, degraded, accounts, positions, requests, exits, error
  FROM trading.sell_ticks ORDER BY begun_at DESC LIMIT 1
"""

_LAST_HOUR = """
SELECT count(*) AS ticks, count(*) FILTER (WHERE degraded) AS degraded,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY total_ms))::numeric, 1) AS p50_ms,
       round((percentile_cont(0.95) WITHIN GROUP (ORDER BY total_ms))::numeric, 1) AS p95_ms
  FROM trading.sell_ticks WHERE begun_at > clock_timestamp() - interval '1 hour'
"""

_TREND = """
SELECT hours_ago, count(*) AS ticks,
       round((percentile_cont(0.95) WITHIN GROUP (ORDER BY total_ms))::numeric, 1) AS p95_ms
  FROM (SELECT greatest(0, floor(extract(epoch FROM statement_timestamp() - begun_at) / 3600))::int AS hours_ago,
               total_ms
          FROM trading.sell_ticks
         WHERE begun_at > statement_timestamp() - make_interval(hours => %(hours)s)) lately
 GROUP BY hours_ago ORDER BY hours_ago
"""

_FAILURES = """
SELECT f.key AS kind, sum(f.value::bigint)::bigint AS day,
       coalesce(sum(f.value::bigint) FILTER (WHERE t.begun_at > clock_timestamp() - interval '1 hour'), 0)::bigint
         AS hour
  FROM trading.sell_ticks t CROSS JOIN LATERAL jsonb_each_text(t.failures) f
 WHERE t.begun_at > clock_timestamp() - interval '1 day'
 GROUP BY f.key ORDER BY f.key
"""

_SELLS = """
SELECT count(*) AS attempted,
       count(*) FILTER (WHERE o.status = ANY(%(ended)s) AND o.filled_qty > 0) AS succeeded,
       count(*) FILTER (WHERE o.status = ANY(%(ended)s) AND o.filled_qty = 0) AS failed,
       count(*) FILTER (WHERE o.status <> ALL(%(ended)s)) AS open,
       max(e.decided_at) AS last_at
  FROM trading.exits e JOIN trading.orders o USING (order_id)
 WHERE e.decided_at > clock_timestamp() - interval '1 day'
"""

_CANCEL_ERRORS = """
SELECT e.reason_code, count(*) AS times
  FROM audit.order_events e JOIN trading.orders o USING (order_id)
 WHERE e.event_type = 'cancel_failed' AND e.reason_code IS NOT NULL AND o.source = %(source)s
   AND e.occurred_at > clock_timestamp() - interval '1 day'
 GROUP BY e.reason_code ORDER BY e.reason_code
"""

_STALE = """
SELECT a.name AS account, l.symbol, l.marked_at, count(*) OVER () AS in_all
  FROM trading.lots l JOIN trading.accounts a USING (account_id)
 WHERE l.closed_at IS NULL AND l.auto_sell_enabled
   AND coalesce(l.marked_at, l.opened_at) < clock_timestamp() - %(patience)s
 ORDER BY coalesce(l.marked_at, l.opened_at), a.name, l.symbol LIMIT %(limit)s
"""

_DUE = """
SELECT o.order_id, a.name AS account, o.symbol, o.source, o.cancel_after AS due_at
  FROM trading.orders o JOIN trading.accounts a USING (account_id)
 WHERE o.cancel_after IS NOT NULL AND o.cancel_due_at IS NULL ORDER BY o.cancel_after, o.order_id LIMIT %(limit)s
"""

# the index begins with the account: this is no account's operation
_RESTARTS = """
SELECT count(*) AS restarts, max(occurred_at) AS last_at FROM audit.operations
 WHERE account_id IS NULL AND occurred_at > clock_timestamp() - interval '1 day' AND operation = %(operation)s
   AND op_date >= (clock_timestamp() - interval '2 days')::date
"""


def patience_of(interval: dt.timedelta) -> dt.timedelta:
    """Return after how long without a tick the seller counts as stopped."""
    return max(LEAST_QUIET, QUIET_INTERVALS * interval)


def read_pulse(unit: Unit) -> Pulse:
    """Return whether the seller is to run and when it was last seen, in one statement."""
    row = unit.row(_PULSE)
    if row is None:
        return Pulse(running=False, quiet_s=None, tick_s=None, is_at_work=False, tick_process=None, interval=None)
    interval = None if row.interval_s is None else dt.timedelta(seconds=row.interval_s)
    return Pulse(row.running, row.quiet_s, row.tick_s, row.is_at_work, row.tick_process, interval)


def read_sell_health(unit: Unit, *, interval: dt.timedelta) -> SellHealth:
    """Return how the seller is; `interval` is `sell_module.check_interval` in force. One round trip and a half."""
    patience = patience_of(interval)
    ended = sorted(status.value for status in TERMINAL)
    switch = read_switch(unit)
    pulse, last, hour, trend, failures, sells, errors, stale, due, restarts = unit.rows_of_each([
        (_PULSE, {}),
        (_LAST_TICK, {}),
        (_LAST_HOUR, {}),
        (_TREND, {"hours": _TREND_HOURS}),
        (_FAILURES, {}),
        (_SELLS, {"ended": ended}),
        (_CANCEL_ERRORS, {"source": SELLER}),
        (_STALE, {"patience": patience, "limit": _MOST_SHOWN}),
        (_DUE, {"limit": _MOST_SHOWN}),
        (_RESTARTS, {"operation": RESTARTED}),
    ])  # fmt: skip
    quiet_s = pulse[0].quiet_s
    return SellHealth(
        state=_state(switch, quiet_s, patience),
        switch=switch,
        quiet_s=quiet_s,
        last_tick=LastTick(**last[0]._asdict()) if last else None,
        last_hour=TickTimes(**hour[0]._asdict()),
        trend=[TrendHour(**row._asdict()) for row in trend],
        sells=Sells(**sells[0]._asdict()),
        price_failures_hour=_counts(failures, "kind", "hour"),
        price_failures_day=_counts(failures, "kind", "day"),
        cancel_errors=_counts(errors, "reason_code", "times"),
        stale_count=stale[0].in_all if stale else 0,
        stale_positions=[StalePosition(row.account, row.symbol, row.marked_at) for row in stale],
        next_cancels=[DueCancel(**row._asdict()) for row in due],
        restarts=restarts[0].restarts,
        last_restart_at=restarts[0].last_at,
    )


def _state(switch: Switch, quiet_s: float | None, patience: dt.timedelta) -> SellState:  # float: seconds of a clock
    if not switch.running:
        return SellState.STOPPED if switch.tick_begun_at is not None else SellState.NEVER_RAN
    if quiet_s is not None and quiet_s > patience.total_seconds():
        return SellState.STALE
    return SellState.RUNNING if switch.tick_begun_at is not None else SellState.NEVER_RAN


def _counts(rows: Sequence[Row], name: str, value: str) -> dict[str, int]:
    return {getattr(row, name): getattr(row, value) for row in rows if getattr(row, value)}
