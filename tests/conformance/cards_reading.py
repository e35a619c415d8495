"""Cards 41 to 59: reads that fail are never read as nothing, numbers are exact, times are aware and measured (R14)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from brokers.protocol import BrokerUnavailable
from config.clock import SYSTEM_CLOCK
from domain.broker import Accepted, Unknown
from domain.orders import AssetClass
from stack.waiting import poll
from tests.conformance.venue import Fault, Venue, Verb, card, found, limit, market, place, ticket

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@card(41)
def an_id_that_was_never_sent_is_nothing(venue: Venue) -> None:
    assert venue.broker.find_order(ticket(market(venue)).broker_client_id) is None


@card(42)
def a_venue_that_is_busy_or_broken_is_unavailable_and_never_nothing(venue: Venue) -> None:
    sent = ticket(limit(venue))
    place(venue, sent)
    reads = (
        lambda: venue.broker.find_order(sent.broker_client_id),
        lambda: venue.broker.orders_after(LONG_AGO),
        lambda: venue.broker.fills_after(LONG_AGO),
        venue.broker.read_account,
        venue.broker.listings,
    )
    for fault in (Fault.BUSY, Fault.GATEWAY_BEFORE, Fault.DROP_BEFORE):
        venue.disturb(fault, Verb.READ, times=None)
        for read in reads:
            with pytest.raises(BrokerUnavailable):
                read()
        venue.calm()


@card(43)
def a_read_that_hangs_is_bounded_and_unavailable(venue: Venue) -> None:
    venue.disturb(Fault.HANG_BEFORE, Verb.READ)
    began = SYSTEM_CLOCK.monotonic_ms()
    with pytest.raises(BrokerUnavailable):
        venue.broker.orders_after(LONG_AGO)
    assert SYSTEM_CLOCK.monotonic_ms() - began < (venue.total_s + 0.5) * 1000


@card(44)
def wrong_keys_read_nothing_and_say_so(venue: Venue) -> None:
    with pytest.raises(BrokerUnavailable):
        venue.stranger().read_account()


@card(45)
def a_port_where_nobody_listens_is_unavailable(venue: Venue) -> None:
    with pytest.raises(BrokerUnavailable):
        venue.nowhere().find_order("x")


@card(46)
def money_is_exact_and_tells_what_was_spent(venue: Venue) -> None:
    before = venue.broker.read_account()
    venue.quote(venue.stock, "33.30", "33.33")
    sent = ticket(market(venue, qty="3"))
    place(venue, sent)
    assert poll(lambda: found(venue, sent).filled_qty == Decimal(3), seconds=5)
    after = venue.broker.read_account()
    assert isinstance(after.cash, Decimal)
    assert before.cash - after.cash == Decimal("99.99")


@card(47)
def the_account_has_a_number_and_may_trade(venue: Venue) -> None:
    reading = venue.broker.read_account()
    assert reading.account_number
    assert not reading.trading_blocked


@card(48)
def the_ask_is_the_venues_to_the_cent(venue: Venue) -> None:
    venue.quote(venue.stock, "12.33", "12.34")
    assert venue.broker.latest_ask(venue.stock, AssetClass.STOCK) == Decimal("12.34")


@card(49)
def where_nobody_offers_there_is_no_ask(venue: Venue) -> None:
    assert venue.broker.latest_ask("NOSUCH", AssetClass.STOCK) is None


@card(50)
def what_may_be_traded_is_listed(venue: Venue) -> None:
    listed = {listing.symbol: listing for listing in venue.broker.listings()}
    assert listed[venue.stock].tradable


@card(51)
def times_are_aware_and_now(venue: Venue) -> None:
    sent = ticket(market(venue))
    place(venue, sent)
    created = found(venue, sent).created_at
    assert created is not None
    assert created.utcoffset() == dt.timedelta(0)
    assert abs(SYSTEM_CLOCK.now() - created) < dt.timedelta(minutes=1)


@card(52)
def the_time_on_the_wire_is_each_calls_own(venue: Venue) -> None:
    venue.disturb(Fault.SLOW, Verb.PLACE)  # 100 ms, one of the two
    with ThreadPoolExecutor(2) as threads:
        timed = list(threads.map(lambda _: venue.broker.place(ticket(limit(venue))), range(2)))
    assert all(isinstance(one.outcome, Accepted) for one in timed)
    quick, slow = sorted(one.network_ms or 0 for one in timed)
    assert 0 < quick < 100 <= slow < venue.total_s * 1000
    assert len({one.request_id for one in timed}) == len(timed)


@card(53)
def a_bad_gateway_after_acceptance_is_unknown(venue: Venue) -> None:
    _hides_an_order(venue, Fault.BAD_GATEWAY_AFTER)


@card(54)
def an_empty_error_after_acceptance_is_unknown(venue: Venue) -> None:
    _hides_an_order(venue, Fault.EMPTY_AFTER)


@card(55)
def half_an_answer_is_unknown(venue: Venue) -> None:
    _hides_an_order(venue, Fault.HALF)


@card(56)
def a_connection_that_was_closed_without_a_word_costs_the_next_call_nothing(venue: Venue) -> None:
    venue.disturb(Fault.CLOSES, Verb.PLACE, times=None)
    for _ in range(3):
        sent = ticket(limit(venue))
        assert isinstance(place(venue, sent), Accepted)
        assert venue.sent(sent.broker_client_id) == 1


@card(57)
def a_status_nobody_knows_is_kept_in_the_venues_words_and_ends_nothing(venue: Venue) -> None:
    sent = ticket(limit(venue))
    venue.disturb(Fault.NEW_WORD, Verb.PLACE)
    assert isinstance(place(venue, sent), Accepted)
    venue.disturb(Fault.NEW_WORD, Verb.READ)
    order = found(venue, sent)
    assert order.status is None
    assert order.raw_status == "held_for_review"


@card(58)
def fields_nobody_knows_change_nothing(venue: Venue) -> None:
    venue.disturb(Fault.NEW_FIELD, Verb.PLACE)
    venue.disturb(Fault.NEW_FIELD, Verb.READ, times=None)
    sent = ticket(limit(venue))
    assert isinstance(place(venue, sent), Accepted)
    assert found(venue, sent).matches(sent.terms)
    assert len(venue.broker.orders_after(LONG_AGO)) == 1
    assert venue.broker.read_account().cash > 0


@card(59)
def an_order_that_is_not_shown_yet_is_nothing_now_and_there_later(venue: Venue) -> None:
    sent = ticket(limit(venue))
    place(venue, sent)
    venue.disturb(Fault.HIDDEN, Verb.READ, times=None)
    assert venue.broker.find_order(sent.broker_client_id) is None
    venue.calm()
    assert found(venue, sent).matches(sent.terms)


def _hides_an_order(venue: Venue, fault: Fault) -> None:
    venue.disturb(fault, Verb.PLACE)
    sent = ticket(limit(venue))
    assert isinstance(place(venue, sent), Unknown)
    assert venue.sent(sent.broker_client_id) == 1
    assert found(venue, sent).matches(sent.terms)
