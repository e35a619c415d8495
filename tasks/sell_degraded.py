"""Selling while Postgres is away: from the snapshot, after a look at the broker, on the disk before it is sent (R21).

The ids are those of R20, so nothing that the normal way may have sent as well can be there twice. What was sent stays
in mind, and in the spool for whoever comes after a crash, until Postgres has it.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from loguru import logger

from brokers.protocol import Broker, BrokerUnavailable
from brokers.rate_budget import Purpose
from brokers.registry import NoSuchBroker
from config.ids import trace_id
from config.logging import log_operation
from domain.broker import Accepted, BrokerOrder, Ticket, Timed
from domain.ids import broker_client_id
from domain.money import ZERO
from domain.order_state import TERMINAL
from domain.orders import OrderTerms, Side
from domain.timing import OrderLine, Step
from services.exits import PlannedExit, exit_order_id, line_of
from services.operations import Operation
from services.order_facts import SELLER
from services.order_sweep import WorkingOrder
from services.origin import Stamp
from services.spooled import exited, operated
from tasks.context import Context
from tasks.market_calendar import MarketCalendar
from tasks.placing import send
from tasks.sell_decisions import Decided, decisions, moment_of, plan, watched_by
from tasks.sell_prices import Priced, PriceReader
from tasks.sell_snapshot import Snapshot
from tasks.stopwatch import Stopwatch

_AGAIN_MS = 2000  # between two requests to cancel the same order; it doubles up to a minute
_LONGEST_MS = 60_000


@dataclass(frozen=True, slots=True)
class _Held:
    """What an account holds by its broker's own word, and which orders work there."""

    broker: Broker
    positions: dict[str, Decimal]
    working: list[BrokerOrder]

    def free(self, symbol: str, *, is_short: bool) -> Decimal:
        """Return how much may be closed that nothing is closing already."""
        held = self.positions.get(symbol, ZERO)
        closing = (symbol, Side.BUY if is_short else Side.SELL)
        orders = [order for order in self.working if (order.symbol, order.side) == closing]
        busy = sum(((order.qty or ZERO) - order.filled_qty for order in orders), ZERO)
        return ZERO if (held < 0) is not is_short else max(ZERO, abs(held) - busy)


