"""Cards 1 to 24: what a placement's end may be called, and that nothing is ever sent twice (R8, R10, R11)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.protocol import EntryLocked
from config.clock import SYSTEM_CLOCK
from domain.broker import Accepted, NotAccepted, Rejected, Unknown
from domain.orders import OrderTerms, OrderType, Side, TimeInForce
from tests.conformance.venue import Fault, Venue, Verb, booked, card, found, limit, market, place, ticket

FAR = Decimal(5000)


@card(1)
def an_accepted_order_is_found_by_our_id(venue: Venue) -> None:
    sent = ticket(market(venue))
    outcome = place(venue, sent)
    assert isinstance(outcome, Accepted)
    assert found(venue, sent).broker_order_id == outcome.order.broker_order_id
    assert found(venue, sent).matches(sent.terms)


@card(2)
def price_and_quantity_arrive_exactly(venue: Venue) -> None:
    sent = ticket(limit(venue, price="61.37", qty="17"))
    assert isinstance(place(venue, sent), Accepted)
    assert (booked(venue, sent).limit_price, booked(venue, sent).qty) == (Decimal("61.37"), Decimal(17))


@card(3)
def a_stop_order_works(venue: Venue) -> None:
    terms = replace(market(venue), order_type=OrderType.STOP, stop_price=FAR)
    sent = ticket(terms)
    assert isinstance(place(venue, sent), Accepted)
    assert booked(venue, sent).status == "accepted"


@card(4)
def a_stop_limit_order_keeps_its_limit(venue: Venue) -> None:
    terms = replace(limit(venue, price="5001"), order_type=OrderType.STOP_LIMIT, stop_price=FAR)
    sent = ticket(terms)
    assert isinstance(place(venue, sent), Accepted)
    assert booked(venue, sent).limit_price == Decimal(5001)


@card(5)
def a_trailing_stop_works(venue: Venue) -> None:
    terms = replace(market(venue), order_type=OrderType.TRAILING_STOP, trail_percent=Decimal(5))
    sent = ticket(terms)
    assert isinstance(place(venue, sent), Accepted)
    assert booked(venue, sent).status == "accepted"


@card(6)
def an_amount_of_money_is_an_order(venue: Venue) -> None:
    terms = replace(market(venue), qty=None, notional=Decimal("250.50"))
    sent = ticket(terms)
    assert isinstance(place(venue, sent), Accepted)
    assert found(venue, sent).matches(terms)


@card(7)
def a_fraction_arrives_with_every_decimal(venue: Venue) -> None:
    sent = ticket(market(venue, qty="1.123456789"))
    assert isinstance(place(venue, sent), Accepted)
    assert booked(venue, sent).qty == Decimal("1.123456789")


@card(8)
def an_option_is_an_order(venue: Venue) -> None:
    sent = ticket(OrderTerms(venue.option, Side.BUY, OrderType.MARKET, TimeInForce.DAY, Decimal(1)))
    assert isinstance(place(venue, sent), Accepted)
    assert found(venue, sent).symbol == venue.option


@card(9)
def what_cannot_be_filled_at_once_and_whole_ends_by_itself(venue: Venue) -> None:
    sent = ticket(replace(limit(venue), time_in_force=TimeInForce.FOK))
    assert isinstance(place(venue, sent), Accepted | Rejected)
    order = venue.booked(sent.broker_client_id)
    assert order is None or order.status in {"canceled", "expired", "accepted"}
    assert order is None or order.filled_qty == 0


@card(10)
def without_money_the_refusal_is_definite(venue: Venue) -> None:
    sent = ticket(market(venue))
    broker = venue.poor()
    outcome = broker.place(sent).outcome
    assert isinstance(outcome, Rejected)
    assert outcome.by == "broker"
    assert outcome.message
    assert broker.find_order(sent.broker_client_id) is None


@card(11)
def an_unknown_symbol_is_definitely_refused(venue: Venue) -> None:
    sent = ticket(replace(market(venue), symbol="NOSUCH"))
    assert isinstance(place(venue, sent), Rejected)
    assert venue.booked(sent.broker_client_id) is None


@card(12)
def wrong_keys_are_a_definite_refusal(venue: Venue) -> None:
    sent = ticket(market(venue))
    outcome = venue.stranger().place(sent).outcome
    assert isinstance(outcome, Rejected)
    assert outcome.reason_code == "broker_unauthorized"
    assert venue.booked(sent.broker_client_id) is None


@card(13)
def a_busy_venue_did_not_take_it_and_was_asked_once(venue: Venue) -> None:
    venue.disturb(Fault.BUSY, Verb.PLACE, times=None)
    sent = ticket(limit(venue))
    assert isinstance(place(venue, sent), NotAccepted)
    assert venue.booked(sent.broker_client_id) is None
    assert venue.sent(sent.broker_client_id) <= 1


@card(14)
def a_closed_port_did_not_take_it(venue: Venue) -> None:
    assert isinstance(venue.nowhere().place(ticket(limit(venue))).outcome, NotAccepted)


@card(15)
def a_gateways_error_after_acceptance_is_unknown_and_one_order(venue: Venue) -> None:
    _ambiguous(venue, Fault.GATEWAY_AFTER, has_it=True)


@card(16)
def a_gateways_error_before_acceptance_is_unknown_and_no_order(venue: Venue) -> None:
    _ambiguous(venue, Fault.GATEWAY_BEFORE, has_it=False)


@card(17)
def silence_after_acceptance_is_unknown_and_one_order(venue: Venue) -> None:
    _ambiguous(venue, Fault.HANG_AFTER, has_it=True)


@card(18)
def silence_before_acceptance_is_unknown_and_no_order(venue: Venue) -> None:
    _ambiguous(venue, Fault.HANG_BEFORE, has_it=False)


@card(19)
def a_connection_lost_after_acceptance_is_unknown_and_one_order(venue: Venue) -> None:
    _ambiguous(venue, Fault.DROP_AFTER, has_it=True)


@card(20)
def a_connection_lost_before_acceptance_is_unknown_and_no_order(venue: Venue) -> None:
    _ambiguous(venue, Fault.DROP_BEFORE, has_it=False)


@card(21)
def an_answer_that_trickles_is_cut_at_the_deadline(venue: Venue) -> None:
    _ambiguous(venue, Fault.TRICKLE, has_it=True)


@card(22)
def the_order_after_a_lost_one_goes_through(venue: Venue) -> None:
    venue.disturb(Fault.HANG_BEFORE, Verb.PLACE)
    assert isinstance(place(venue, ticket(limit(venue))), Unknown)
    assert isinstance(place(venue, ticket(limit(venue))), Accepted)


@card(23)
def the_same_id_again_is_one_order_and_looked_up(venue: Venue) -> None:
    sent = ticket(limit(venue))
    place(venue, sent)
    assert isinstance(place(venue, sent), Unknown)
    orders = venue.broker.orders_after(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert [order.client_order_id for order in orders] == [sent.broker_client_id]


@card(24)
def the_same_id_from_eight_at_once_is_one_order(venue: Venue) -> None:
    sent = ticket(limit(venue))
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: place(venue, sent), range(8)))
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1
    assert all(isinstance(outcome, Accepted | Unknown) for outcome in outcomes)
    assert len(venue.broker.orders_after(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))) == 1


@card(25)
def the_last_look_before_the_socket_sends_nothing(venue: Venue) -> None:
    sent = ticket(market(venue))
    with pytest.raises(EntryLocked, match="not armed"):
        venue.locked("not armed").place(sent)
    assert venue.sent(sent.broker_client_id) == 0


def _ambiguous(venue: Venue, fault: Fault, *, has_it: bool) -> None:
    """One placement, one request, an outcome that claims nothing, in time; the look-up afterwards tells the truth."""
    venue.disturb(fault, Verb.PLACE, times=None)
    sent = ticket(limit(venue))
    began = SYSTEM_CLOCK.monotonic_ms()
    outcome = place(venue, sent)
    took_ms = SYSTEM_CLOCK.monotonic_ms() - began
    venue.calm()
    assert isinstance(outcome, Unknown)
    assert took_ms < (venue.total_s + 0.5) * 1000
    assert venue.sent(sent.broker_client_id) <= 1
    order = venue.broker.find_order(sent.broker_client_id)
    assert (order is not None) is has_it
    assert order is None or order.matches(sent.terms)
