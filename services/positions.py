"""What is held: the fills' ledger, which a broker's snapshot corrects only where nothing else explains it (R19)."""

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Sequence

from domain.broker import BrokerPosition
from domain.ids import Ids
from domain.reconcile import HoldingDifference, Word, judge
from models.unit import Unit
from services.operations import Operation, record_operation
from services.origin import Origin
from services.reconcile import Begun

_DIFFERING = """
WITH broker AS (
  SELECT symbol, qty, price FROM jsonb_to_recordset(%(snapshot)s::jsonb) AS b(symbol text, qty numeric, price numeric)
), differing AS (
  SELECT symbol, coalesce(p.qty, 0) AS ledger_qty, coalesce(b.qty, 0) AS broker_qty, b.price
    FROM (SELECT symbol, qty FROM trading.positions WHERE account_id = %(account_id)s) p
    FULL JOIN broker b USING (symbol)
   WHERE coalesce(p.qty, 0) <> coalesce(b.qty, 0)
)
SELECT d.*, s.ledger_qty AS seen_ledger, s.broker_qty AS seen_broker,
       EXISTS (SELECT 1 FROM trading.orders o WHERE o.account_id = %(account_id)s AND o.symbol = d.symbol
                  AND o.status IN ('submitting', 'unknown', 'accepted', 'partially_filled', 'quarantined'))
         AS is_in_flight,
       EXISTS (SELECT 1 FROM trading.fills f WHERE f.account_id = %(account_id)s AND f.symbol = d.symbol
                  AND f.recorded_at >= %(began)s) AS has_filled
  FROM differing d
  LEFT JOIN trading.position_differences s ON s.account_id = %(account_id)s AND s.symbol = d.symbol
 ORDER BY d.symbol
"""

_REMEMBER = """
INSERT INTO trading.position_differences (account_id, symbol, ledger_qty, broker_qty, seen_at)
VALUES (%(account_id)s, %(symbol)s, %(ledger_qty)s, %(broker_qty)s, %(began)s)
ON CONFLICT (account_id, symbol) DO UPDATE SET ledger_qty = excluded.ledger_qty, broker_qty = excluded.broker_qty,
  seen_at = excluded.seen_at
"""

_CORRECT = """
INSERT INTO trading.position_corrections (correction_id, account_id, symbol, qty, old_qty, new_qty, price, occurred_at)
VALUES (%(id)s, %(account_id)s, %(symbol)s, %(broker_qty)s - %(ledger_qty)s, %(ledger_qty)s, %(broker_qty)s, %(price)s,
        %(now)s)
"""


def correct_positions(
    unit: Unit, begun: Begun, snapshot: Iterable[BrokerPosition], *, now: dt.datetime, ids: Ids, origin: Origin
) -> Sequence[HoldingDifference]:
    """Compare a snapshot, read after `begun.began`, with the ledger; return what was corrected.

    The account's lock keeps claims from the symbols meanwhile; a fill that was written since the read began speaks for
    itself. Each correction is an audit operation `position_corrected`.
    """
    account_id = {"account_id": begun.account_id}
    unit.row("SELECT 1 FROM trading.accounts WHERE account_id = %(account_id)s FOR NO KEY UPDATE", account_id)
    differing = _differences(unit, begun, snapshot)
    words = {difference.symbol: judge(difference) for difference in differing}
    keep = [symbol for symbol, word in words.items() if word is Word.REMEMBER]
    unit.run(
        "DELETE FROM trading.position_differences WHERE account_id = %(account_id)s AND symbol <> ALL(%(keep)s)",
        account_id | {"keep": keep},
    )
    corrected = []
    for difference in differing:
        values = account_id | {
            "symbol": difference.symbol,
            "ledger_qty": difference.ledger_qty,
            "broker_qty": difference.broker_qty,
        }
        if words[difference.symbol] is Word.REMEMBER:
            unit.run(_REMEMBER, values | {"began": begun.began})
        elif words[difference.symbol] is Word.CORRECT:
            unit.run(_CORRECT, values | {"id": ids.new(), "price": difference.price, "now": now})
            record_operation(unit, _operation(begun, difference, now, ids.new()), origin, ids)
            corrected.append(difference)
    return corrected


def _differences(unit: Unit, begun: Begun, snapshot: Iterable[BrokerPosition]) -> list[HoldingDifference]:
    broker = [{"symbol": held.symbol, "qty": held.qty, "price": held.price} for held in snapshot]
    given = {"account_id": begun.account_id, "began": begun.began, "snapshot": json.dumps(broker, default=str)}
    return [
        HoldingDifference(
            symbol=row.symbol,
            ledger_qty=row.ledger_qty,
            broker_qty=row.broker_qty,
            price=row.price,
            is_in_flight=row.is_in_flight,
            has_filled=row.has_filled,
            seen=None if row.seen_ledger is None else (row.seen_ledger, row.seen_broker),
        )
        for row in unit.rows(_DIFFERING, given)
    ]


def _operation(begun: Begun, difference: HoldingDifference, now: dt.datetime, trace: uuid.UUID) -> Operation:
    return Operation(
        operation="position_corrected",
        started_at=begun.began,
        occurred_at=now,
        total_ms=0,
        success=True,
        source="system",
        trace_id=trace.hex,
        account_id=begun.account_id,
        account_name=begun.account,
        account_type=begun.account_type,
        account_type_source=begun.account_type_source,
        symbol=difference.symbol,
        reason_code="broker_differs",
        reason="the broker's snapshot differs from the fills' ledger, in two reads, with no order in flight",
        detail={
            "old": str(difference.ledger_qty),
            "new": str(difference.broker_qty),
            "price": None if difference.price is None else str(difference.price),
        },
    )
