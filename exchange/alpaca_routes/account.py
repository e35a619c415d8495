"""The account itself."""

from aiohttp import web

from exchange.gate import answer
from exchange.wire import account_json
from exchange.world import ACCOUNT, World


class AccountRoutes:
    """What an account is."""

    def __init__(self, world: World) -> None:
        self._quote = world.engine.book.market.quote

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v2/account", self.account, allow_head=False),
        ]

    async def account(self, request: web.Request) -> web.Response:
        """GET /v2/account."""
        return answer(account_json(request[ACCOUNT], self._quote))
