"""The list of orders: every page once, every filter alone and together, and no order missed or seen twice."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from domain.order_state import OrderStatus
from services.order_list import OrderFilter, Position, page_statement
from tests.support.desk import Desk
from tests.support.serving import Caller


def page(client: Caller, **filters: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/orders", params=filters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(client: Caller, **filters: Any) -> list[str]:
    return [order["order_id"] for order in page(client, **filters)["orders"]]


def pages(client: Caller, **filters: Any) -> Iterator[list[str]]:
    cursor: dict[str, str] = {}
    while True:
        found = page(client, **filters, **cursor)
        yield [order["order_id"] for order in found["orders"]]
        if found["next_cursor"] is None:
            return
        cursor = {"cursor": found["next_cursor"]}


def newest_first(made: list[uuid.UUID]) -> list[str]:
    return [str(order_id) for order_id in reversed(made)]


@pytest.mark.requirement("TRD-001", "FR-005")
def test_orders_are_listed_newest_first_with_what_they_are(desk: Desk, client: Caller) -> None:
    made = [desk.request(limit="100"), desk.request(side="sell", qty="2.5")]
    orders = page(client, account=desk.account)["orders"]
    assert [order["order_id"] for order in orders] == newest_first(made)
    assert {
        "account": desk.account,
        "account_type": "paper",
        "symbol": "AAPL",
        "side": "sell",
        "type": "market",
        "qty": "2.5",
        "status": "requested",
    }.items() <= orders[0].items()
    assert "timeline" not in orders[0]


def test_every_order_stands_on_one_page_while_orders_arrive(desk: Desk, client: Caller) -> None:
    made = [desk.request() for _ in range(7)]
    # three of one microsecond: the id decides between them
    desk.change(
        "requested_at = (SELECT requested_at FROM trading.orders WHERE order_id = %s)",
        "order_id = ANY(%s)",
        made[2],
        made[3:5],
    )
    seen = []
    for found in pages(client, account=desk.account, limit=2):
        seen += found
        desk.request()
    made[2:5] = sorted(made[2:5])
    assert seen == newest_first(made)


def test_a_page_that_is_just_full_is_the_last(desk: Desk, client: Caller) -> None:
    made = [desk.request() for _ in range(4)]
    assert list(pages(client, account=desk.account, limit=2)) == [newest_first(made)[:2], newest_first(made)[2:]]


def test_without_an_account_orders_of_all_accounts_are_listed(desk: Desk, client: Caller) -> None:
    made = desk.request()
    found = page(client, limit=200)["orders"]
    assert found[0]["order_id"] == str(made)
    stamps = [order["requested_at"] for order in found]
    assert stamps == sorted(stamps, reverse=True)


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    # filter, which of the four orders below
    ({}, [3, 2, 1, 0]),
    ({"symbol": "MSFT"}, [1]),
    ({"symbol": "msft"}, [1]),
    ({"side": "sell"}, [2]),
    ({"status": "filled"}, [3]),
    ({"status": ["filled", "accepted"]}, [3, 2]),
    ({"status": "open"}, [2, 1, 0]),
    ({"status": "closed"}, [3]),
    ({"status": ["closed", "accepted"]}, [3, 2]),
    ({"source": "sell_module"}, [1]),
    ({"account_type": "live"}, [0]),
    ({"account_type": "paper", "side": "buy", "status": "open"}, [1]),
    ({"status": "expired"}, []),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS, ids=[str(case[0]) for case in FILTERS])
def test_a_filter_shows_what_fits_alone(
    desk: Desk, client: Caller, filters: dict[str, Any], expected: list[int]
) -> None:
    made = [desk.request(), desk.request(symbol="MSFT"), desk.request(side="sell"), desk.request()]
    desk.change("account_type = 'live'", "order_id = %s", made[0])
    desk.change("source = 'sell_module'", "order_id = %s", made[1])
    desk.change("status = 'accepted'", "order_id = %s", made[2])
    desk.change("status = 'filled', due_at = NULL", "order_id = %s", made[3])
    assert ids(client, account=desk.account, **filters) == [str(made[number]) for number in expected]


@pytest.mark.parametrize("offset", ["Z", "+00:00"])
def test_a_span_of_time_has_its_beginning_and_not_its_end(desk: Desk, client: Caller, offset: str) -> None:
    made = [desk.request() for _ in range(3)]
    first, second, third = (
        f"{desk.row(order_id)['requested_at'].replace(tzinfo=None).isoformat()}{offset}" for order_id in made
    )
    assert ids(client, account=desk.account, **{"from": second}) == newest_first(made)[:2]
    assert ids(client, account=desk.account, to=third) == newest_first(made)[1:]
    assert ids(client, account=desk.account, **{"from": first, "to": first}) == []


BAD: list[tuple[dict[str, Any], str, str]] = [
    # filter, value as it is shown, a word of the expectation
    ({"limit": "0"}, "0", "greater than or equal to 1"),
    ({"limit": "201"}, "201", "less than or equal to 200"),
    ({"limit": "ten"}, "ten", "integer"),
    ({"cursor": "abc"}, "abc", "next_cursor"),
    ({"cursor": "YWJj"}, "YWJj", "next_cursor"),
    ({"cursor": "\u00e9"}, "\u00e9", "next_cursor"),
    ({"cursor": "MjAyNi0xMS0yMVQwMDowMDowMCBhYmM="}, "MjAyNi0xMS0yMVQwMDowMDowMCBhYmM=", "next_cursor"),
    ({"status": "gone"}, "gone", "one of requested, submitting"),
    ({"side": "hold"}, "hold", "buy"),
    ({"account_type": "demo"}, "demo", "paper"),
    ({"symbol": "A|B"}, "A?B", "pattern"),
    ({"source": "a b"}, "a b", "pattern"),
    ({"account": "nobody"}, "nobody", "name of an account"),
    ({"from": "2026-11-21T14:30:00"}, "2026-11-21T14:30:00", "offset"),
    ({"to": "1700000000"}, "1700000000", "offset"),
    ({"to": "2026-13-21T14:30:00Z"}, "2026-13-21T14:30:00Z", "month"),
    ({"statuss": "open"}, "open", "no such field"),
]


@pytest.mark.parametrize(("filters", "value", "words"), BAD, ids=[str(case[0]) for case in BAD])
def test_a_filter_that_cannot_be_is_refused_by_name(
    client: Caller, filters: dict[str, str], value: str, words: str
) -> None:
    answer = client.get("/api/v1/orders", params=filters)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    problem = answer.json()
    assert problem["type"] == "/problems/invalid_request"
    (field,) = filters
    named = {error["field"]: error for error in problem["errors"]}
    assert named[field]["value"] == value
    assert words in named[field]["expected"]


PLANS = [
    # filter, the index its pages come from
    (OrderFilter(), "ix_orders_requested_at_order_id"),
    (OrderFilter(statuses=frozenset({OrderStatus.ACCEPTED})), "ix_orders_open"),
    (OrderFilter(account_id=uuid.UUID(int=1)), "ix_orders_account_id_requested_at"),
]


@pytest.mark.parametrize(("wanted", "index"), PLANS, ids=[case[1] for case in PLANS])
def test_a_page_is_read_from_where_it_begins(desk: Desk, wanted: OrderFilter, index: str) -> None:
    after = Position(desk.ctx.clock.now(), uuid.UUID(int=1))
    statement, params = page_statement(wanted, after, 50)
    with desk.sql.transaction():
        # the table is small here: what costs little in it would cost much in a large one
        for way in ("seqscan", "bitmapscan", "sort"):
            desk.sql.execute(f"SET LOCAL enable_{way} = off".encode())
        rows = desk.sql.execute(f"EXPLAIN {statement}".encode(), params).fetchall()
    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    assert f"Index Scan Backward using {index}" in plan, plan
    assert "Index Cond: " in plan
    assert "\n  ->  Sort" not in plan
