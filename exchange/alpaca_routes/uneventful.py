"""What never happens at this exchange and may be asked for all the same: corporate actions and news."""

import re

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query, ranges
from exchange.gate import answer
from exchange.world import World

_MOST_ACTIONS, _MOST_NEWS = 1000, 50
_KIND = re.compile(r"[a-z_]+")


class UneventfulRoutes:
    """Questions are read and refused as Alpaca does; the answers are empty."""

    def __init__(self, _world: World) -> None:
        pass

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v1/corporate-actions", self.corporate_actions, allow_head=False),
            web.get("/v1beta1/news", self.news, allow_head=False),
            web.get("/v2/corporate_actions/announcements", self.announcements, allow_head=False),
            web.get("/v2/corporate_actions/announcements/{id}", self.announcement, allow_head=False),
        ]

    async def corporate_actions(self, request: web.Request) -> web.Response:
        """GET by symbol, type and date: no stock here was ever split, paid a dividend or merged."""
        ranges.read_range(request, [], _MOST_ACTIONS)
        for kind in filter(None, request.query.get("types", "").split(",")):
            if not _KIND.fullmatch(kind):
                raise errors.bad_request(f"invalid types: {kind!r}")
        return answer({"corporate_actions": {}, "next_page_token": None})

    async def news(self, request: web.Request) -> web.Response:
        """GET articles: nobody writes about this exchange."""
        ranges.read_range(request, [], _MOST_NEWS)
        return answer({"news": [], "next_page_token": None})

    async def announcements(self, request: web.Request) -> web.Response:
        """GET the trading API's list of corporate actions."""
        missing = next((name for name in ("ca_types", "since", "until") if name not in request.query), None)
        if missing is not None:
            raise errors.invalid(f"{missing} is required")
        if query.moment(request, "since", default=0) > query.moment(request, "until", default=0):
            raise errors.invalid("until should not be before since")
        return answer([])

    async def announcement(self, request: web.Request) -> web.Response:
        """GET one of them: none has an id."""
        raise errors.announcement_not_found(request.match_info["id"])
