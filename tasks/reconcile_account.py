"""Reconciling one account: read everything, compare, then act item by item (R12, R14-R19, docs/reconcile.md)."""

import uuid
from collections import Counter
from dataclasses import dataclass, field

from loguru import logger

from brokers.protocol import BrokerUnavailable
from brokers.rate_budget import Purpose
from brokers.registry import NoSuchBroker
from config import log_context
from config.ids import trace_id
from domain.broker import BrokerOrder
from domain.money import needs_ask
from domain.order_state import TERMINAL, OrderEvent
from domain.orders import Lane
from domain.reconcile import Comparison, OurOrder, compare
from models.unit import StoreAway, StoreError
from risk.rules.reconciled import EXIT_PATIENCE
from services.external_orders import Found, import_order
from services.fills import Heard, Polled, Told, apply_poll
from services.operations import Operation, record_operation
from services.order_claim import Brief
from services.order_facts import unreconciled_since
from services.order_transition import Event, note
from services.positions import correct_positions
from services.reconcile import Begun, begin, finish, let_go, our_orders, put_off
from tasks.balances import check_balance
from tasks.context import Context
from tasks.polling import log_heard
from tasks.quarantine_alerts import tell_quarantined
from tasks.reconcile_reading import SINGLE_READS, Reading, asked, read_broker
from tasks.stopwatch import Stopwatch

_NO_BROKER = "no_broker"


@dataclass
class _Run:
    """One reconcile: what it reads with, and what it has done so far, counted by kind."""

    ctx: Context
    begun: Begun
    watch: Stopwatch
    reading: Reading
    done: Counter[str] = field(default_factory=Counter)


def is_to_reconcile(ctx: Context, brief: Brief) -> bool:
    """Return whether an order waits for a reconcile of its account; an exit does so for ten seconds at most."""
    since = unreconciled_since(brief.reconciled_from, ctx.placing_since)
    return since is not None and (brief.lane is Lane.ENTRY or brief.now - since < EXIT_PATIENCE)


def reconcile_account(ctx: Context, account_id: uuid.UUID) -> bool:
    """Reconcile an account unless somebody is at it; return whether this one has finished.

    A read that fails or ends early concludes nothing: "broker unreachable" is never read as "no orders" (R14).
    """
    with ctx.database.unit() as unit:
        begun = begin(unit, account_id, f"{ctx.origin.process}/{ctx.ids.new()}")
    if begun is None:
        return False
    log_context.add(account=begun.account)
    watch = Stopwatch(ctx.clock)
    try:
        run = _Run(ctx, begun, watch, read_broker(ctx, begun))
        _act(run)
    except (BrokerUnavailable, NoSuchBroker) as error:
        code = error.reason_code if isinstance(error, BrokerUnavailable) else _NO_BROKER
        _record(ctx, begun, watch, None, failed=(code, str(error)))
        return False
    is_done = not run.done["failed"]
    _record(
        ctx, begun, watch, run, failed=None if is_done else ("incomplete", "not every item could be read or written")
    )
    return is_done


def _act(run: _Run) -> None:
    """Bring our record up to what was read."""
    ctx, begun, reading = run.ctx, run.begun, run.reading
    with ctx.database.statement() as unit:
        ids = {order.client_order_id for order in reading.orders.values()}
        ours = our_orders(unit, begun.account_id, ids)
    found = compare(ours, reading.orders.values(), fresh=reading.fills)
    run.done["failed"] = reading.unread + max(0, len(found.missing) - SINGLE_READS)
    run.done["open_at_broker"] = sum(order.status not in TERMINAL for order in reading.orders.values())
    _hear(run, found)
    for strange in found.external:
        _import(run, strange)
    for order, said in found.reappeared:
        _cancel(run, order, said)
    _correct(run)
    if not check_balance(ctx, begun.account_id):
        raise BrokerUnavailable("balance_unavailable", "the balance could not be read")
    tell_quarantined(ctx, begun.account_id, begun.account)


def _hear(run: _Run, found: Comparison) -> None:
    """Take over what the broker says of our own orders, those that no list holds asked for singly."""
    told = [(order, said) for order, said in found.told]
    for order in found.missing[:SINGLE_READS]:
        said = asked(run.ctx, run.begun, run.reading, lambda o=order: run.reading.broker.find_order(o.broker_client_id))  # type: ignore[misc]  # a lambda's default
        if said is not None:
            told.append((order, said))
    run.done["asked_singly"] = min(len(found.missing), SINGLE_READS)
    for order, said in told:
        _tell(run, order.order_id, order, said)


def _tell(run: _Run, order_id: uuid.UUID, order: OurOrder | None, said: BrokerOrder) -> None:
    fills = run.reading.fills.get(said.broker_order_id, [])
    since = said.created_at or run.watch.started_at
    filled_qty = said.filled_qty if order is None else order.filled_qty
    polled = Polled(order_id, said.broker_order_id, said.client_order_id, since, filled_qty)
    heard: list[Heard] = []
    ctx, now = run.ctx, run.watch.started_at
    try:
        with ctx.database.unit() as unit:
            apply_poll(unit, [Told(polled, said, fills)], now=now, ids=ctx.ids, origin=ctx.origin, heard=heard)
    except StoreAway:
        raise
    except StoreError as error:
        run.done["failed"] += 1
        logger.error("What the broker told of {} could not be written: {}", order_id, type(error).__name__)
        return
    for one in heard:
        log_heard(run.begun.account, one, run.watch.elapsed_ms, None)
        run.done[one.event.event_type.value] += 1


