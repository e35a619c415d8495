"""The open positions that the seller watches, and their owner's word whether it may sell them (US-SYSTEM-003)."""

from collections.abc import Mapping, Sequence

from domain.errors import NotFound
from models.unit import Row, Unit
from services.config_changes import Change, record_change
from services.origin import Stamp

_BY_USER = "user:"
"""What stands before a name in `auto_sell_by`: no user's name is taken for a word of the house."""

_LIST = """
SELECT a.name AS account, l.symbol, l.qty, l.entry_price, l.opened_at, l.auto_sell_enabled, l.auto_sell_by,
       l.mark_price, l.marked_at, l.unrealized_pnl
  FROM trading.lots l JOIN trading.accounts a USING (account_id)
 WHERE l.closed_at IS NULL
   AND (%(account)s::text IS NULL OR a.name = %(account)s) AND (%(symbol)s::text IS NULL OR l.symbol = %(symbol)s)
 ORDER BY a.name, l.symbol
"""

_LOCK = """
SELECT l.lot_id, l.auto_sell_enabled, l.auto_sell_by FROM trading.lots l JOIN trading.accounts a USING (account_id)
 WHERE a.name = %(account)s AND l.symbol = %(symbol)s AND l.closed_at IS NULL FOR NO KEY UPDATE OF l
"""

_SET = """
UPDATE trading.lots SET auto_sell_enabled = %(enabled)s, auto_sell_by = %(by)s WHERE lot_id = %(lot_id)s
"""


def sell_positions(unit: Unit, *, account: str | None = None, symbol: str | None = None) -> Sequence[Row]:
    """Return the open lots by account and symbol: what they could be closed at, in USD, when somebody last looked."""
    return unit.rows(_LIST, {"account": account, "symbol": symbol})


def set_auto_sell(unit: Unit, account: str, symbol: str, *, enabled: bool, stamp: Stamp) -> Row:
    """Let the seller sell an open position, or forbid it; audited. Returns the position. Raises NotFound without one.

    A user's word outlasts what orders say of the same lot.
    """
    given = {"account": account, "symbol": symbol}
    lot = unit.row(_LOCK, given)
    if lot is None:
        raise NotFound(f"no open position of {symbol!r} in account {account!r}")
    by = _BY_USER + stamp.origin.actor
    if (lot.auto_sell_enabled, lot.auto_sell_by) != (enabled, by):
        unit.run(_SET, {"lot_id": lot.lot_id, "enabled": enabled, "by": by})
        of: Mapping[str, str] = given | {"lot_id": str(lot.lot_id)}
        record_change(
            unit,
            Change("auto_sell_enabled", {**of, "enabled": lot.auto_sell_enabled}, {**of, "enabled": enabled}),
            now=stamp.now,
            ids=stamp.ids,
            origin=stamp.origin,
        )
    (position,) = sell_positions(unit, account=account, symbol=symbol)
    return position
