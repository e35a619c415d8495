"""Account activities, executions and other movements: the way to learn what happened, paged by the last item's id."""

from collections.abc import Iterable
from itertools import islice

from aiohttp import web

from exchange import errors
from exchange.activity_wire import activity_json, activity_type
from exchange.alpaca_routes import query
from exchange.gate import answer
from exchange.state import Account, Activity
from exchange.world import ACCOUNT, World

_LARGEST_PAGE = 100
_END_OF_TIME = 2**63
_DAY_NS = 86_400 * 1_000_000_000
_TYPE_NAMES = """FILL TRANS MISC ACATC ACATS CFEE CGD CSD CSW DIV DIVCGL DIVCGS DIVFEE DIVFT DIVNRA DIVROC DIVTW
    DIVTXEX FEE INT INTNRA INTTW JNL JNLC JNLS MA NC OPASN OPCA OPCSH OPEXC OPEXP OPTRD PTC PTR REORG SPIN SPLIT FOPT"""
_TYPES = frozenset(_TYPE_NAMES.split())
_GROUPS = {"TRANS": frozenset({"CSD", "CSW"}), "MISC": _TYPES - {"TRANS", "MISC", "CSD", "CSW", "DIV", "FILL"}}
_CATEGORIES = {"trade_activity": frozenset({"FILL"}), "non_trade_activity": _TYPES - {"FILL"}}


class ActivityRoutes:
    """The routes under /v2/account/activities."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v2/account/activities", self.activities, allow_head=False),
            web.get("/v2/account/activities/{type}", self.activities_of_type, allow_head=False),
        ]

    async def activities(self, request: web.Request) -> web.Response:
        """GET by `activity_types` (comma-separated) or `category`; all when both are absent."""
        types, category = request.query.get("activity_types"), request.query.get("category")
        if types and category:
            raise errors.invalid("only one of activity_types or category is accepted")
        if category:
            return answer(_page(request, _CATEGORIES[query.choice(request, "category", tuple(_CATEGORIES))]))
        return answer(_page(request, _expanded(types) if types else _TYPES))

    async def activities_of_type(self, request: web.Request) -> web.Response:
        """GET of one type."""
        return answer(_page(request, _expanded(request.match_info["type"])))


def _expanded(names: str) -> frozenset[str]:
    wanted = frozenset(names.split(","))
    for name in wanted - _TYPES:
        raise errors.invalid(f"invalid activity type: {name}")
    return wanted.union(*(_GROUPS[name] for name in wanted if name in _GROUPS))


def _page(request: web.Request, types: frozenset[str]) -> list[dict[str, object]]:
    size = query.whole(request, "page_size", default=_LARGEST_PAGE, largest=_LARGEST_PAGE)
    newest_first = query.choice(request, "direction", ("desc", "asc")) == "desc"
    after = query.moment(request, "after", default=-1)
    until = query.moment(request, "until", default=_END_OF_TIME)
    begin, end = _day(request)
    found = (
        activity_json(activity)
        for activity in _from_token(request, request[ACCOUNT], newest_first=newest_first)
        if after < activity.at_ns < until and begin <= activity.at_ns < end and activity_type(activity) in types
    )
    return list(islice(found, size))


def _day(request: web.Request) -> tuple[int, int]:
    """Read `date`: the UTC day of that date or moment, all of time when absent."""
    if not request.query.get("date"):
        return 0, _END_OF_TIME
    begin = query.moment(request, "date", default=0) // _DAY_NS * _DAY_NS
    return begin, begin + _DAY_NS


def _from_token(request: web.Request, account: Account, *, newest_first: bool) -> Iterable[Activity]:
    """Give the activities in the asked direction, beginning behind the one whose id is the page token."""
    activities, token = account.activities, request.query.get("page_token")
    if not token:
        return reversed(activities) if newest_first else activities
    index = account.activity_index.get(token)
    if index is None:
        raise errors.invalid("page_token is invalid")
    return reversed(activities[:index]) if newest_first else activities[index + 1 :]
