"""Assets, contracts and sessions in Alpaca's JSON."""

import zlib
from datetime import datetime, timedelta
from typing import Any

from exchange.assets import Asset, asset_id
from exchange.clock import NEW_YORK
from exchange.data_wire import price_text
from exchange.decimals import plain
from exchange.options import MULTIPLIER, Contract, root_of
from exchange.past import Past
from exchange.quotes import Market
from exchange.sessions import Session, new_york_day, settlement_day
from exchange.timeframes import Timeframe

_DAY_NS = 86_400_000_000_000
_MOST_INTEREST = 5000


def asset_json(asset: Asset) -> dict[str, Any]:
    """Show an Asset."""
    return {
        "id": asset.id,
        "class": "us_equity",
        "exchange": asset.exchange,
        "symbol": asset.symbol,
        "name": asset.name,
        "status": "active",
        "tradable": True,
        "marginable": asset.marginable,
        "maintenance_margin_requirement": 30,
        "margin_requirement_long": "30",
        "margin_requirement_short": "30",
        "shortable": asset.shortable,
        "easy_to_borrow": asset.shortable,
        "borrow_status": "easy_to_borrow" if asset.shortable else "hard_to_borrow",
        "fractionable": asset.fractionable,
        "attributes": ["fractional_eh_enabled", "has_options"] if asset.fractionable else ["has_options"],
    }


def contract_json(market: Market, contract: Contract, now_ns: int, *, deliverables: bool) -> dict[str, Any]:
    """Show an OptionContract, with the close of the session before today where it had one."""
    kind = "Call" if contract.right == "C" else "Put"
    root, today = root_of(contract.underlying), new_york_day(now_ns)
    active = contract.expiry >= today
    shown: dict[str, Any] = {
        "id": asset_id(contract.symbol),
        "symbol": contract.symbol,
        "name": f"{root} {contract.expiry:%b %d %Y} {plain(contract.strike)} {kind}",
        "status": "active" if active else "inactive",
        "tradable": active,
        "expiration_date": contract.expiry.isoformat(),
        "root_symbol": root,
        "underlying_symbol": contract.underlying,
        "underlying_asset_id": asset_id(contract.underlying),
        "type": kind.lower(),
        "style": "american",
        "strike_price": plain(contract.strike),
        "multiplier": plain(MULTIPLIER),
        "size": plain(MULTIPLIER),
        **_yesterday(market, contract, now_ns),
    }
    return {**shown, "deliverables": [_deliverable(contract)]} if deliverables else shown


def _yesterday(market: Market, contract: Contract, now_ns: int) -> dict[str, str]:
    days = Past(market, contract.symbol, now_ns).bars(Timeframe(1, "Day"), 0, now_ns - _DAY_NS, newest_first=True)
    last = next(days, None)
    if last is None:
        return {}
    day = new_york_day(last.at_ns).isoformat()
    interest = zlib.crc32(f"{contract.symbol} {day}".encode()) % _MOST_INTEREST
    return {
        "close_price": price_text(last.close),
        "close_price_date": day,
        "open_interest": str(interest),
        "open_interest_date": day,
    }


def _deliverable(contract: Contract) -> dict[str, Any]:
    return {
        "type": "equity",
        "symbol": contract.underlying,
        "asset_id": asset_id(contract.underlying),
        "amount": plain(MULTIPLIER),
        "allocation_percentage": "100",
        "settlement_type": "T+1",
        "settlement_method": "CCC",
        "delayed_settlement": False,
    }


def session_json(session: Session) -> dict[str, str]:
    """Show a day of the calendar: New York's times, the longer session from 04:00 to 20:00 around the regular one."""
    opens, closes = (_new_york(at_ns) for at_ns in (session.open_ns, session.close_ns))
    extended = closes + timedelta(hours=4)
    return {
        "date": session.day.isoformat(),
        "open": f"{opens:%H:%M}",
        "close": f"{closes:%H:%M}",
        "session_open": "0400",
        "session_close": f"{extended:%H%M}",
        "settlement_date": settlement_day(session).isoformat(),
    }


def _new_york(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / 1e9, tz=NEW_YORK)
