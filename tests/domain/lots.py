"""Lots, prices and moments with defaults, for what judges them."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from domain.exits import ExitRules, Mark, Moment, OpenLot, Session
from domain.orders import AssetClass

OPTION = "AAPL270115C00150000"
SESSION = Session(
    dt.date(2026, 11, 23),
    opens=dt.datetime(2026, 11, 23, 14, 30, tzinfo=dt.UTC),
    closes=dt.datetime(2026, 11, 23, 21, tzinfo=dt.UTC),
    next_day=dt.date(2026, 11, 24),
)
"""A Monday in winter: 9:30 to 16:00 in New York."""
NOON = dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC)
OFF = ExitRules(profit_rate=None, stop_loss_rate=None, zero_day_before_close=None)
"""Nothing speaks."""


def lot(qty: str = "2", entry: str | None = "10", **given: Any) -> OpenLot:
    """Return a lot of an option, bought an hour before noon, that may be sold."""
    defaults: dict[str, Any] = {
        "lot_id": uuid.UUID(int=1),
        "account_id": uuid.UUID(int=2),
        "symbol": OPTION,
        "asset_class": AssetClass.OPTION,
        "opened_at": NOON - dt.timedelta(hours=1),
        "auto_sell_enabled": True,
    }
    price = None if entry is None else Decimal(entry)
    return OpenLot(qty=Decimal(qty), entry_price=price, **(defaults | given))


def mark(price: str) -> Mark:
    """Return a fresh quote's price."""
    return Mark(price=Decimal(price), at=NOON, source="quote")


def at(now: dt.datetime, session: Session | None = SESSION) -> Moment:
    """Return a moment of the session."""
    return Moment(now, session)


def before_close(minutes: float, session: Session = SESSION) -> Moment:
    """Return so many minutes before the session's close, after it where they are negative."""
    return Moment(session.closes - dt.timedelta(minutes=minutes), session)
