"""The account, the listed assets and the clock."""

from decimal import Decimal

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query
from exchange.assets import ASSETS, ASSETS_BY_ID
from exchange.clock import now_ns, previous_close, session_times
from exchange.configurations import read_configurations
from exchange.gate import answer
from exchange.history import worths
from exchange.state import Account
from exchange.wire import account_json, asset_json
from exchange.world import ACCOUNT, World


class AccountRoutes:
    """What an account is and could trade."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._quote = world.engine.book.market.quote
        self._closes: dict[str, tuple[int, Decimal]] = {}
        """The worth of accounts at the last close that somebody asked about."""

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v2/account", self.account, allow_head=False),
            web.get("/v2/account/configurations", self.configurations, allow_head=False),
            web.patch("/v2/account/configurations", self.configure),
            web.get("/v2/assets", self.assets, allow_head=False),
            web.get("/v2/assets/{symbol}", self.asset, allow_head=False),
            web.get("/v2/clock", self.clock, allow_head=False),
        ]

    async def account(self, request: web.Request) -> web.Response:
        """GET /v2/account."""
        account = request[ACCOUNT]
        return answer(account_json(account, self._quote, self._last_equity(account)))

    def _last_equity(self, account: Account) -> Decimal:
        """Give what the account was worth at the last close: its opening cash when it is younger than that."""
        close = previous_close(now_ns())
        known = self._closes.get(account.name)
        if known is None or known[0] != close:
            (worth,) = worths(account, self._world.engine.book.market, [close])
            known = self._closes[account.name] = (close, worth.equity)
        return known[1]

    async def configurations(self, request: web.Request) -> web.Response:
        """GET what the customer has set."""
        return answer(request[ACCOUNT].configurations)

    async def configure(self, request: web.Request) -> web.Response:
        """PATCH it: trading suspended, no shorting, no fractions and no options take effect, the rest is kept."""
        account = request[ACCOUNT]
        changes = read_configurations(await query.body(request))
        self._world.engine.change_account(account, {"configurations": {**account.configurations, **changes}})
        return answer(account.configurations)

    async def assets(self, request: web.Request) -> web.Response:
        """GET /v2/assets: all listed stocks are active US equities, so other filters find none."""
        status = request.query.get("status", "active")
        asset_class = request.query.get("asset_class", "us_equity")
        venue = request.query.get("exchange")
        if status not in {"active", "all"} or asset_class != "us_equity":
            return answer([])
        return answer([asset_json(asset) for asset in ASSETS.values() if venue in {None, asset.exchange}])

    async def asset(self, request: web.Request) -> web.Response:
        """GET one asset by symbol or id."""
        wanted = request.match_info["symbol"]
        asset = ASSETS.get(wanted) or ASSETS_BY_ID.get(wanted)
        if asset is None:
            raise errors.asset_not_found(wanted)
        return answer(asset_json(asset))

    async def clock(self, request: web.Request) -> web.Response:  # noqa: ARG002  aiohttp's shape
        """GET /v2/clock: open unless scripted otherwise; times with New York's offset."""
        now, next_open, next_close = session_times(now_ns())
        times = {"timestamp": now, "next_open": next_open, "next_close": next_close}
        return answer({"is_open": self._world.engine.book.is_open, **{k: v.isoformat() for k, v in times.items()}})
