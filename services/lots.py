"""Lots in the database: folded anew where something was filled, read with what closes them already (R19, R20)."""

import datetime as dt
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.exits import Mark, OpenLot
from domain.ids import Ids
from domain.lots import FoldedLot, LotMove, fold, is_same, unrealized
from domain.money import ZERO
from domain.occ import is_occ_symbol
from domain.order_state import IN_FLIGHT, TERMINAL, OrderStatus
from domain.orders import AssetClass
from models.unit import Row, Unit
from services.instruments import OPTION_MULTIPLIER

BY_DEFAULT, BY_ORDER = "default", "order"
_WRITTEN_BY_HERE = (BY_DEFAULT, BY_ORDER)
_MARGIN = dt.timedelta(seconds=30)  # longer than any transaction that writes a fill

# Whose fold is not what its fills and corrections are now. `since` leaves alone what has not moved lately; without it
# everything is compared.
_CHANGED = """
WITH touched AS (
  SELECT account_id, symbol FROM trading.fills WHERE %(since)s::timestamptz IS NULL OR recorded_at > %(since)s
   UNION
  SELECT account_id, symbol FROM trading.position_corrections
   WHERE %(since)s::timestamptz IS NULL OR recorded_at > %(since)s
)
SELECT t.account_id, t.symbol, m.moves, l.lot_id, l.opened_at, l.qty, l.auto_sell_enabled, l.auto_sell_by
  FROM touched t
 CROSS JOIN LATERAL (
   SELECT count(*) AS moves, sum(u.qty) AS qty
     FROM (SELECT CASE f.side WHEN 'buy' THEN f.qty ELSE -f.qty END AS qty
             FROM trading.fills f WHERE f.account_id = t.account_id AND f.symbol = t.symbol
            UNION ALL
           SELECT c.qty FROM trading.position_corrections c
            WHERE c.account_id = t.account_id AND c.symbol = t.symbol) u) m
  LEFT JOIN trading.lots l ON (l.account_id, l.symbol) = (t.account_id, t.symbol) AND l.closed_at IS NULL
 WHERE l.moves IS DISTINCT FROM m.moves AND NOT (l.lot_id IS NULL AND m.qty = 0)
"""

_MOVES = """
SELECT w.account_id, w.symbol, f.qty, f.price, f.occurred_at, f.auto_sell
  FROM jsonb_to_recordset(%(wanted)s::jsonb) AS w(account_id uuid, symbol text)
 CROSS JOIN LATERAL (
   SELECT CASE f.side WHEN 'buy' THEN f.qty ELSE -f.qty END AS qty, f.price, f.occurred_at,
          o.auto_sell_enabled AS auto_sell
     FROM trading.fills f JOIN trading.orders o USING (order_id)
    WHERE f.account_id = w.account_id AND f.symbol = w.symbol
    UNION ALL
   SELECT c.qty, c.price, c.occurred_at, NULL
     FROM trading.position_corrections c WHERE c.account_id = w.account_id AND c.symbol = w.symbol) f
"""

_CLOSE = """
UPDATE trading.lots SET closed_at = clock_timestamp(), qty = 0 WHERE lot_id = ANY(%(lots)s) AND closed_at IS NULL
"""

# what somebody has said since the lot was read is asked once more: their word outlasts ours
_UPDATE = """
UPDATE trading.lots l SET qty = n.qty, entry_price = n.entry_price, moves = n.moves,
       auto_sell_enabled = CASE WHEN l.auto_sell_by IN ('default', 'order') THEN n.auto_sell_enabled
                                ELSE l.auto_sell_enabled END,
       auto_sell_by = CASE WHEN l.auto_sell_by IN ('default', 'order') THEN n.auto_sell_by ELSE l.auto_sell_by END
  FROM jsonb_to_recordset(%(lots)s::jsonb) AS n(
    lot_id uuid, qty numeric, entry_price numeric, moves bigint, auto_sell_enabled boolean, auto_sell_by text)
 WHERE l.lot_id = n.lot_id AND l.closed_at IS NULL
"""

