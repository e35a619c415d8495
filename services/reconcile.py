"""Reconciling an account: whose turn it is, what our record has, and that it is done (R14, R31, docs/reconcile.md)."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from domain.broker import BrokerFill
from domain.order_state import OrderStatus
from domain.reconcile import OurOrder
from models.unit import Row, Unit
from services.leases import drop_lease, take_lease

LEASE_S = 15  # renewed while it goes on: one that was frozen keeps its account's orders no longer
PAUSE_S = 3  # after one that did not finish
OVERLAP = dt.timedelta(minutes=5)  # so much is read again: clocks differ, and lists lag
FIRST_LOOK = dt.timedelta(hours=24)
_GIVEN_UP = ("too_late", "entries_stopped")


@dataclass(frozen=True, slots=True)
class Begun:
    """A reconcile that is ours: `began` by the database's clock, `since` from when orders and fills are read."""

    account_id: uuid.UUID
    account: str
    owner: str
    began: dt.datetime
    since: dt.datetime
    identity: tuple[str, str]
    account_type: str
    account_type_source: str

    @property
    def lease(self) -> str:
        """The name of the lease that keeps a second one out."""
        return f"reconcile {self.account_id}"


def begin(unit: Unit, account_id: uuid.UUID, owner: str) -> Begun | None:
    """Begin a reconcile; None while another one runs, or while the account's number waits to be confirmed (R24)."""
    row = unit.row(
        "SELECT *, clock_timestamp() AS began FROM trading.accounts "
        "WHERE account_id = %(account_id)s AND number_changed_at IS NULL",
        {"account_id": account_id},
    )
    if row is None or not take_lease(unit, f"reconcile {account_id}", owner, LEASE_S):
        return None
    return Begun(
        account_id=account_id,
        account=row.name,
        owner=owner,
        began=row.began,
        since=row.began - FIRST_LOOK if row.reconciled_from is None else row.reconciled_from - OVERLAP,
        identity=(row.base_url, row.key_fingerprint),
        account_type=row.account_type,
        account_type_source=row.account_type_source,
    )


def renew(unit: Unit, begun: Begun) -> bool:
    """Keep the account for this reconcile; False when it took too long and another one has begun."""
    return take_lease(unit, begun.lease, begun.owner, LEASE_S)


_WAKE = """
UPDATE trading.orders o SET due_at = clock_timestamp(), hints = 0, next_hint_at = NULL
  FROM audit.order_events e
 WHERE o.account_id = %(account_id)s AND o.status = 'requested' AND o.due_at > clock_timestamp()
   AND (e.order_date, e.order_id, e.seq) = (o.order_date, o.order_id, o.last_seq) AND e.reason_code = 'reconciling'
"""


def finish(unit: Unit, begun: Begun) -> None:
    """Let the account's orders go on: from `began` on our record and the broker's agree. Its keys must be the same.

    Orders that wait for it are due at once.
    """
    unit.run(
        "UPDATE trading.accounts SET reconciled_from = %(began)s WHERE account_id = %(account_id)s "
        "AND (base_url, key_fingerprint) = (%(base_url)s, %(key)s) "
        "AND (reconciled_from IS NULL OR reconciled_from < %(began)s)",
        {"began": begun.began, "account_id": begun.account_id, "base_url": begun.identity[0], "key": begun.identity[1]},
    )
    unit.run(_WAKE, {"account_id": begun.account_id})
    drop_lease(unit, begun.lease, begun.owner)


def put_off(unit: Unit, begun: Begun) -> None:
    """Keep everybody from the account for a moment: its broker has just not answered."""
    take_lease(unit, begun.lease, begun.owner, PAUSE_S)


def let_go(unit: Unit, begun: Begun) -> None:
    """Leave the account to whoever comes next: this process has no keys of it, another one may."""
    drop_lease(unit, begun.lease, begun.owner)


_DUE = """
SELECT account_id FROM trading.accounts
 WHERE enabled AND number_changed_at IS NULL
   AND (reconciled_from IS NULL OR reconciled_from < clock_timestamp() - %(interval)s)
 ORDER BY reconciled_from NULLS FIRST LIMIT (
   SELECT greatest(8, ceil(count(*) * %(share)s)) FROM trading.accounts WHERE enabled)
"""


def due_accounts(unit: Unit, interval: dt.timedelta, tick_s: float) -> Sequence[uuid.UUID]:  # float: seconds of a timer
    """Return accounts whose last reconcile is older than `interval`: so many that all have their turn within half."""
    share = 2 * tick_s / interval.total_seconds()
    return [row.account_id for row in unit.rows(_DUE, {"interval": interval, "share": share})]


_OURS = """
SELECT order_id, status, broker_client_id, broker_order_id, filled_qty,
       status = 'rejected' AND rejected_by = 'opitios' AND broker_order_id IS NULL AND attempts > 0
         AND reason_code = ANY(%(given_up)s) AS given_up
  FROM trading.orders
 WHERE account_id = %(account_id)s
   AND (status IN ('accepted', 'partially_filled') OR broker_client_id = ANY(%(client_ids)s))
"""


def our_orders(unit: Unit, account_id: uuid.UUID, client_ids: Collection[str]) -> list[OurOrder]:
    """Return the account's working orders, and those that the broker has listed under these ids.

    To be read after the broker's lists: an order's row is there before its request leaves.
    """
    given = {"account_id": account_id, "client_ids": list(client_ids), "given_up": list(_GIVEN_UP)}
    return [
        OurOrder(
            order_id=row.order_id,
            status=OrderStatus(row.status),
            broker_client_id=row.broker_client_id,
            broker_order_id=row.broker_order_id,
            filled_qty=row.filled_qty,
            given_up=row.given_up,
        )
        for row in unit.rows(_OURS, given)
    ]


def unknown_fills(unit: Unit, account_id: uuid.UUID, fills: Iterable[BrokerFill]) -> list[BrokerFill]:
    """Return the fills that our record lacks, by their key (R15)."""
    found = list(fills)
    rows = unit.rows(
        "SELECT broker_order_id, cum_qty FROM trading.fills "
        "WHERE account_id = %(account_id)s AND broker_order_id = ANY(%(ids)s)",
        {"account_id": account_id, "ids": sorted({fill.broker_order_id for fill in found})},
    )
    known = {(row.broker_order_id, row.cum_qty) for row in rows}
    return [fill for fill in found if (fill.broker_order_id, fill.cum_qty) not in known]


def quarantined_orders(unit: Unit, account_id: uuid.UUID) -> Sequence[Row]:
    """Return the account's orders that wait for an operator's word."""
    return unit.rows(
        "SELECT order_id, symbol, reason FROM trading.orders "
        "WHERE account_id = %(account_id)s AND status = 'quarantined'",
        {"account_id": account_id},
    )
