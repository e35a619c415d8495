"""From lots and prices to exits: the same with and without Postgres (TRD-002)."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from loguru import logger

from config.ids import trace_id
from config.settings import Settings
from domain.exit_strategies import STRATEGIES
from domain.exits import ExitDecision, Moment, decide, is_watched, may_trade
from domain.venue import classify_endpoint
from services.exits import PlannedExit, may_try, terms_of_exit
from services.lots import WatchedLot
from tasks.market_calendar import CalendarUnknown, MarketCalendar
from tasks.sell_prices import Prices


@dataclass(frozen=True, slots=True)
class Decided:
    """A lot that is to be closed, before anybody has looked at what was tried."""

    watched: WatchedLot
    decision: ExitDecision


def watched_by(settings: Settings, lots: Iterable[WatchedLot]) -> list[WatchedLot]:
    """Return the lots that the seller has anything to do with, of accounts whose keys are here."""
    rules = settings.sell_module.rules
    names = {account.name for account in settings.accounts}
    return [one for one in lots if one.account in names and is_watched(one.lot, rules)]


def decisions(settings: Settings, lots: Iterable[WatchedLot], prices: Prices, moment: Moment) -> Iterator[Decided]:
    """Give the lots that a strategy wants closed, whose market is open."""
    selling = settings.sell_module
    rules = selling.rules
    for one in lots:
        endpoint = classify_endpoint(one.base_url, settings.exchange_url)
        if not may_trade(moment, selling.market_hours, endpoint):
            continue
        decision = decide(one.lot, prices.of(one.lot), moment, rules, strategies=STRATEGIES)
        if decision is not None:
            yield Decided(one, decision)


def moment_of(calendar: MarketCalendar, now: dt.datetime) -> Moment:
    """Return now with its session; without one where nobody knows the calendar, so that nothing is sold by guess."""
    try:
        return calendar.moment(now)
    except CalendarUnknown as error:
        logger.error("The market's calendar is not known: {}", error)
        return Moment(now, None)


def plan(settings: Settings, decided: Decided, now: dt.datetime, attempt: int | None = None) -> PlannedExit | None:
    """Return the exit that follows, None when it is too soon, one too many, or nothing whole is left to close.

    `attempt` is the one that whoever knows better has found; else the one after the last, once that has ended.
    """
    selling, watched = settings.sell_module, decided.watched
    reason = decided.decision.trigger.reason.value
    if attempt is None:
        last = watched.last_exit
        if not may_try(last, reason, now=now, reprice_times=selling.reprice_times):
            return None
        attempt = 1 if last is None else last.attempt + 1
    terms = terms_of_exit(decided.decision, selling)
    if terms is None:
        return None
    return PlannedExit(
        watched=watched,
        decision=decided.decision,
        attempt=attempt,
        terms=terms,
        decided_at=now,
        trace_id=trace_id(),
        cancel_after=selling.cancel_after("sell_module", terms.asset_class, terms.order_type),
    )
