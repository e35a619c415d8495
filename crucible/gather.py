"""Reads what the judge needs out of Postgres, as the database's owner and past every link."""

import asyncio
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from crucible.caller import Callers
from crucible.plan import MINIMUM_USD
from crucible.record import Record
from crucible.world import World

_OPEN = """status NOT IN ('filled', 'canceled', 'expired', 'replaced', 'rejected')
   AND NOT (status = 'unknown' AND cancel_due_at IS NOT NULL AND EXISTS (
     SELECT 1 FROM audit.order_events e
      WHERE e.order_id = o.order_id AND e.event_type = 'looked_up' AND e.reason_code = 'too_late'))"""
"""What has not ended; an order given up while unknown is kept and looked for during a day (R12)."""
_LOOK_S = 0.5

_ORDERS = """
SELECT o.order_id, a.name AS account, o.client_order_id, o.broker_client_id, o.status, o.rejected_by, o.reason_code,
       o.symbol, o.side, o.order_type, o.qty, o.limit_price, o.filled_qty, o.filled_avg_price, o.reserved, o.spent,
       o.replaces, o.requested_at, o.cancel_due_at IS NOT NULL AS is_canceled
  FROM trading.orders o JOIN trading.accounts a USING (account_id) ORDER BY o.requested_at
"""
_FILLS = "SELECT order_id, qty, price, cum_qty, occurred_at FROM trading.fills ORDER BY occurred_at"
_EVENTS = """
SELECT order_id, seq, event_type, stage, reason_code, occurred_at, recorded_at, process
  FROM audit.order_events ORDER BY order_id, seq
"""
_BALANCES = "SELECT a.name, b.cash FROM trading.balances b JOIN trading.accounts a USING (account_id)"


async def settle(world: World, seconds: float, *, money: bool = True) -> float:
    """Wait until every order has ended, with `money` also until nothing is reserved; return how long it took (s)."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < seconds:
        if await asyncio.to_thread(_unsettled, world, money=money) == 0:
            break
        await asyncio.sleep(_LOOK_S)
    return loop.time() - began


def gather(world: World, callers: Callers, opening: list[dict[str, Any]], healed_at: str) -> Record:
    """Return the whole record of a run."""
    with _connect(world) as connection:
        orders, fills, events, balances = (
            [_plain(row) for row in connection.execute(query.encode()).fetchall()]
            for query in (_ORDERS, _FILLS, _EVENTS, _BALANCES)
        )
    return Record(
        asked=list(callers.asked.values()),
        orders=orders,
        fills=fills,
        events=events,
        balances={row["name"]: row["cash"] for row in balances},
        opening=opening,
        ledger=world.ledger(),
        minimum=MINIMUM_USD,
        healed_at=healed_at,
    )


def _unsettled(world: World, *, money: bool) -> int:
    held = "OR (status <> 'unknown' AND (reserved > 0 OR spent > 0))" if money else ""
    query = f"SELECT count(*) AS n FROM trading.orders o WHERE ({_OPEN}) {held}"  # noqa: S608  both parts are ours
    try:
        with _connect(world) as connection:
            row = connection.execute(query.encode()).fetchone()
    except psycopg.OperationalError:
        return -1
    return 0 if row is None else int(row["n"])


def _connect(world: World) -> psycopg.Connection[dict[str, Any]]:
    url = world.stack.runtime.migrations_database_url.replace("+psycopg", "", 1)
    return psycopg.connect(url, autocommit=True, connect_timeout=5, row_factory=dict_row)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of texts: decimals in full, times as ISO 8601."""
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if value is None or isinstance(value, int | str) else str(value)
