"""One account through the unmodified alpaca-py, against a real exchange and against answers no exchange should give."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from brokers.alpaca.adapter import AlpacaBroker
from brokers.deadline import Watchdog
from brokers.protocol import BrokerUnavailable, EntryLocked
from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from domain.broker import Accepted, BrokerOrder, NotAccepted, Outcome, Rejected, Ticket, Unknown
from domain.ids import broker_client_id
from domain.order_state import OrderStatus
from domain.orders import AssetClass, OrderTerms, OrderType, Side, TimeInForce
from tests.brokers.servers import Server, answers, resets, serving
from tests.exchange.helpers import eventually
from tests.support.exchange import ExchangeProcess

TOTAL_S = 0.5
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
OPTION = "AAPL271217C00200000"
MARKET = OrderTerms("AAPL", Side.BUY, OrderType.MARKET, TimeInForce.DAY, Decimal(1))
LIMIT = OrderTerms("AAPL", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Decimal(2), Decimal("1.50"))

_NUMBERS = itertools.count(1)
_WATCHDOG = Watchdog(SYSTEM_CLOCK)


@dataclass
class Desk:
    """A broker over a fresh account of the exchange, and the exchange's own books about it."""

    exchange: ExchangeProcess
    account: str
    broker: AlpacaBroker
    placed: list[Ticket] = field(default_factory=list)

    def place(self, terms: OrderTerms = MARKET) -> Outcome:
        self.placed.append(new_ticket(terms))
        return self.broker.place(self.placed[-1]).outcome

    @property
    def attempts(self) -> int:
        """How many POSTs the exchange has seen for the last ticket."""
        return int(self.exchange.ledger(self.account)["attempts"].get(self.placed[-1].broker_client_id, 0))

    def in_books(self, client_id: str | None = None) -> dict[str, Any] | None:
        return self.exchange.order(client_id or self.placed[-1].broker_client_id, self.account)


def new_ticket(terms: OrderTerms = MARKET) -> Ticket:
    return Ticket(broker_client_id(SYSTEM_IDS.new()), terms)