_OPEN = """
INSERT INTO trading.lots (lot_id, account_id, symbol, qty, entry_price, moves, opened_at, auto_sell_enabled,
                          auto_sell_by)
SELECT n.lot_id, n.account_id, n.symbol, n.qty, n.entry_price, n.moves, n.opened_at, n.auto_sell_enabled,
       n.auto_sell_by
  FROM jsonb_to_recordset(%(lots)s::jsonb) AS n(
    lot_id uuid, account_id uuid, symbol text, qty numeric, entry_price numeric, moves bigint, opened_at timestamptz,
    auto_sell_enabled boolean, auto_sell_by text)
ON CONFLICT (account_id, symbol) WHERE closed_at IS NULL DO NOTHING
"""

_READ = """
SELECT l.lot_id, l.account_id, l.symbol, l.qty, l.entry_price, l.opened_at, l.auto_sell_enabled, l.mark_price,
       l.marked_at,
       a.name AS account, a.account_type, a.account_type_source, a.base_url, a.reconciled_from,
       coalesce(busy.qty, 0) AS busy_qty, last.attempt, last.status AS last_status, last.reason AS last_reason,
       last.ended_at, coalesce(last.unfilled, 0) AS unfilled, coalesce(last.refused, 0) AS refused
  FROM trading.lots l
  JOIN trading.accounts a USING (account_id)
  LEFT JOIN (
    SELECT o.account_id, o.symbol, o.side, sum(coalesce(o.qty, o.most_shares, 'Infinity') - o.filled_qty) AS qty
      FROM trading.orders o WHERE o.status = ANY(%(open)s) GROUP BY 1, 2, 3
  ) busy ON (busy.account_id, busy.symbol) = (l.account_id, l.symbol)
        AND busy.side = CASE WHEN l.qty < 0 THEN 'buy' ELSE 'sell' END
  LEFT JOIN LATERAL (
    SELECT e.attempt, o.status, e.reason, o.updated_at AS ended_at,
           (SELECT count(*) FROM trading.exits x JOIN trading.orders xo USING (order_id)
             WHERE x.lot_id = l.lot_id AND x.reason = e.reason AND xo.status = 'canceled') AS unfilled,
           (SELECT count(*) FROM trading.exits x JOIN trading.orders xo USING (order_id)
             WHERE x.lot_id = l.lot_id AND x.reason = e.reason AND xo.status = 'rejected') AS refused
      FROM trading.exits e JOIN trading.orders o USING (order_id)
     WHERE e.lot_id = l.lot_id ORDER BY e.attempt DESC LIMIT 1
  ) last ON true
 WHERE l.closed_at IS NULL AND a.number_changed_at IS NULL
 ORDER BY a.name, l.symbol
"""

