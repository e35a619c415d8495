"""Placements through the unmodified alpaca-py: each end has its outcome, and each order one POST."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from brokers.protocol import EntryLocked
from config.clock import SYSTEM_CLOCK
from domain.broker import Accepted, BrokerOrder, NotAccepted, Outcome, Rejected, Unknown
from domain.orders import OrderTerms, Side
from tests.brokers.desk import LIMIT, MARKET, OPTION, TOTAL_S, Desk, new_broker, new_ticket
from tests.brokers.servers import Server, answers, resets, serving
from tests.support.exchange import ExchangeProcess


def outcome_of(status: int, body: bytes, headers: bytes = b"") -> Outcome:
    """What a placement makes of an answer."""
    with serving(answers(status, body, headers=headers)) as server:
        broker = new_broker(server.url)
        timed = broker.place(new_ticket())
        broker.close()
    assert len(server.requests) == 1
    return timed.outcome


def test_a_market_order_is_accepted_and_found_by_our_id(desk: Desk) -> None:
    outcome = desk.place()

    assert isinstance(outcome, Accepted)
    assert outcome.order.matches(MARKET)
    assert outcome.order.client_order_id == desk.placed[-1].broker_client_id
    found = desk.broker.find_order(desk.placed[-1].broker_client_id)
    assert found is not None
    assert found.broker_order_id == outcome.order.broker_order_id
    assert desk.attempts == 1


def test_a_limit_order_keeps_price_and_quantity(desk: Desk) -> None:
    assert isinstance(desk.place(LIMIT), Accepted)

    booked = desk.in_books()
    assert booked is not None
    assert (booked["type"], booked["limit_price"], booked["qty"]) == ("limit", "1.5", "2")


def test_an_option_order_is_placed(desk: Desk) -> None:
    assert isinstance(desk.place(replace(MARKET, symbol=OPTION)), Accepted)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (replace(MARKET, qty=Decimal(1_000_000)), "insufficient_buying_power"),
        (replace(LIMIT, limit_price=Decimal("190.123")), "sub_penny"),
        (replace(MARKET, symbol="NOSUCH"), "broker_rejected"),
    ],
)
def test_a_refusal_says_why(desk: Desk, terms: OrderTerms, reason: str) -> None:
    outcome = desk.place(terms)

    assert isinstance(outcome, Rejected)
    assert (outcome.reason_code, outcome.by) == (reason, "broker")
    assert (desk.attempts, desk.in_books()) == (1, None)


def test_wrong_keys_are_a_refusal(running: ExchangeProcess) -> None:
    broker = new_broker(running.url)
    outcome = broker.place(new_ticket()).outcome
    broker.close()

    assert isinstance(outcome, Rejected)
    assert (outcome.reason_code, outcome.http_status) == ("broker_unauthorized", 401)


def test_the_same_id_again_is_unknown_until_it_is_looked_up(desk: Desk) -> None:
    desk.place(LIMIT)

    again = desk.broker.place(desk.placed[-1]).outcome

    assert isinstance(again, Unknown)
    assert again.reason_code == "duplicate_client_order_id"
    assert desk.broker.find_order(desk.placed[-1].broker_client_id) is not None


# fault, what the placement is called, whether the exchange has the order all the same
FAULTS = [
    ("delay", {"delay_ms": 100}, Accepted, True),
    ("hang", {}, Unknown, False),
    ("hang_after", {}, Unknown, True),
    ("429", {}, NotAccepted, False),
    ("504_before", {}, Unknown, False),
    ("504_after", {}, Unknown, True),
    ("drop_before", {}, Unknown, False),
    ("drop_after", {}, Unknown, True),
    ("trickle", {"delay_ms": 20}, Unknown, True),  # every single read succeeds: only the total ends it
]


@pytest.mark.requirement("TRD-001")
@pytest.mark.parametrize(("kind", "where", "meaning", "booked"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_every_fault_of_the_wire_has_its_outcome_and_one_post(
    desk: Desk, kind: str, where: dict[str, Any], meaning: type[Any], *, booked: bool
) -> None:
    desk.exchange.add_fault(kind, account=desk.account, method="POST", times=None, **where)

    started = SYSTEM_CLOCK.monotonic_ms()
    outcome = desk.place(LIMIT)
    total_ms = SYSTEM_CLOCK.monotonic_ms() - started

    assert isinstance(outcome, meaning)
    assert desk.attempts == 1
    assert (desk.in_books() is not None) is booked
    wire_ms = desk.broker.wire_time().network_ms
    assert wire_ms is not None
    assert wire_ms <= total_ms < (TOTAL_S + 0.4) * 1000


def test_a_kept_connection_that_ends_as_it_is_used_again_is_unknown_and_nothing_is_repeated(desk: Desk) -> None:
    assert isinstance(desk.place(LIMIT), Accepted)
    desk.exchange.add_fault("close_on_reuse", account=desk.account, method="POST", times=None)

    assert isinstance(desk.place(LIMIT), Unknown)
    assert (desk.attempts, desk.in_books()) == (1, None)


def test_the_next_order_after_a_fault_goes_through(desk: Desk) -> None:
    desk.exchange.add_fault("hang", account=desk.account, method="POST")
    assert isinstance(desk.place(LIMIT), Unknown)

    assert isinstance(desk.place(LIMIT), Accepted)


def test_a_closed_port_is_not_accepted_and_may_be_tried_later(running: ExchangeProcess) -> None:
    with serving(resets) as server:
        closed = server.url
    broker = new_broker(closed)
    timed = broker.place(new_ticket())

    assert isinstance(timed.outcome, NotAccepted)
    assert timed.request_id is None
    broker.close()
    assert running.running


@pytest.mark.requirement("TRD-001")
def test_a_placement_carries_its_time_on_the_wire_and_the_brokers_request_id(desk: Desk) -> None:
    timed = desk.broker.place(new_ticket())

    assert timed.network_ms is not None
    assert timed.network_ms > 0
    assert timed.request_id is not None
    assert desk.broker.wire_time().request_id == timed.request_id


@pytest.mark.requirement("ACC-001")
def test_a_locked_endpoint_is_seen_at_the_last_moment_and_nothing_is_sent(desk: Desk) -> None:
    asked: list[str] = []

    def locked(url: str) -> str:
        asked.append(url)
        return "not armed"

    broker = new_broker(desk.exchange.url, (f"PK-{desk.account}", f"{desk.account}-secret"), may_enter=locked)
    ticket = new_ticket()
    with pytest.raises(EntryLocked, match="not armed"):
        broker.place(ticket)
    broker.close()

    assert asked == [desk.exchange.url]
    assert desk.exchange.ledger(desk.account)["attempts"] == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"ok"',
        b"<html>all is well</html>",
        b'{"id": "b1", "status": ',  # cut off
        b"\xff\xfe\x00",
        b"[" * 100_000,  # too deep for Python's reader
        b"1" * 5000,  # more digits than Python reads
        b'{"code": 40310000, "message": "insufficient buying power"}',
    ],
    ids=range(11),
)
def test_a_success_that_says_nothing_readable_is_unknown(body: bytes) -> None:
    assert isinstance(outcome_of(200, body), Unknown)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_unknown_and_not_followed(status: int) -> None:
    with serving(answers(200, b"{}")) as elsewhere:
        outcome = outcome_of(status, b"", b"Location: %s/\r\n" % elsewhere.url.encode())

    assert isinstance(outcome, Unknown)
    assert elsewhere.requests == []


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_gateways_page_is_unknown(status: int) -> None:
    assert isinstance(outcome_of(status, b"<html>try again</html>"), Unknown)


def test_429_is_sent_once_although_the_sdk_would_repeat_it() -> None:
    assert outcome_of(429, b'{"code":42910000,"message":"rate limit exceeded"}') == NotAccepted(
        "rate_limited", "rate limit exceeded"
    )


def test_a_reset_after_the_request_is_unknown() -> None:
    with serving(resets) as server:
        broker = new_broker(server.url)
        assert isinstance(broker.place(new_ticket()).outcome, Unknown)
        broker.close()
    assert server.connections == 1


def test_an_order_with_a_word_nobody_knows_is_still_accepted() -> None:
    outcome = outcome_of(200, b'{"id": "b1", "status": "invented_tomorrow", "qty": 1, "asset_class": "ipo"}')

    assert isinstance(outcome, Accepted)
    assert (outcome.order.status, outcome.order.raw_status) == (None, "invented_tomorrow")


def test_the_body_sent_carries_decimals_as_text_and_our_id() -> None:
    sent: list[bytes] = []

    def keep(server: Callable[[], Server]) -> Callable[[Any], None]:
        def behave(sock: Any) -> None:
            while b"}" not in (received := sock.recv(65536)):
                sent.append(received)
            sent.append(received)
            sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"id": "b1"}')
            server()

        return behave

    ticket = new_ticket(replace(LIMIT, qty=Decimal("1E+1"), limit_price=Decimal("1.50")))
    with serving(keep) as server:
        broker = new_broker(server.url)
        broker.place(ticket)
        broker.close()

    text = b"".join(sent).decode()
    assert '"qty": "10"' in text
    assert '"limit_price": "1.5"' in text
    assert '"time_in_force": "gtc"' in text
    assert ticket.broker_client_id in text


def test_an_order_of_another_kind_under_our_id_does_not_match(desk: Desk) -> None:
    desk.place(LIMIT)
    found: BrokerOrder | None = desk.broker.find_order(desk.placed[-1].broker_client_id)

    assert found is not None
    assert not found.matches(replace(LIMIT, side=Side.SELL))
