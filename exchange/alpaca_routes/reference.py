"""What can be traded and when: assets, option contracts, the calendar and the clock."""

import itertools
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query, ranges
from exchange.alpaca_routes.contract_filter import ContractFilter, read_filter
from exchange.aside import aside
from exchange.assets import ASSETS, ASSETS_BY_ID
from exchange.chain import by_id, listed
from exchange.clock import NEW_YORK, now_ns, parse_moment
from exchange.gate import answer
from exchange.options import Contract, parse_contract
from exchange.reference_wire import asset_json, contract_json, session_json
from exchange.sessions import FIRST_DAY, new_york_day, sessions, settlement_day
from exchange.world import World

_LAST_DAY = date(2029, 12, 31)
_DEFAULT_CONTRACTS, _MOST_CONTRACTS = 100, 10_000
_SATURDAY = 5


class ReferenceRoutes:
    """The routes of reference data; an exchange is in session unless a script closes it, whatever the calendar says."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        table = {
            "/v2/assets": self.assets,
            "/v2/assets/{symbol}": self.asset,
            "/v2/options/contracts": self.contracts,
            "/v2/options/contracts/{symbol}": self.contract,
            "/v2/calendar": self.calendar,
            "/v2/clock": self.clock,
        }
        return [web.get(path, handler, allow_head=False) for path, handler in table.items()]

    async def assets(self, request: web.Request) -> web.Response:
        """GET the assets: all listed stocks are active US equities, so other filters find none."""
        status = request.query.get("status", "active")
        asset_class = request.query.get("asset_class", "us_equity")
        venue = request.query.get("exchange")
        wanted = {name for name in request.query.get("attributes", "").split(",") if name}
        if status not in {"active", "all"} or asset_class != "us_equity":
            return answer([])
        shown = (asset_json(asset) for asset in ASSETS.values() if venue in {None, asset.exchange})
        return answer([asset for asset in shown if wanted <= set(asset["attributes"])])

    async def asset(self, request: web.Request) -> web.Response:
        """GET one asset by symbol or id."""
        wanted = request.match_info["symbol"]
        asset = ASSETS.get(wanted) or ASSETS_BY_ID.get(wanted)
        if asset is None:
            raise errors.asset_not_found(wanted)
        return answer(asset_json(asset))

    async def contracts(self, request: web.Request) -> web.Response:
        """GET the listed contracts by symbol; without a bound on expiries those until the coming weekend."""
        wanted = read_filter(request, errors.invalid)
        active = query.choice(request, "status", ("active", "inactive")) == "active"
        limit = query.whole(request, "limit", default=_DEFAULT_CONTRACTS, largest=_MOST_CONTRACTS)
        after, stocks = ranges.after_token(request), _stocks(request)
        deliverables = request.query.get("show_deliverables", "").lower() == "true"

        def found() -> dict[str, Any]:
            today = new_york_day(now_ns())
            everything = itertools.chain.from_iterable(listed(stock, today) for stock in stocks)
            current = (c for c in everything if c.symbol > after and (c.expiry >= today) == active)
            fitting = (c for c in current if _in_time(wanted, c, today) and wanted.fits(c))
            page = list(itertools.islice(fitting, limit + 1))
            shown = [self._contract(contract, deliverables=deliverables) for contract in page[:limit]]
            token = ranges.token(page[limit - 1].symbol) if len(page) > limit else None
            return {"option_contracts": shown, "next_page_token": token}

        return answer(await aside(found))

    async def contract(self, request: web.Request) -> web.Response:
        """GET one contract by symbol, listed or not, or a listed one by id."""
        wanted = request.match_info["symbol"]
        found = parse_contract(wanted) or await aside(partial(by_id, wanted, new_york_day(now_ns())))
        if found is None:
            raise errors.contract_not_found(wanted)
        return answer(await aside(partial(self._contract, found, deliverables=True)))

    async def calendar(self, request: web.Request) -> web.Response:
        """GET the sessions of 1970 to 2029 between two days, by day of trade or of settlement."""
        first, last = _day(request, "start", FIRST_DAY), _day(request, "end", _LAST_DAY)
        kind = ranges.one_of(request, "date_type", ("TRADING", "SETTLEMENT"))

        def found() -> list[dict[str, Any]]:
            if kind == "TRADING":
                return [session_json(session) for session in sessions().between(first, last)]
            near = sessions().between(_earlier(first), last)
            return [session_json(session) for session in near if first <= settlement_day(session) <= last]

        return answer(await aside(found))

    async def clock(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET whether orders fill now, and the calendar's next open and close, in New York's time."""
        now = now_ns()
        opens, closes = await aside(lambda: sessions().next_times(now))
        times = {"timestamp": now, "next_open": opens, "next_close": closes}
        shown = {name: datetime.fromtimestamp(at_ns / 1e9, tz=NEW_YORK).isoformat() for name, at_ns in times.items()}
        return answer({"is_open": self._world.engine.book.is_open, **shown})

    def _contract(self, contract: Contract, *, deliverables: bool) -> dict[str, Any]:
        now = now_ns()
        return contract_json(self._world.engine.book.market, contract, now, deliverables=deliverables)


def _stocks(request: web.Request) -> list[str]:
    """Read whose contracts are asked for, in the order of the contracts' symbols; every one here is american."""
    if query.choice(request, "style", ("american", "european")) == "european":
        return []
    asked = {symbol for symbol in request.query.get("underlying_symbols", "").split(",") if symbol}
    return sorted(asked & ASSETS.keys() if asked else ASSETS)


def _in_time(wanted: ContractFilter, contract: Contract, today: date) -> bool:
    """Without any bound on expiries the list ends with the first Saturday after today."""
    if wanted.expiry or wanted.first_expiry or wanted.last_expiry or contract.expiry < today:
        return True
    return contract.expiry <= today + timedelta(days=(_SATURDAY - 1 - today.weekday()) % 7 + 1)


def _day(request: web.Request, name: str, default: date) -> date:
    text = request.query.get(name)
    if not text:
        return default
    try:
        return datetime.fromtimestamp(parse_moment(text) / 1e9, tz=UTC).date()
    except (ValueError, OverflowError):
        raise errors.bad_request(f"invalid {name}: {text!r} is neither a date nor an RFC 3339 time") from None


def _earlier(day: date) -> date:
    return day - timedelta(days=10) if day > FIRST_DAY + timedelta(days=10) else FIRST_DAY
