"""The newer calendar and clock (/v3), which know the hours before and after a session; New York's markets alone."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import ranges
from exchange.aside import aside
from exchange.clock import NEW_YORK, now_ns
from exchange.gate import answer
from exchange.sessions import FIRST_DAY, Session, midnight_ns, new_york_day, sessions, settlement_day
from exchange.world import World

_NYSE = {"acronym": "NYSE", "name": "New York Stock Exchange", "mic": "XNYS", "timezone": "America/New_York"}
_NASDAQ = {"acronym": "NASDAQ", "name": "Nasdaq Stock Market", "mic": "XNAS", "timezone": "America/New_York"}
_MARKETS = {name: market for market in (_NYSE, _NASDAQ) for name in (market["acronym"], market["mic"])}
_HOUR_NS = 3_600_000_000_000
_PRE_OPENS_NS, _POST_LASTS_NS = 4 * _HOUR_NS, 4 * _HOUR_NS
_LAST_CLOCK = date(2029, 12, 1)
"""The calendar ends with that month, and a clock names sessions ahead."""
_WEEK = timedelta(days=7)


class MarketHoursRoutes:
    """The routes under /v3: the calendar's truth, whatever a script says of this exchange's own session."""

    def __init__(self, _world: World) -> None:
        pass

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [
            web.get("/v3/clock", self.clock, allow_head=False),
            web.get("/v3/calendar/{market}", self.calendar, allow_head=False),
        ]

    async def clock(self, request: web.Request) -> web.Response:
        """GET the phase of each market, now or at `time`."""
        names = [name for name in request.query.get("markets", "NYSE,NASDAQ").split(",") if name]
        markets = [_market(name) for name in names]
        at_ns = ranges.moment(request, "time", now_ns())
        if not midnight_ns(FIRST_DAY) <= at_ns < midnight_ns(_LAST_CLOCK):
            raise errors.bad_request(f"invalid time: the calendar holds {FIRST_DAY} to {_LAST_CLOCK}")
        shown = await aside(lambda: _clock_json(at_ns))
        return answer({"clocks": [{"market": market, **shown} for market in markets]})

    async def calendar(self, request: web.Request) -> web.Response:
        """GET a market's sessions, by default those of a week from today or from `start`."""
        market = _market(request.match_info["market"])
        zone: tzinfo = UTC if ranges.one_of(request, "timezone", ("", "UTC")) else NEW_YORK
        first = new_york_day(max(ranges.moment(request, "start", now_ns()), 0))
        last = new_york_day(max(ranges.moment(request, "end", midnight_ns(first + _WEEK)), 0))
        shown = await aside(lambda: [_day_json(session, zone) for session in sessions().between(first, last)])
        return answer({"market": market, "calendar": shown})


def _market(name: str) -> dict[str, str]:
    if name not in _MARKETS:
        raise errors.bad_request(f"invalid market: {name!r} is none of {', '.join(_MARKETS)}")
    return _MARKETS[name]


def _phases(session: Session) -> list[tuple[str, int]]:
    """Give the moments (ns since the epoch) at which a session's phases end."""
    return [
        ("closed", midnight_ns(session.day) + _PRE_OPENS_NS),
        ("pre", session.open_ns),
        ("core", session.close_ns),
        ("post", session.close_ns + _POST_LASTS_NS),
    ]


def _clock_json(at_ns: int) -> dict[str, Any]:
    today = new_york_day(at_ns)
    near = sessions().between(today, today + 2 * _WEEK)
    phase, until_ns = next((name, end) for session in near for name, end in _phases(session) if at_ns < end)
    opens, closes = sessions().next_times(at_ns)
    return {
        "timestamp": _shown(at_ns, NEW_YORK),
        "is_market_day": sessions().on(today) is not None,
        "next_market_open": _shown(opens, NEW_YORK),
        "next_market_close": _shown(closes, NEW_YORK),
        "phase": phase,
        "phase_until": _shown(until_ns, NEW_YORK),
    }


def _day_json(session: Session, zone: tzinfo) -> dict[str, str]:
    (_, pre), (_, opens), (_, closes), (_, post) = _phases(session)
    bounds = {"pre": (pre, opens), "core": (opens, closes), "post": (closes, post)}
    return {
        "date": session.day.isoformat(),
        **{f"{name}_start": _shown(start, zone) for name, (start, _) in bounds.items()},
        **{f"{name}_end": _shown(end, zone) for name, (_, end) in bounds.items()},
        "settlement_date": settlement_day(session).isoformat(),
    }


def _shown(at_ns: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, tz=zone).isoformat()
