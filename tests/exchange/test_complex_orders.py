"""Brackets, one-cancels-other and one-triggers-other: what waits for what, what ends what, and who holds the shares."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import eventually, filled, market_order, refusal, submit
from tests.exchange.listening import RawStream
from tests.support.exchange import DEMO, ExchangeProcess

ENTRY = {"symbol": "DIS", "qty": "4", "side": "buy", "type": "market", "time_in_force": "gtc"}
EXITS = {"take_profit": {"limit_price": "100"}, "stop_loss": {"stop_price": "90"}}
BRACKET = ENTRY | EXITS | {"order_class": "bracket"}
OCO = BRACKET | {"side": "sell", "type": "limit", "order_class": "oco"}


def place(client: TradingClient, **terms: Any) -> dict[str, Any]:
    placed: Any = client.post("/orders", BRACKET | terms)
    return dict(placed)


def place_oco(client: TradingClient, **terms: Any) -> dict[str, Any]:
    filled(client, submit(client, market_order("DIS", 4)))
    return place(client, **OCO, **terms)


def family(client: TradingClient, order: dict[str, Any]) -> list[dict[str, Any]]:
    """The order and its legs, as they are now."""
    now: Any = client.get(f"/orders/{order['id']}", {"nested": "true"})
    return [now, *now["legs"]]


def statuses(client: TradingClient, order: dict[str, Any]) -> list[str]:
    return [each["status"] for each in family(client, order)]


def becomes(client: TradingClient, order: dict[str, Any], *wanted: str) -> None:
    eventually(lambda: statuses(client, order) == list(wanted))


def test_the_exits_of_a_bracket_wait_for_its_entry(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_fills(never=True)
    order = place(client)
    profit, loss = order["legs"]
    assert (order["order_class"], order["status"], profit["status"], loss["status"]) == (
        "bracket",
        "accepted",
        "held",
        "held",
    )
    assert (profit["side"], profit["type"], profit["limit_price"]) == ("sell", "limit", "100")
    assert (loss["side"], loss["type"], loss["stop_price"]) == ("sell", "stop", "90")
    exchange.set_price("DIS", "101")
    assert statuses(client, order) == ["new", "held", "held"]
    exchange.set_fills(never=None)
    becomes(client, order, "filled", "filled", "canceled")


def test_a_stop_sees_nothing_while_it_is_held(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_fills(never=True)
    order = place(client)
    for price in ("89", "95"):
        exchange.set_price("DIS", price)
    exchange.set_fills(never=None)
    becomes(client, order, "filled", "new", "new")
    filled(client, submit(client, market_order("KO")))  # by now the exits have been tried as well
    assert statuses(client, order) == ["filled", "new", "new"]


def test_a_script_can_only_end_what_is_held(exchange: ExchangeProcess, client: TradingClient) -> None:
    exchange.set_fills(never=True)
    order = place(client)
    held = order["legs"][0]["client_order_id"]
    assert exchange.set_status("new", client_order_id=held) == []
    assert exchange.release(client_order_id=held) == {}
    assert exchange.set_status("expired", client_order_id=held) == [held]
    assert statuses(client, order) == ["canceled", "expired", "canceled"]


def test_the_profit_cancels_the_loss(exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient) -> None:
    order = place(client)
    becomes(client, order, "filled", "new", "new")
    exchange.set_price("DIS", "100.5")
    becomes(client, order, "filled", "filled", "canceled")
    ledger = exchange.ledger(account["name"])
    assert (ledger["positions"], ledger["reserved"], ledger["cash"]) == (
        [],
        "0",
        str(Decimal(100_000) + 4 * Decimal("5.48")),
    )


def test_the_loss_cancels_the_profit(exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient) -> None:
    order = place(client, stop_loss={"stop_price": "90", "limit_price": "88"})
    assert order["legs"][1]["type"] == "stop_limit"
    becomes(client, order, "filled", "new", "new")
    exchange.set_price("DIS", "89")
    becomes(client, order, "filled", "canceled", "filled")
    assert exchange.ledger(account["name"])["positions"] == []
    filled(client, submit(client, market_order("DIS", 4)))
    filled(client, submit(client, market_order("DIS", 4, "sell")))


@pytest.mark.parametrize(("member", "never"), [(0, True), (1, True), (2, True), (1, False), (2, False)])
def test_a_cancel_of_one_is_a_cancel_of_all(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, *, member: int, never: bool
) -> None:
    exchange.set_fills(never=never)
    order = place(client)
    becomes(client, order, *(("new", "held", "held") if never else ("filled", "new", "new")))
    client.delete(f"/orders/{family(client, order)[member]['id']}")
    becomes(client, order, "canceled" if never else "filled", "canceled", "canceled")
    assert exchange.ledger(account["name"])["reserved"] == "0"
    held: Any = client.get("/positions")
    assert [position["qty_available"] for position in held] == ([] if never else ["4"])


def test_two_exits_hold_the_shares_once(client: TradingClient) -> None:
    place_oco(client)
    position: Any = client.get("/positions/DIS")
    assert (position["qty"], position["qty_available"]) == ("4", "0")
    status, body = refusal(lambda: client.close_position("DIS"))
    assert (status, body["available"]) == (403, "0")


@pytest.mark.parametrize("member", [0, 1])
def test_a_part_that_one_exit_trades_is_taken_off_the_other(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, member: int
) -> None:
    exchange.set_fills(partial=1)
    filled_first = place_oco_filled(exchange, client, account)
    first = family(client, filled_first)[member]
    exchange.release(client_order_id=first["client_order_id"], qty=1)
    profit, loss = family(client, filled_first)
    left = [Decimal(exit_["qty"]) - Decimal(exit_["filled_qty"]) for exit_ in (profit, loss)]
    assert left == [Decimal(3), Decimal(3)]
    position: Any = client.get("/positions/DIS")
    assert (position["qty"], position["qty_available"]) == ("3", "0")
    exchange.release(client_order_id=first["client_order_id"])
    wanted = ["canceled", "canceled"]
    wanted[member] = "filled"
    assert statuses(client, filled_first) == wanted
    assert exchange.ledger(account["name"])["positions"] == []


def place_oco_filled(exchange: ExchangeProcess, client: TradingClient, account: dict[str, Any]) -> dict[str, Any]:
    """An OCO order of 4 shares that are held, bought while orders fill by parts."""
    bought = submit(client, market_order("DIS", 4))
    exchange.release(account=account["name"])
    filled(client, bought)
    return place(client, **OCO)


def test_one_triggers_other_has_a_single_exit(exchange: ExchangeProcess, client: TradingClient) -> None:
    order = place(client, order_class="oto", take_profit=None)
    becomes(client, order, "filled", "new")
    exchange.set_price("DIS", "89")
    becomes(client, order, "filled", "filled")


def test_a_short_bracket_is_bought_back(exchange: ExchangeProcess, connect: Any) -> None:
    account = exchange.add_account("short-bracket", shorting_enabled=True)
    client = connect(exchange, account)
    order = place(client, side="sell", take_profit={"limit_price": "90"}, stop_loss={"stop_price": "100"})
    becomes(client, order, "filled", "new", "new")
    exchange.set_price("DIS", "89")
    becomes(client, order, "filled", "filled", "canceled")
    ledger = exchange.ledger(account["name"])
    assert (ledger["positions"], ledger["reserved"]) == ([], "0")


def test_prices_of_exits_may_be_replaced(exchange: ExchangeProcess, client: TradingClient) -> None:
    order = place(client)
    becomes(client, order, "filled", "new", "new")
    profit, loss = family(client, order)[1:]
    refused = refusal(lambda: client.patch(f"/orders/{profit['id']}", {"qty": "1"}))
    assert refused[1]["message"] == "qty of bracket orders cannot be replaced"
    client.patch(f"/orders/{profit['id']}", {"limit_price": "99"})
    client.patch(f"/orders/{loss['id']}", {"stop_price": "91"})
    now = family(client, order)
    assert [each["id"] not in {profit["id"], loss["id"]} for each in now] == [True, True, True]
    assert (now[1]["limit_price"], now[2]["stop_price"]) == ("99", "91")
    exchange.set_price("DIS", "91")
    becomes(client, order, "filled", "canceled", "filled")
    assert client.get("/positions") == []


def test_an_entry_that_is_replaced_keeps_its_exits(exchange: ExchangeProcess, client: TradingClient) -> None:
    order = place(client, type="limit", limit_price="92")
    new: Any = client.patch(f"/orders/{order['id']}", {"limit_price": "93"})
    assert statuses(client, new) == ["new", "held", "held"]
    exchange.set_price("DIS", "92.5")
    becomes(client, new, "filled", "new", "new")


def test_lists_show_every_order_or_roll_legs_up(client: TradingClient) -> None:
    order = place_oco(client)
    flat: Any = client.get("/orders", {"direction": "asc"})
    assert [each["id"] for each in flat] == [order["id"], order["legs"][0]["id"]]
    assert [each["legs"] for each in flat] == [None, None]
    nested: Any = client.get("/orders", {"nested": "true"})
    assert [(each["id"], [leg["id"] for leg in each["legs"]]) for each in nested] == [
        (order["id"], [order["legs"][0]["id"]])
    ]


def test_all_orders_are_cancelled_with_their_groups(client: TradingClient) -> None:
    order = place_oco(client)
    answers: Any = client.delete("/orders")
    assert [answer["status"] for answer in answers] == [200, 200]
    assert statuses(client, order) == ["canceled", "canceled"]


def test_closing_everything_ends_groups_first(client: TradingClient) -> None:
    place_oco(client)
    client.close_all_positions(cancel_orders=True)
    eventually(lambda: client.get("/positions") == [])


def test_the_stream_tells_what_a_step_did_to_the_whole_group(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient
) -> None:
    with RawStream(exchange.url) as raw:
        raw.authenticate(account)
        raw.listen("trade_updates")
        order = place(client)
        becomes(client, order, "filled", "new", "new")
        exchange.release(client_order_id=order["legs"][0]["client_order_id"], qty=1)
        exchange.set_price("DIS", "89")
        becomes(client, order, "filled", "canceled", "filled")
        parent, profit, loss = (order["id"], *(leg["id"] for leg in order["legs"]))
        told = [(update["event"], update["order"]["id"]) for update in raw.updates(8)]
    assert told == [
        ("new", parent),
        ("fill", parent),
        ("new", profit),
        ("new", loss),
        ("partial_fill", profit),
        ("restated", loss),
        ("fill", loss),
        ("canceled", profit),
    ]


def test_groups_survive_a_kill(home: Path, connect: Any) -> None:
    with ExchangeProcess(home) as exchange:
        client = connect(exchange, DEMO)
        order = place(client)
        becomes(client, order, "filled", "new", "new")
        before = exchange.ledger()
        exchange.kill()
        exchange.start()
        assert exchange.ledger() == before
        exchange.set_price("DIS", "100")
        becomes(client, order, "filled", "filled", "canceled")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"take_profit": None}, "bracket orders require take_profit.limit_price"),
        ({"stop_loss": None}, "bracket orders require stop_loss.stop_price"),
        ({"stop_loss": {"limit_price": "90"}}, "stop_loss.stop_price is required"),
        ({"stop_loss": "90"}, "stop_loss.stop_price is required"),
        ({"take_profit": {"limit_price": "89"}}, "take_profit.limit_price must be > stop_loss.stop_price"),
        ({"stop_loss": {"stop_price": "95"}}, "stop_loss.stop_price must be <= base_price - 0.01"),
        ({"take_profit": {"limit_price": "95"}}, "take_profit.limit_price must be >= base_price + 0.01"),
        (
            {"type": "limit", "limit_price": "90", "take_profit": {"limit_price": "92"}},
            "stop_loss.stop_price must be <= base_price - 0.01",
        ),
        (
            {"take_profit": {"limit_price": "100.001"}},
            "invalid limit_price 100.001. sub-penny increment does not fulfill minimum pricing criteria",
        ),
        ({"time_in_force": "ioc"}, "bracket orders must be DAY or GTC orders"),
        ({"qty": "0.5", "time_in_force": "day"}, "fractional orders must be simple orders"),
        ({"qty": None, "notional": "50", "time_in_force": "day"}, "fractional orders must be simple orders"),
        (
            {"type": "limit", "limit_price": "94", "extended_hours": True},
            "bracket orders are not supported in extended hours",
        ),
        ({"type": "trailing_stop", "trail_price": "1"}, "bracket orders cannot be trailing_stop orders"),
        (
            {"symbol": "AAPL271217C00200000", "time_in_force": "day"},
            "complex orders not supported for options trading",
        ),
        ({"order_class": "oto"}, "oto orders require either take_profit or stop_loss"),
        ({"order_class": "oco"}, "oco orders must be limit orders"),
        ({"order_class": "oco", "type": "limit", "side": "sell"}, "oco orders must be exit orders"),
        ({"order_class": "mleg"}, "multi-leg orders are not supported by this exchange"),
        ({"order_class": "basket"}, "invalid order_class"),
    ],
)
def test_what_cannot_be_a_complex_order_says_why(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, *, changes: dict[str, Any], message: str
) -> None:
    status, body = refusal(lambda: place(client, **changes))
    assert (status, body["message"]) == (422, message)
    assert exchange.ledger(account["name"])["orders"] == []


def test_an_entry_must_open_and_an_exit_have_its_shares(client: TradingClient) -> None:
    filled(client, submit(client, market_order("DIS", 2)))
    refused = refusal(lambda: place(client, side="sell"))
    assert refused[1]["message"] == "bracket orders must be entry orders"
    assert refusal(lambda: place(client, **OCO))[1]["available"] == "2"
