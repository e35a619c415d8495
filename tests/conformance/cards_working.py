"""Cards 26 to 40: cancels and replacements that race with fills, and fills that are counted once (R13-R15, R27)."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from config.clock import SYSTEM_CLOCK
from domain.broker import Accepted, BrokerFill, BrokerOrder, Rejected, Ticket, Unknown
from stack.waiting import poll
from tests.conformance.venue import Fault, Venue, Verb, booked, card, found, limit, market, place, ticket

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@card(26)
def a_working_order_is_cancelled(venue: Venue) -> None:
    sent, order = _working(venue)
    assert venue.broker.cancel(order.broker_order_id).taken
    _ends(venue, sent, "canceled")


@card(27)
def a_filled_order_is_not_cancelled_and_says_so(venue: Venue) -> None:
    sent = ticket(market(venue))
    place(venue, sent)
    _ends(venue, sent, "filled")
    answer = venue.broker.cancel(found(venue, sent).broker_order_id)
    assert not answer.taken
    assert answer.reason_code
    assert booked(venue, sent).status == "filled"


@card(28)
def an_order_that_nobody_has_is_not_cancelled(venue: Venue) -> None:
    answer = venue.broker.cancel("00000000-0000-4000-8000-000000000000")
    assert not answer.taken
    assert answer.reason_code


@card(29)
def cancelling_twice_is_harmless(venue: Venue) -> None:
    sent, order = _working(venue)
    venue.broker.cancel(order.broker_order_id)
    venue.broker.cancel(order.broker_order_id)
    _ends(venue, sent, "canceled")


@card(30)
def what_was_filled_before_the_cancel_stays_filled(venue: Venue) -> None:
    sent, order = _working(venue, qty="5")
    venue.fill(sent.broker_client_id, "2")
    venue.broker.cancel(order.broker_order_id)
    _ends(venue, sent, "canceled")
    assert booked(venue, sent).filled_qty == Decimal(2)
    assert sum(fill.qty for fill in _fills(venue, sent)) == Decimal(2)


@card(31)
def a_lost_answer_to_a_cancel_is_bounded_and_claims_nothing(venue: Venue) -> None:
    sent, order = _working(venue)
    venue.disturb(Fault.HANG_AFTER, Verb.CANCEL)
    began = SYSTEM_CLOCK.monotonic_ms()
    answer = venue.broker.cancel(order.broker_order_id)
    assert SYSTEM_CLOCK.monotonic_ms() - began < (venue.total_s + 0.5) * 1000
    assert not answer.taken
    _ends(venue, sent, "canceled")


@card(32)
def a_replacement_takes_the_place_of_a_working_order(venue: Venue) -> None:
    old, order = _working(venue)
    new = ticket(limit(venue, price="1.75"), replaces=order.broker_order_id)
    assert isinstance(place(venue, new), Accepted)
    _ends(venue, old, "replaced")
    assert booked(venue, new).limit_price == Decimal("1.75")


@card(33)
def a_filled_order_is_not_replaced(venue: Venue) -> None:
    old = ticket(market(venue))
    place(venue, old)
    _ends(venue, old, "filled")
    new = ticket(limit(venue), replaces=found(venue, old).broker_order_id)
    assert isinstance(place(venue, new), Rejected)
    assert venue.booked(new.broker_client_id) is None


@card(34)
def a_lost_answer_to_a_replacement_is_unknown_and_found_by_the_new_id(venue: Venue) -> None:
    _, order = _working(venue)
    venue.disturb(Fault.GATEWAY_AFTER, Verb.REPLACE)
    new = ticket(limit(venue, price="1.75"), replaces=order.broker_order_id)
    assert isinstance(place(venue, new), Unknown)
    assert found(venue, new).matches(new.terms)


@card(35)
def a_replacement_that_never_arrived_leaves_the_old_order_working(venue: Venue) -> None:
    old, order = _working(venue)
    venue.disturb(Fault.GATEWAY_BEFORE, Verb.REPLACE)
    new = ticket(limit(venue, price="1.75"), replaces=order.broker_order_id)
    assert isinstance(place(venue, new), Unknown)
    assert venue.broker.find_order(new.broker_client_id) is None
    assert booked(venue, old).status == "accepted"


@card(36)
def every_execution_is_told_once_and_their_sum_is_what_was_filled(venue: Venue) -> None:
    sent, _ = _working(venue, qty="6")
    for qty in ("1", "2", "3"):
        venue.fill(sent.broker_client_id, qty)
    fills = _fills(venue, sent)
    assert [fill.qty for fill in fills] == [Decimal(1), Decimal(2), Decimal(3)]
    assert [fill.cum_qty for fill in fills] == [Decimal(1), Decimal(3), Decimal(6)]
    assert len({fill.broker_fill_id for fill in fills}) == len(fills)
    assert found(venue, sent).filled_qty == Decimal(6)


@card(37)
def executions_come_oldest_first_over_all_pages(venue: Venue) -> None:
    sent, _ = _working(venue, qty="130")
    for _ in range(120):
        venue.fill(sent.broker_client_id, "1")
    fills = _fills(venue, sent)
    assert [fill.cum_qty for fill in fills] == [Decimal(count) for count in range(1, 121)]
    assert [fill.occurred_at for fill in fills] == sorted(fill.occurred_at for fill in fills)


@card(38)
def executions_before_a_time_are_left_out(venue: Venue) -> None:
    sent = ticket(market(venue))
    place(venue, sent)
    _ends(venue, sent, "filled")
    assert _fills(venue, sent)
    assert not venue.broker.fills_after(SYSTEM_CLOCK.now() + dt.timedelta(hours=1))


@card(39)
def a_fill_carries_price_side_and_symbol(venue: Venue) -> None:
    venue.quote(venue.stock, "71.10", "71.13")
    sent = ticket(market(venue, qty="3"))
    place(venue, sent)
    _ends(venue, sent, "filled")
    (fill,) = _fills(venue, sent)
    assert (fill.symbol, fill.side, fill.price, fill.qty) == (venue.stock, "buy", Decimal("71.13"), Decimal(3))
    assert found(venue, sent).filled_avg_price == Decimal("71.13")


@card(40)
def orders_of_every_state_are_listed_oldest_first(venue: Venue) -> None:
    working, _ = _working(venue, hold=False)
    done = ticket(market(venue))
    place(venue, done)
    _ends(venue, done, "filled")
    listed = venue.broker.orders_after(LONG_AGO)
    assert [order.client_order_id for order in listed] == [working.broker_client_id, done.broker_client_id]
    assert venue.broker.orders_after(SYSTEM_CLOCK.now() + dt.timedelta(hours=1)) == []


def _working(venue: Venue, *, qty: str = "2", hold: bool = True) -> tuple[Ticket, BrokerOrder]:
    if hold:
        venue.hold()
    sent = ticket(replace(limit(venue), qty=Decimal(qty)))
    outcome = place(venue, sent)
    assert isinstance(outcome, Accepted)
    return sent, outcome.order


def _fills(venue: Venue, sent: Ticket) -> list[BrokerFill]:
    ours = found(venue, sent).broker_order_id
    return [fill for fill in venue.broker.fills_after(LONG_AGO) if fill.broker_order_id == ours]


def _ends(venue: Venue, sent: Ticket, status: str) -> None:
    assert poll(lambda: booked(venue, sent).status == status, seconds=5), booked(venue, sent)
