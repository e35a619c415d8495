"""Fills as account activities: the way to learn what executed, paged by the last item's id."""

from collections.abc import Iterable

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query
from exchange.gate import answer
from exchange.state import Account, Fill
from exchange.wire import fill_json
from exchange.world import ACCOUNT, World

_LARGEST_PAGE = 100
_END_OF_TIME = 2**63


class ActivityRoutes:
    """The routes under /v2/account/activities; FILL is the only type this exchange makes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v2/account/activities", self.activities, allow_head=False),
            web.get("/v2/account/activities/{type}", self.activities_of_type, allow_head=False),
        ]

    async def activities(self, request: web.Request) -> web.Response:
        """GET by `activity_types` (comma-separated; all when absent)."""
        wanted = request.query.get("activity_types")
        has_fills = wanted is None or "FILL" in wanted.split(",")
        return answer(_page(request) if has_fills else [])

    async def activities_of_type(self, request: web.Request) -> web.Response:
        """GET of one type."""
        return answer(_page(request) if request.match_info["type"] == "FILL" else [])


def _page(request: web.Request) -> list[dict[str, object]]:
    account: Account = request[ACCOUNT]
    size = query.whole(request, "page_size", default=_LARGEST_PAGE, largest=_LARGEST_PAGE)
    newest_first = query.choice(request, "direction", ("desc", "asc")) == "desc"
    after = query.moment(request, "after", default=0)
    until = query.moment(request, "until", default=_END_OF_TIME)
    page: list[dict[str, object]] = []
    for fill in _from_token(request, account, newest_first=newest_first):
        if len(page) == size:
            break
        if after < fill.at_ns < until:
            page.append(fill_json(fill))
    return page


def _from_token(request: web.Request, account: Account, *, newest_first: bool) -> Iterable[Fill]:
    """Give the fills in the asked direction, beginning behind the one whose id is the page token."""
    token = request.query.get("page_token")
    if not token:
        return reversed(account.fills) if newest_first else account.fills
    index = account.fill_index.get(token)
    if index is None:
        raise errors.invalid("page_token is invalid")
    return reversed(account.fills[:index]) if newest_first else account.fills[index + 1 :]
