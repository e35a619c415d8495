"""Instruments: synced from the broker by a worker, looked up by the API without asking anybody."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from domain.errors import InstrumentsUnread
from domain.orders import AssetClass, Instrument, underlying_of
from models.unit import Unit

OPTION_MULTIPLIER = Decimal(100)

_UPSERT = """
INSERT INTO trading.instruments AS i (broker, symbol, asset_class, name, tradable, fractionable, synced_at)
SELECT %(broker)s, e.symbol, e.asset_class, e.name, e.tradable, e.fractionable, %(now)s
  FROM unnest(%(symbols)s::text[], %(classes)s::text[], %(names)s::text[], %(tradable)s::boolean[],
              %(fractionable)s::boolean[]) AS e(symbol, asset_class, name, tradable, fractionable)
ON CONFLICT (broker, symbol) DO UPDATE SET asset_class = excluded.asset_class, name = excluded.name,
  tradable = excluded.tradable, fractionable = excluded.fractionable, synced_at = excluded.synced_at
"""


_DUE = """
SELECT a.broker, array_agg(a.name ORDER BY a.name) AS accounts FROM trading.accounts a
 WHERE a.enabled AND NOT EXISTS (
   SELECT FROM trading.instruments i
    WHERE i.broker = a.broker AND i.synced_at > clock_timestamp() - %(max_age)s::interval)
 GROUP BY a.broker
"""


def due_brokers(unit: Unit, max_age: dt.timedelta) -> dict[str, list[str]]:
    """Return the brokers whose listing is older than `max_age`, or was never read, with their accounts' names."""
    return {row.broker: list(row.accounts) for row in unit.rows(_DUE, {"max_age": max_age})}


def store_listings(
    unit: Unit, broker: str, listings: Iterable[tuple[str, str, str, bool, bool]], now: dt.datetime
) -> int:
    """Write what a broker lists (symbol, class, name, tradable, fractionable); what it dropped stops trading."""
    rows = list(listings)
    symbols, classes, names, tradable, fractionable = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 5
    )
    params = {
        "symbols": symbols,
        "classes": classes,
        "names": names,
        "tradable": tradable,
        "fractionable": fractionable,
    }
    unit.run(_UPSERT, params | {"broker": broker, "now": now})
    if rows:
        unit.run(
            "UPDATE trading.instruments SET tradable = false "
            "WHERE broker = %(broker)s AND synced_at < %(now)s AND tradable",
            {"broker": broker, "now": now},
        )
    return len(rows)


def find_instrument(unit: Unit, broker: str, symbol: str) -> Instrument | None:
    """Return what may be traded under a symbol; an option is judged by its underlying's listing.

    Raises InstrumentsUnread while nothing of the broker is known: a list that nobody has read refuses no symbol.
    """
    listed = underlying_of(symbol)
    row = unit.row(
        "SELECT * FROM trading.instruments WHERE broker = %(broker)s AND symbol = %(symbol)s",
        {"broker": broker, "symbol": listed},
    )
    if row is None:
        if not unit.rows("SELECT FROM trading.instruments WHERE broker = %(broker)s LIMIT 1", {"broker": broker}):
            raise InstrumentsUnread(f"the instruments of {broker} have not been read yet")
        return None
    if listed == symbol:
        return Instrument(symbol, AssetClass(row.asset_class), row.tradable, row.fractionable, Decimal(1))
    return Instrument(symbol, AssetClass.OPTION, row.tradable, fractionable=False, multiplier=OPTION_MULTIPLIER)