def _import(run: _Run, order: BrokerOrder) -> None:
    """Make a row of an order that somebody else has placed, and tell it what it has filled."""
    ctx, terms = run.ctx, order.terms
    if terms is None:
        run.done["unreadable"] += 1
        logger.warning("Account {}: order {} has several legs or unknown words, and is not shown", *_whose(run, order))
        return
    ask = None
    if order.status not in TERMINAL and needs_ask(terms.order_type):
        try:
            ask = run.reading.broker.latest_ask(terms.symbol, terms.asset_class)
        except BrokerUnavailable as error:
            logger.warning("Account {}: order {} reserves nothing: {}", *_whose(run, order), error)
    collar = ctx.policy(run.begun.account).trading.market_collar
    wanted = Found(order, terms, ask, collar, trace_id())
    try:
        with ctx.database.unit() as unit:
            order_id = import_order(unit, run.begun, wanted, now=run.watch.now(), ids=ctx.ids, origin=ctx.origin)
    except StoreAway:
        raise
    except StoreError as error:
        run.done["failed"] += 1
        logger.error("Account {}: order {} could not be imported: {}", *_whose(run, order), type(error).__name__)
        return
    if order_id is None:
        return
    run.done["imported"] += 1
    logger.info("Account {}: order {} imported: {} {} {}", *_whose(run, order), terms.side, terms.size, terms.symbol)
    if order.status in TERMINAL or order.broker_order_id in run.reading.fills:
        _tell(run, order_id, None, order)


def _whose(run: _Run, order: BrokerOrder) -> tuple[str, str]:
    return run.begun.account, order.broker_order_id


def _cancel(run: _Run, order: OurOrder, said: BrokerOrder) -> None:
    """Cancel an order of ours that works at the broker although it was given up (R12)."""
    asked_at = run.watch.now()
    answer = asked(
        run.ctx,
        run.begun,
        run.reading,
        lambda: run.reading.broker.cancel(said.broker_order_id),
        purpose=Purpose.PROTECT,
    )
    event = Event(
        event_type=OrderEvent.CANCEL_SENT if answer.taken else OrderEvent.CANCEL_FAILED,
        stage="reconcile",
        occurred_at=run.watch.now(),
        started_at=asked_at,
        success=answer.taken,
        network_ms=answer.network_ms,
        reason_code=answer.reason_code or "reappeared",
        reason=answer.message or "the broker has the order although it was given up: it is cancelled",
        detail={"broker_order_id": said.broker_order_id},
    )
    with run.ctx.database.statement() as unit:
        note(unit, order.order_id, [event], run.ctx.origin)
    run.done["reappeared"] += 1
    logger.error("Order {} was given up and works at the broker: cancelled there", order.order_id)


def _correct(run: _Run) -> None:
    ctx = run.ctx
    with ctx.database.unit() as unit:
        corrected = correct_positions(
            unit, run.begun, run.reading.positions, now=run.watch.now(), ids=ctx.ids, origin=ctx.origin
        )
    run.done["positions_corrected"] = len(corrected)
    for one in corrected:
        logger.warning(
            "Account {}: position of {} corrected from {} to {}, as the broker says",
            run.begun.account,
            one.symbol,
            one.ledger_qty,
            one.broker_qty,
        )


def _record(ctx: Context, begun: Begun, watch: Stopwatch, run: _Run | None, *, failed: tuple[str, str] | None) -> None:
    """Write the reconcile's own row of the audit, and let the account go on or keep everybody from it for a moment."""
    operation = Operation(
        operation="reconcile",
        started_at=watch.started_at,
        occurred_at=watch.now(),
        total_ms=watch.elapsed_ms,
        success=failed is None,
        source="system",
        trace_id=trace_id(),
        network_ms=None if run is None else run.reading.network_ms,
        account_id=begun.account_id,
        account_name=begun.account,
        account_type=begun.account_type,
        account_type_source=begun.account_type_source,
        reason_code=None if failed is None else failed[0],
        reason=None if failed is None else failed[1],
        detail={"began": begun.began.isoformat(), "since": begun.since.isoformat()} | _counts(run),
    )
    with ctx.database.unit() as unit:
        record_operation(unit, operation, ctx.origin, ctx.ids)
        if failed is None:
            finish(unit, begun)
        elif failed[0] == _NO_BROKER:
            let_go(unit, begun)
        else:
            put_off(unit, begun)
    if failed is not None:
        logger.warning("Account {} not reconciled: {}", begun.account, failed[1])


def _counts(run: _Run | None) -> dict[str, int]:
    if run is None:
        return {}
    return dict(run.done) | {"requests": run.reading.requests, "positions": len(run.reading.positions)}