_MARK = """
UPDATE trading.lots l SET mark_price = n.price, marked_at = n.at, unrealized_pnl = n.pnl
  FROM jsonb_to_recordset(%(marks)s::jsonb) AS n(lot_id uuid, price numeric, at timestamptz, pnl numeric)
 WHERE l.lot_id = n.lot_id AND l.closed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class LastExit:
    """The last order that was to close a lot: its status, since when, and how its like have fared before.

    `unfilled` counts those with the same reason that were cancelled, `refused` those that were rejected.
    """

    attempt: int
    status: OrderStatus
    reason: str
    since: dt.datetime
    unfilled: int
    refused: int

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it can happen any more: only then may the next attempt begin (R20)."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class WatchedLot:
    """An open lot with its account and its last exit."""

    lot: OpenLot
    account: str
    account_type: str
    account_type_source: str
    base_url: str
    reconciled_from: dt.datetime | None
    last_exit: LastExit | None
    mark_price: Decimal | None = None
    marked_at: dt.datetime | None = None


def refresh_lots(unit: Unit, *, since: dt.datetime | None, auto_sell_default: bool, ids: Ids) -> int:
    """Bring the lots up to what was filled and corrected; return how many changed.

    `since` is when this was last done, by the database's clock; None compares everything.
    """
    changed = unit.rows_replanned(_CHANGED, {"since": None if since is None else since - _MARGIN})
    if not changed:
        return 0
    moves = _moves(unit, changed)
    closed: list[uuid.UUID] = []
    kept: list[dict[str, object]] = []
    opened: list[dict[str, object]] = []
    for row in changed:
        lot = fold(moves[row.account_id, row.symbol])
        same = lot is not None and row.lot_id is not None and is_same(row.opened_at, row.qty < 0, lot)
        if row.lot_id is not None and not same:
            closed.append(row.lot_id)
        if lot is None:
            continue
        values = _values(lot, row, auto_sell_default, same=same)
        if same:
            kept.append(values | {"lot_id": row.lot_id})
        else:
            opened.append(values | {"lot_id": ids.new(), "account_id": row.account_id, "symbol": row.symbol})
    for statement, name, given in ((_CLOSE, "lots", closed), (_UPDATE, "lots", kept), (_OPEN, "lots", opened)):
        if given:
            unit.run_replanned(statement, {name: given if statement is _CLOSE else json.dumps(given, default=str)})
    return len(closed) + len(kept) + len(opened)


def watched_lots(unit: Unit) -> list[WatchedLot]:
    """Return every open lot, by account and symbol."""
    open_statuses = [OrderStatus.REQUESTED.value, *(status.value for status in IN_FLIGHT)]
    return [_watched(row) for row in unit.rows_replanned(_READ, {"open": open_statuses})]


def store_marks(unit: Unit, marks: Iterable[tuple[OpenLot, Mark]]) -> None:
    """Keep what each lot could be closed at, in one statement (US-SYSTEM-003)."""
    given = [
        {
            "lot_id": lot.lot_id,
            "price": mark.price,
            "at": mark.at.isoformat(),
            "pnl": unrealized(lot.qty, lot.entry_price, mark.price, multiplier_of(lot)),
        }
        for lot, mark in marks
    ]
    if given:
        unit.run_replanned(_MARK, {"marks": json.dumps(given, default=str)})


def multiplier_of(lot: OpenLot) -> Decimal:
    """Return how many units one of it is."""
    return OPTION_MULTIPLIER if lot.asset_class is AssetClass.OPTION else Decimal(1)


def _moves(unit: Unit, changed: Sequence[Row]) -> dict[tuple[uuid.UUID, str], list[LotMove]]:
    wanted = json.dumps([{"account_id": str(row.account_id), "symbol": row.symbol} for row in changed])
    found: dict[tuple[uuid.UUID, str], list[LotMove]] = defaultdict(list)
    for row in unit.rows_replanned(_MOVES, {"wanted": wanted}):
        found[row.account_id, row.symbol].append(LotMove(row.qty, row.price, row.occurred_at, row.auto_sell))
    return found


def _values(lot: FoldedLot, row: Row, auto_sell_default: bool, *, same: bool) -> dict[str, object]:  # noqa: FBT001
    if same and row.auto_sell_by not in _WRITTEN_BY_HERE:
        may_sell, by = row.auto_sell_enabled, row.auto_sell_by  # somebody's own word outlasts orders
    elif lot.auto_sell is None:
        may_sell, by = auto_sell_default, BY_DEFAULT
    else:
        may_sell, by = lot.auto_sell, BY_ORDER
    return {
        "qty": lot.qty,
        "entry_price": lot.entry_price,
        "moves": row.moves,
        "opened_at": lot.opened_at.isoformat(),
        "auto_sell_enabled": may_sell,
        "auto_sell_by": by,
    }


def _watched(row: Row) -> WatchedLot:
    lot = OpenLot(
        lot_id=row.lot_id,
        account_id=row.account_id,
        symbol=row.symbol,
        asset_class=AssetClass.OPTION if is_occ_symbol(row.symbol) else AssetClass.STOCK,
        qty=row.qty,
        entry_price=row.entry_price,
        opened_at=row.opened_at,
        auto_sell_enabled=row.auto_sell_enabled,
        busy_qty=max(ZERO, row.busy_qty),
    )
    last = None
    if row.attempt is not None:
        last = LastExit(
            row.attempt, OrderStatus(row.last_status), row.last_reason, row.ended_at, row.unfilled, row.refused
        )
    return WatchedLot(
        lot,
        row.account,
        row.account_type,
        row.account_type_source,
        row.base_url,
        row.reconciled_from,
        last,
        row.mark_price,
        row.marked_at,
    )
