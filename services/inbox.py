"""The inbox of what brokers' streams say: each event kept once, then applied in its order by the code of the polls.

Kept and applied in one transaction that begins by looking at the lease, and holds it: a process that was overtaken
writes nothing (R3, R15).
"""

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from domain.broker import BrokerOrder
from domain.ids import BROKER_PREFIX, Ids
from domain.order_state import TERMINAL, OrderStatus
from domain.trade_updates import TradeUpdate
from models.unit import Row, Unit
from services.due import make_all_due
from services.fills import Heard, Path, Polled, Told, apply_poll
from services.origin import Origin
from services.streams import StreamedAccount


class Outcome(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    OLD = "nothing new"
    LEFT = "left to the poll"
    UNSETTLED = "left to the settlement"
    EXTERNAL = "not our order"
    UNKNOWN_ORDER = "our prefix, but no order of ours"
    QUARANTINED = "its order is quarantined"
    UNREADABLE = "not understood"
    FAILED = "could not be applied"


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event of an account's stream; `inbox_id` once it is kept, `tries` as often as its order was not there yet."""

    account: StreamedAccount
    update: TradeUpdate
    received_at: dt.datetime
    received_ms: float  # float: milliseconds of the monotonic clock
    inbox_id: int | None = None
    tries: int = 0


@dataclass(slots=True)
class Written:
    """What became of a batch: leases that are lost, events that must wait, and what is to be told afterwards."""

    lost: set[uuid.UUID] = field(default_factory=set)
    waiting: list[Arrived] = field(default_factory=list)
    heard: list[tuple[Arrived, Heard]] = field(default_factory=list)
    ended: set[uuid.UUID] = field(default_factory=set)  # accounts whose cash may have changed
    unsettled: set[uuid.UUID] = field(default_factory=set)  # orders
    strange: set[uuid.UUID] = field(default_factory=set)  # accounts with an order that we do not know
    _outcomes: dict[int, Outcome] = field(default_factory=dict)
    _due: set[uuid.UUID] = field(default_factory=set)

    def settle(self, arrived: Arrived, outcome: Outcome) -> None:
        """Say what became of an event."""
        if arrived.inbox_id is not None:
            self._outcomes[arrived.inbox_id] = outcome

    def ask(self, order_id: uuid.UUID) -> None:
        """Have an order asked for at once."""
        self._due.add(order_id)

    def write(self, unit: Unit) -> None:
        """Write what was said of events and orders."""
        if self._due:
            make_all_due(unit, self._due)
        if self._outcomes:
            unit.run(_SETTLE, {"ids": list(self._outcomes), "outcomes": [one.value for one in self._outcomes.values()]})


_KEEP = """
WITH said AS (
  SELECT * FROM jsonb_to_recordset(%(said)s::jsonb) AS s(
    n int, account_id uuid, lease text, inbox_id bigint, event_key text, event text, broker_order_id text,
    broker_client_id text, cum_qty numeric, raw text, received_at timestamptz)
), held AS (
  SELECT name FROM trading.leases
   WHERE name = ANY(%(leases)s) AND owner = %(owner)s AND expires_at > clock_timestamp() FOR SHARE
), kept AS (
  INSERT INTO trading.broker_inbox (account_id, event_key, event, broker_order_id, broker_client_id, cum_qty, raw,
                                    received_at)
  SELECT account_id, event_key, event, broker_order_id, broker_client_id, cum_qty, raw::jsonb, received_at
    FROM said JOIN held ON name = lease WHERE inbox_id IS NULL ORDER BY n
  ON CONFLICT (account_id, event_key) DO NOTHING
  RETURNING inbox_id, account_id, event_key
)
SELECT s.n, h.name IS NOT NULL AS is_held, coalesce(s.inbox_id, k.inbox_id) AS inbox_id,
       o.order_id, o.status, o.broker_order_id, o.broker_client_id, o.filled_qty,
       coalesce(o.submitted_at, o.requested_at) AS submitted_at
  FROM said s
  LEFT JOIN held h ON h.name = s.lease
  LEFT JOIN kept k ON k.account_id = s.account_id AND k.event_key = s.event_key
  LEFT JOIN trading.orders o ON o.account_id = s.account_id AND o.broker_client_id = s.broker_client_id
 ORDER BY s.n
"""

_SETTLE = """
UPDATE trading.broker_inbox b SET applied_at = clock_timestamp(), outcome = t.outcome
  FROM unnest(%(ids)s::bigint[], %(outcomes)s::text[]) AS t(inbox_id, outcome) WHERE b.inbox_id = t.inbox_id
"""

_PATIENCE = 14  # tries, in all about ten seconds: a lease of an order that is being sent lasts no longer
_NOT_SENT_YET = {OrderStatus.REQUESTED, OrderStatus.SUBMITTING}


def receive(unit: Unit, batch: Sequence[Arrived], *, now: dt.datetime, owner: str, ids: Ids, origin: Origin) -> Written:
    """Keep a batch of events and apply it; events of streams that are no longer ours leave no trace."""
    written = Written()
    working: dict[uuid.UUID, list[tuple[Arrived, Row]]] = {}
    for arrived, row in _kept(unit, batch, owner, written):
        if row.order_id is not None and OrderStatus(row.status) in _AT_BROKER and arrived.update.order is not None:
            working.setdefault(row.order_id, []).append((arrived, row))
        else:
            _judge(arrived, row, written)
    _apply(unit, working, written, now=now, ids=ids, origin=origin)
    written.write(unit)
    return written


def keep_failed(unit: Unit, arrived: Arrived, *, owner: str) -> Written:
    """Keep an event that could not be applied, as mere text, and have its order asked for instead."""
    update = replace(arrived.update, raw=json.dumps({"unreadable": ascii(arrived.update.raw)}))
    written = Written()
    for kept, row in _kept(unit, [replace(arrived, update=update)], owner, written):
        written.settle(kept, Outcome.FAILED)
        if row.order_id is not None:
            written.ask(row.order_id)
    written.write(unit)
    return written


_AT_BROKER = {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED} | TERMINAL


def _kept(unit: Unit, batch: Sequence[Arrived], owner: str, written: Written) -> Iterator[tuple[Arrived, Row]]:
    """Keep what is new, and give it with its order; what was told before, and what is no longer ours, is left out."""
    said = json.dumps([_said(number, arrived) for number, arrived in enumerate(batch)], default=str)
    leases = sorted({arrived.account.lease for arrived in batch})
    seen: set[int] = set()
    for row in unit.rows(_KEEP, {"said": said, "leases": leases, "owner": owner}):
        arrived = batch[row.n]
        if not row.is_held:
            written.lost.add(arrived.account.account_id)
        elif row.inbox_id is not None and row.inbox_id not in seen:
            seen.add(row.inbox_id)
            yield replace(arrived, inbox_id=row.inbox_id), row


def _said(number: int, arrived: Arrived) -> dict[str, object]:
    update, order = arrived.update, arrived.update.order
    return {
        "n": number,
        "account_id": arrived.account.account_id,
        "lease": arrived.account.lease,
        "inbox_id": arrived.inbox_id,
        "event_key": update.key,
        "event": update.event,
        "broker_order_id": None if order is None else order.broker_order_id,
        "broker_client_id": None if order is None else order.client_order_id,
        "cum_qty": None if order is None else order.filled_qty,
        "raw": update.raw,
        "received_at": arrived.received_at,
    }


def _judge(arrived: Arrived, row: Row, written: Written) -> None:
    """Decide about an event whose order is not working at the broker as far as we know."""
    order = arrived.update.order
    if order is None:
        written.settle(arrived, Outcome.UNREADABLE)
    elif row.order_id is None:
        is_ours = order.client_order_id.startswith(BROKER_PREFIX)
        written.settle(arrived, Outcome.UNKNOWN_ORDER if is_ours else Outcome.EXTERNAL)
        written.strange.add(arrived.account.account_id)
    elif row.status == OrderStatus.QUARANTINED:
        written.settle(arrived, Outcome.QUARANTINED)
        written.strange.add(arrived.account.account_id)
    elif row.status == OrderStatus.UNKNOWN:
        written.settle(arrived, Outcome.UNSETTLED)
        written.ask(row.order_id)
        written.unsettled.add(row.order_id)
    elif _is_mere_receipt(order):
        written.settle(arrived, Outcome.OLD)
    elif arrived.tries < _PATIENCE:
        written.waiting.append(replace(arrived, tries=arrived.tries + 1))
    else:
        written.settle(arrived, Outcome.UNSETTLED)
        written.unsettled.add(row.order_id)


def _is_mere_receipt(order: BrokerOrder) -> bool:
    """Return whether an event says no more than what the answer to the request says."""
    return order.filled_qty == 0 and order.status is not None and order.status not in TERMINAL


def _apply(
    unit: Unit,
    working: dict[uuid.UUID, list[tuple[Arrived, Row]]],
    written: Written,
    *,
    now: dt.datetime,
    ids: Ids,
    origin: Origin,
) -> None:
    told: list[Told] = []
    for order_id, events in list(working.items()):
        told.append(_told([arrived.update for arrived, _ in events], events[0][1]))
        left = _left_to_the_poll(told[-1].order, [arrived for arrived, _ in events], events[0][1])
        if left:
            written.ask(order_id)
            told.pop()
            for arrived, _ in working.pop(order_id):
                written.settle(arrived, Outcome.LEFT)
    heard: list[Heard] = []
    after = apply_poll(
        unit, told, now=now, ids=ids, origin=origin, wait=False, heard=heard, path=Path.STREAM
    ) if told else {}  # fmt: skip
    for order_id, events in working.items():
        news = [one for one in heard if one.order.order_id == order_id]
        written.heard += [(events[-1][0], one) for one in news]
        if news and after.get(order_id) in TERMINAL:
            written.ended.add(events[0][0].account.account_id)
        for arrived, _ in events:
            _close(arrived, order_id, written, is_applied=order_id in after, is_news=bool(news))


def _close(arrived: Arrived, order_id: uuid.UUID, written: Written, *, is_applied: bool, is_news: bool) -> None:
    if is_applied:
        written.settle(arrived, Outcome.APPLIED if is_news else Outcome.OLD)
        if arrived.update.trouble is not None:
            written.ask(order_id)
    elif arrived.tries < _PATIENCE:  # somebody else is writing the order: nobody here waits for a lock
        written.waiting.append(replace(arrived, tries=arrived.tries + 1))
    else:
        written.settle(arrived, Outcome.LEFT)
        written.ask(order_id)


def _left_to_the_poll(order: BrokerOrder | None, events: Sequence[Arrived], row: Row) -> bool:
    """Return whether the broker is better asked: a replaced order has another beside it, another id is another one."""
    if OrderStatus(row.status) in TERMINAL:
        return False
    is_restated = any(arrived.update.event == "restated" for arrived in events)
    return (
        order is None
        or order.status is OrderStatus.REPLACED
        or order.broker_order_id != row.broker_order_id
        or is_restated
    )


def _told(updates: Sequence[TradeUpdate], row: Row) -> Told:
    """Return all that a batch says of one order as one word: its executions, and the furthest it has come."""
    orders = [update.order for update in updates if update.order is not None]
    furthest = max(orders, key=lambda order: (order.status in TERMINAL, order.filled_qty))
    fills = [update.fill for update in updates if update.fill is not None]
    polled = Polled(row.order_id, row.broker_order_id, row.broker_client_id, row.submitted_at, row.filled_qty)
    return Told(polled, furthest, fills)