def new_broker(
    url: str, keys: tuple[str, str] = ("nobody", "-"), *, may_enter: Callable[[str], str | None] = lambda _: None
) -> AlpacaBroker:
    return AlpacaBroker(
        api_key=keys[0],
        secret_key=keys[1],
        base_url=url,
        data_url=url,
        clock=SYSTEM_CLOCK,
        watchdog=_WATCHDOG,
        may_enter=may_enter,
        total_s=TOTAL_S,
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    with ExchangeProcess(tmp_path_factory.mktemp("exchange")) as process:
        yield process


@pytest.fixture
def desk(running: ExchangeProcess) -> Iterator[Desk]:
    account = running.add_account(f"desk-{next(_NUMBERS)}", account_number="PA3DESK00001")
    broker = new_broker(running.url, (account["key_id"], account["secret_key"]))
    yield Desk(running, account["name"], broker)
    broker.close()
    running.remove_faults()
    running.set_fills(delay_ms=None, never=None, partial=None)


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


def test_no_order_under_our_id_is_none(desk: Desk) -> None:
    assert desk.broker.find_order("opt-never") is None


READS: dict[str, Callable[[AlpacaBroker], Any]] = {
    "find_order": lambda broker: broker.find_order("opt-1"),
    "orders_after": lambda broker: broker.orders_after(LONG_AGO),
    "fills_after": lambda broker: broker.fills_after(LONG_AGO),
    "read_account": lambda broker: broker.read_account(),
    "listings": lambda broker: broker.listings(),
    "latest_ask": lambda broker: broker.latest_ask("AAPL", AssetClass.STOCK),
    "latest_ask of an option": lambda broker: broker.latest_ask(OPTION, AssetClass.OPTION),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("kind", ["hang", "429", "504_before", "drop_before"])
def test_a_read_that_fails_is_unavailable_and_never_nothing(desk: Desk, read: str, kind: str) -> None:
    desk.exchange.add_fault(kind, account=desk.account, method="GET", times=None)

    with pytest.raises(BrokerUnavailable):
        READS[read](desk.broker)


NONSENSE = {
    "empty": b"",
    "null": b"null",
    "a string": b'"ok"',
    "a number": b"7",
    "an error": b'{"message": "internal"}',
    "html": b"<html></html>",
    "strings": b'["a", "b"]',
    "nulls": b"[null]",
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("read", ["find_order", "orders_after", "fills_after", "read_account", "listings"])
@pytest.mark.parametrize("body", NONSENSE)
def test_an_unreadable_answer_is_unavailable_and_never_nothing(read: str, body: str) -> None:
    with serving(answers(200, NONSENSE[body])) as server:
        broker = new_broker(server.url)
        with pytest.raises(BrokerUnavailable):
            READS[read](broker)
        broker.close()


@pytest.mark.parametrize("read", ["latest_ask", "latest_ask of an option"])
@pytest.mark.parametrize("body", NONSENSE)
def test_an_unreadable_quote_is_no_ask(read: str, body: str) -> None:
    with serving(answers(200, NONSENSE[body])) as server:
        broker = new_broker(server.url)
        try:
            assert READS[read](broker) is None
        except BrokerUnavailable:
            pass
        finally:
            broker.close()


@pytest.mark.parametrize("body", [b"<html>nginx</html>", b"", b'{"code":40410000,"message":"endpoint not found"}'])
def test_a_gateways_404_is_not_the_brokers_word_about_an_order(body: bytes) -> None:
    with serving(answers(404, body)) as server:
        broker = new_broker(server.url)
        with pytest.raises(BrokerUnavailable, match="404"):
            broker.find_order("opt-1")
        broker.close()


def test_orders_after_a_time_come_oldest_first_whatever_their_state(desk: Desk) -> None:
    desk.place(LIMIT)
    desk.place(MARKET)
    eventually(lambda: (desk.in_books() or {})["status"] == "filled")

    orders = desk.broker.orders_after(LONG_AGO)

    assert [order.client_order_id for order in orders] == [ticket.broker_client_id for ticket in desk.placed]
    assert [order.status for order in orders] == [OrderStatus.ACCEPTED, OrderStatus.FILLED]
    assert desk.broker.orders_after(dt.datetime(2100, 1, 1, tzinfo=dt.UTC)) == []


def test_fills_come_whole_and_oldest_first_over_many_pages(desk: Desk) -> None:
    desk.exchange.set_fills(symbol="F", never=True)
    desk.place(replace(MARKET, symbol="F", qty=Decimal(230)))
    for _ in range(205):
        desk.exchange.release(account=desk.account, qty="1")
    desk.exchange.set_fills(symbol="F", never=None)

    fills = desk.broker.fills_after(LONG_AGO)[:205]

    assert [fill.cum_qty for fill in fills] == [Decimal(count) for count in range(1, 206)]
    assert len({fill.broker_fill_id for fill in fills}) == 205
    assert desk.broker.fills_after(fills[-1].occurred_at + dt.timedelta(hours=1)) == []


def test_a_broker_that_never_stops_paging_is_unavailable() -> None:
    page = b"[" + b",".join([b'{"id": "same"}'] * 100) + b"]"
    with serving(answers(200, page)) as server:
        broker = new_broker(server.url)
        with pytest.raises(BrokerUnavailable, match="more than 5000 fills"):
            broker.fills_after(LONG_AGO)
        broker.close()
    assert len(server.requests) == 50


@pytest.mark.parametrize(("symbol", "asset_class"), [("MSFT", AssetClass.STOCK), (OPTION, AssetClass.OPTION)])
def test_the_ask_is_the_brokers_to_the_cent(desk: Desk, symbol: str, asset_class: AssetClass) -> None:
    desk.exchange.set_price(symbol, bid="12.33", ask="12.34", last="12.33")

    assert desk.broker.latest_ask(symbol, asset_class) == Decimal("12.34")


@pytest.mark.parametrize("symbol", ["NOSUCH", ""])
def test_a_symbol_nobody_quotes_has_no_ask(symbol: str) -> None:
    with serving(answers(200, b'{"quotes": {"AAPL": {"ap": 190.02}}}')) as server:
        broker = new_broker(server.url)
        assert broker.latest_ask(symbol, AssetClass.STOCK) is None
        broker.close()


@pytest.mark.parametrize("ask", [b"0", b"null", b"-1", b'"n/a"'])
def test_an_ask_that_is_no_price_is_none(ask: bytes) -> None:
    with serving(answers(200, b'{"quotes": {"AAPL": {"ap": %s}}}' % ask)) as server:
        broker = new_broker(server.url)
        assert broker.latest_ask("AAPL", AssetClass.STOCK) is None
        broker.close()


@pytest.mark.requirement("ACC-001")
def test_the_account_is_read_with_number_and_cash(desk: Desk) -> None:
    reading = desk.broker.read_account()

    assert (reading.account_number, reading.cash) == ("PA3DESK00001", Decimal(100_000))
    assert not reading.trading_blocked


def test_the_listing_names_what_may_be_traded(desk: Desk) -> None:
    listings = {listing.symbol: listing for listing in desk.broker.listings()}

    assert listings["AAPL"].tradable
    assert listings["AAPL"].fractionable
    assert not listings["SNDL"].fractionable


def test_one_row_without_a_symbol_costs_nobody_the_listing() -> None:
    with serving(answers(200, b'[{"name": "?"}, {"symbol": "AAPL", "tradable": true}]')) as server:
        broker = new_broker(server.url)
        assert [listing.symbol for listing in broker.listings()] == ["AAPL"]
        broker.close()


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
