"""The account itself, and what its owner has set about it."""

from decimal import Decimal

from aiohttp import web

from exchange.alpaca_routes import query
from exchange.clock import now_ns, previous_close
from exchange.configurations import read_configurations
from exchange.gate import answer
from exchange.history import worths
from exchange.state import Account
from exchange.wire import account_json
from exchange.world import ACCOUNT, World


class AccountRoutes:
    """What an account is."""

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