class Degraded:
    """The seller's way without Postgres; `tick` is called by it alone."""

    def __init__(self, ctx: Context, prices: PriceReader, calendar: MarketCalendar) -> None:
        self._ctx, self._prices, self._calendar = ctx, prices, calendar
        self._sent = {
            uuid.UUID(line["exit"]["lot_id"]): int(line["exit"]["attempt"])
            for line in ctx.spool.read().lines
            if line.get("what") == "exit"
        }
        self._working: list[WorkingOrder] = []  # what was sent here and is to be cancelled in time
        self._cancels: dict[uuid.UUID, tuple[int, float]] = {}

    def tick(self, snapshot: Snapshot | None) -> bool:
        """Decide and send by what was known last; return whether there was anything to go by."""
        ctx = self._ctx
        if snapshot is None or not snapshot.running:
            return False
        lots = watched_by(ctx.settings, snapshot.lots)
        priced = [Priced(one.account, one.lot) for one in lots]
        prices = self._prices.read(ctx, priced, ctx.settings.sell_module.price_rules)
        moment = moment_of(self._calendar, ctx.clock.now())
        by_account: dict[str, list[Decided]] = defaultdict(list)
        # what works at the broker is asked for, not remembered: an order may have come and gone since
        whole = [replace(one, lot=replace(one.lot, busy_qty=ZERO)) for one in lots]
        for one in decisions(ctx.settings, whole, prices, moment):
            by_account[one.watched.account].append(one)
        for account, wanted in by_account.items():
            self._close(account, wanted)
        self._cancel_due((*snapshot.working, *self._working))
        return True

    def _close(self, account: str, wanted: Iterable[Decided]) -> None:
        held = self._look(account)
        if held is None:
            return
        for one in wanted:
            try:
                self._close_one(held, one)
            except BrokerUnavailable as error:
                logger.warning("Account {}: an exit waits for its broker: {}", account, error)
                return

    def _look(self, account: str) -> _Held | None:
        ctx = self._ctx
        if ctx.budget.take(account, purpose=Purpose.PROTECT) or ctx.budget.take(account, purpose=Purpose.PROTECT):
            return None
        try:
            broker = ctx.broker(account)
            working = list(broker.open_orders())  # first: one that fills meanwhile counts twice, and never not at all
            return _Held(broker, {held.symbol: held.qty for held in broker.positions()}, working)
        except (BrokerUnavailable, NoSuchBroker) as error:
            logger.warning("Account {}: nothing is sold before its broker has answered: {}", account, error)
            return None

    def _close_one(self, held: _Held, one: Decided) -> None:
        lot = one.decision.lot
        free = min(one.decision.qty, held.free(lot.symbol, is_short=lot.is_short))
        if free <= 0 or (attempt := self._attempt(held.broker, one)) is None:
            return
        ctx, watch = self._ctx, Stopwatch(self._ctx.clock)
        decided = replace(one, decision=replace(one.decision, qty=free))
        exit_ = plan(ctx.settings, decided, watch.started_at, attempt or None)
        if exit_ is None:
            return
        if not ctx.spool.keep([exited(exit_, self._stamp())]):
            logger.error("{} is not sold: nothing can be written anywhere", lot.symbol)
            return
        self._sent[lot.lot_id] = exit_.attempt
        logger.info("{} (the database is away)", line_of(exit_))
        ticket = Ticket(broker_client_id(exit_.order_id), exit_.terms)
        self._record(exit_, send(ctx, one.watched.account, ticket, ctx.clock.monotonic_ms()), watch)

    def _attempt(self, broker: Broker, one: Decided) -> int | None:
        """Return the attempt to send: the last one again when the broker never had it, the next when it has ended.

        0 for the one that follows what the snapshot says has ended, None while one works.
        """
        last = one.watched.last_exit
        sent = self._sent.get(one.decision.lot.lot_id)
        if sent is None and (last is None or last.has_ended):
            return 0
        number = max(sent or 0, 0 if last is None else last.attempt)
        found = broker.find_order(broker_client_id(exit_order_id(one.decision.lot.lot_id, number)))
        if found is None:
            return number
        return number + 1 if found.status in TERMINAL else None

    def _record(self, exit_: PlannedExit, timed: Timed, watch: Stopwatch) -> None:
        outcome, watched = timed.outcome, exit_.watched
        code = None if isinstance(outcome, Accepted) else outcome.reason_code
        operation = self._operation("degraded_exit", watched.account, exit_.terms.symbol, watch, reason_code=code)
        detail = {"order_id": str(exit_.order_id), "attempt": exit_.attempt, "qty": exit_.terms.size}
        account_id = exit_.decision.lot.account_id
        timing = replace(operation, network_ms=timed.network_ms, account_id=account_id, detail=detail)
        self._ctx.spool.keep([operated(timing, self._stamp())])
        if isinstance(outcome, Accepted) and exit_.cancel_after is not None:
            self._working.append(_working(exit_, outcome.order.broker_order_id, watch.now() + exit_.cancel_after))
        _log(exit_.terms, str(exit_.order_id), watched.account, watched.account_type, watch, timed.network_ms, code)

    def _cancel_due(self, working: Iterable[WorkingOrder]) -> None:
        now, now_ms = self._ctx.clock.now(), self._ctx.clock.monotonic_ms()
        for order in working:
            tries, again_ms = self._cancels.get(order.order_id, (0, 0.0))
            if order.cancel_after > now or now_ms < again_ms:
                continue
            pause_ms = min(_LONGEST_MS, _AGAIN_MS * 2 ** min(tries, 6))
            self._cancels[order.order_id] = (tries + 1, now_ms + pause_ms)
            self._cancel(order)

    def _cancel(self, order: WorkingOrder) -> None:
        ctx, watch = self._ctx, Stopwatch(self._ctx.clock)
        if ctx.budget.take(order.account, purpose=Purpose.PROTECT):
            return
        try:
            answer = ctx.broker(order.account).cancel(order.broker_order_id)
            code, network_ms = answer.reason_code, answer.network_ms
        except (BrokerUnavailable, NoSuchBroker) as error:
            code, network_ms = type(error).__name__, None
        operation = self._operation("degraded_cancel", order.account, order.symbol, watch, reason_code=code)
        detail = {"order_id": str(order.order_id), "cancel_after": order.cancel_after.isoformat()}
        timing = replace(operation, network_ms=network_ms, account_id=order.account_id, detail=detail)
        ctx.spool.keep([operated(timing, self._stamp())])
        logger.info("Order {} has worked long enough: its end is asked for (the database is away)", order.order_id)

    def _operation(
        self, name: str, account: str, symbol: str, watch: Stopwatch, *, reason_code: str | None
    ) -> Operation:
        return Operation(
            operation=name,
            started_at=watch.started_at,
            occurred_at=watch.now(),
            total_ms=watch.elapsed_ms,
            success=reason_code is None,
            source=SELLER,
            trace_id=trace_id(),
            account_name=account,
            symbol=symbol,
            reason_code=reason_code,
        )

    def _stamp(self) -> Stamp:
        return Stamp(self._ctx.clock.now(), self._ctx.ids, self._ctx.origin)


def _working(exit_: PlannedExit, broker_order_id: str, cancel_after: dt.datetime) -> WorkingOrder:
    lot, watched = exit_.decision.lot, exit_.watched
    return WorkingOrder(
        order_id=exit_.order_id,
        account_id=lot.account_id,
        account=watched.account,
        account_type=watched.account_type,
        account_type_source=watched.account_type_source,
        symbol=lot.symbol,
        broker_order_id=broker_order_id,
        cancel_after=cancel_after,
    )


def _log(  # noqa: PLR0917  the line's own fields
    terms: OrderTerms,
    order_id: str,
    account: str,
    account_type: str,
    watch: Stopwatch,
    network_ms: float | None,
    code: str | None,
) -> None:
    line = OrderLine(
        step=Step.PLACE,
        side=terms.side,
        symbol=terms.symbol,
        size=terms.size,
        order_id=order_id,
        total_ms=watch.elapsed_ms,
        network_ms=network_ms,
        account=account,
        account_type=account_type,
        source=SELLER,
        error=code,
    )
    log_operation(line)
