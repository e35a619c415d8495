"""GET /v2/account/portfolio/history: an account's equity and profit in windows of a minute to a day.

This exchange trades every day, so every day since the account was opened has its window. A month is 30 days, a year
365.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web

from exchange import errors
from exchange.alpaca_routes import query
from exchange.clock import NEW_YORK, now_ns
from exchange.decimals import rounded
from exchange.gate import answer
from exchange.history import CASH_FLOWS, Worth, worths
from exchange.state import Account
from exchange.world import ACCOUNT, World

_SECOND_NS = 1_000_000_000
_MINUTE_NS, _DAY_NS = 60 * _SECOND_NS, 86_400 * _SECOND_NS
_FRAMES = {"1Min": _MINUTE_NS, "5Min": 5 * _MINUTE_NS, "15Min": 15 * _MINUTE_NS, "1H": 60 * _MINUTE_NS, "1D": _DAY_NS}
_UNITS = {"D": _DAY_NS, "W": 7 * _DAY_NS, "M": 30 * _DAY_NS, "A": 365 * _DAY_NS}
_PERIOD = re.compile(r"([1-9]\d{0,3})([DWMA])")
_SESSIONS = {"market_hours": (time(9, 30), time(16)), "extended_hours": (time(4), time(20))}
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for, moments in ns since the epoch; no `session` is all of the time."""

    begin: int
    end: int
    timeframe: str
    session: tuple[time, time] | None
    resets_daily: bool
    flows: tuple[str, ...]

    def windows(self) -> Iterator[int]:
        """Give where each window begins."""
        if self.timeframe == "1D":
            yield from _midnights(self.begin, self.end)
            return
        step = _FRAMES[self.timeframe]
        for begin in range(self.begin // step * step, self.end, step):
            if self.session is None or _is_within(begin, self.session):
                yield begin


class PortfolioRoutes:
    """The route of the history."""

    def __init__(self, world: World) -> None:
        self._market = world.engine.book.market

    def routes(self) -> list[web.RouteDef]:
        """Their table."""
        return [web.get("/v2/account/portfolio/history", self.history, allow_head=False)]

    async def history(self, request: web.Request) -> web.Response:
        """GET by two of period, start and end, by timeframe, session and cash flows."""
        account = request[ACCOUNT]
        wanted = _read(request, account)
        windows = list(wanted.windows())
        ends = [min(begin + _FRAMES[wanted.timeframe], wanted.end) for begin in windows]
        bases = [_midnight(begin) if wanted.resets_daily else wanted.begin for begin in windows]
        moments = sorted({wanted.begin, *ends, *bases})
        known = dict(zip(moments, worths(account, self._market, moments), strict=True))
        gains = [_gain(known[end], known[base]) for end, base in zip(ends, bases, strict=True)]
        shown: dict[str, Any] = {
            "timestamp": [begin // _SECOND_NS for begin in windows],
            "equity": [_money(known[end].equity) for end in ends],
            "profit_loss": [_money(gain) for gain, _ in gains],
            "profit_loss_pct": [float(rounded(ratio, 6)) for _, ratio in gains],
            "base_value": _money(known[wanted.begin].equity),
            "timeframe": wanted.timeframe,
        }
        if wanted.flows:
            shown["cashflow"] = {kind: [_money(known[end].flows[kind]) for end in ends] for kind in wanted.flows}
        return answer(shown)


def _read(request: web.Request, account: Account) -> _Wanted:
    begin, end = _bounds(request)
    timeframe = query.choice(request, "timeframe", (_usual_frame(end - begin), *_FRAMES))
    if timeframe != "1D" and end - begin > _UNITS["M"]:
        raise errors.invalid("timeframe must be 1D for more than 30 days")
    session = query.choice(request, "intraday_reporting", ("market_hours", "extended_hours", "continuous"))
    if query.flag(request, "extended_hours") and session == "market_hours":
        session = "extended_hours"
    resets_daily = query.choice(request, "pnl_reset", ("per_day", "no_reset")) == "per_day" and timeframe != "1D"
    flows = query.words(request, "cashflow_types")
    listed = tuple(kind for kind in CASH_FLOWS if kind in flows or "ALL" in flows)
    begin = max(begin, _midnight(account.created_ns) if timeframe == "1D" else account.created_ns)
    return _Wanted(begin, end, timeframe, _SESSIONS.get(session), resets_daily, listed)


def _bounds(request: web.Request) -> tuple[int, int]:
    """Read the span in ns; without any parameter it is the last month."""
    given = [name for name in ("period", "start", "end") if request.query.get(name)]
    if len(given) == len(("period", "start", "end")):
        raise errors.invalid("only two of start, end and period can be specified at the same time")
    now = now_ns()
    end = min(query.moment(request, "end", default=now), now)
    if "start" not in given:
        return end - _period(request.query.get("period") or "1M"), end
    begin = query.moment(request, "start", default=0)
    if "period" in given:
        end = min(begin + _period(request.query["period"]), now)
    if begin > end:
        raise errors.invalid("start must be before end")
    return begin, end


def _period(text: str) -> int:
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise errors.invalid("period must be a number and one of D, W, M, A")
    return int(match[1]) * _UNITS[match[2]]


def _usual_frame(span: int) -> str:
    if span < _UNITS["W"]:
        return "1Min"
    return "15Min" if span < _UNITS["M"] else "1D"


def _new_york(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // _SECOND_NS, tz=NEW_YORK)


def _midnight(at_ns: int) -> int:
    return int(_new_york(at_ns).replace(hour=0, minute=0, second=0).timestamp()) * _SECOND_NS


def _midnights(begin: int, end: int) -> Iterator[int]:
    """Give the begin of every day in New York that has a part in the span."""
    day = _new_york(_midnight(begin))
    while (at_ns := int(day.timestamp()) * _SECOND_NS) < end:
        yield at_ns
        day += timedelta(days=1)  # the wall clock's midnight, whatever the day's length


def _is_within(at_ns: int, session: tuple[time, time]) -> bool:
    moment = _new_york(at_ns)
    return moment.weekday() < _SATURDAY and session[0] <= moment.time() < session[1]


def _gain(now: Worth, base: Worth) -> tuple[Decimal, Decimal]:
    """Give profit in USD and as a part of the base; money paid in or out is neither profit nor loss."""
    gain = now.equity - base.equity - (now.paid_in - base.paid_in)
    return gain, gain / base.equity if base.equity else Decimal(0)


def _money(amount: Decimal) -> float:
    return float(rounded(amount, 2))
