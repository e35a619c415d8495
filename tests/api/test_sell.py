"""The seller through the API: who turns it, how it is, what it may sell (MON-002, FR-006, US-SYSTEM-003)."""

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.main import create_app
from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from models.users import Role
from services.instruments import store_listings
from services.operations import Operation, record_operation
from services.sell_health import RESTARTED
from services.sell_module import TickRecord, begin_tick, end_tick
from services.user_admin import add_user
from services.users import create_first_admin, hash_password
from tests.api.conftest import SECRET, token_of
from tests.api.test_admin import token
from tests.support.desk import Desk, DeskMaker
from tests.support.house import TEST_ORIGIN
from tests.support.serving import Caller, serve

SELL = "/api/v1/sell"
INTERVAL = dt.timedelta(seconds=5)
HASH = hash_password("a password of a user")


@pytest.fixture(scope="module")
def desk(maker: DeskMaker) -> Iterator[Desk]:
    """One desk for all of these tests: only the seller's own tables matter."""
    with maker.desk() as made:
        ctx = made.ctx
        with ctx.database.unit() as unit:
            store_listings(unit, "alpaca", [("AAPL", "us_equity", "Apple", True, True)], ctx.clock.now())
            create_first_admin(unit, "a password of test", now=ctx.clock.now(), ids=ctx.ids, origin=ctx.origin)
        yield made


@pytest.fixture(scope="module")
def app(desk: Desk) -> FastAPI:
    return create_app(desk.ctx.settings.model_copy(update={"jwt_secret": SecretStr(SECRET)}))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[Caller]:
    with serve(app, token_of(app)) as made:
        yield made


@pytest.fixture
def untouched(desk: Desk) -> Iterator[None]:
    """A seller that nobody has ever turned, without ticks or exits."""
    with desk.ctx.database.unit() as unit:
        unit.run("DELETE FROM trading.sell_ticks")
    desk.sql.execute("TRUNCATE trading.exits, trading.lots, trading.sell_module")
    yield
    desk.sql.execute("TRUNCATE trading.exits, trading.lots, trading.sell_module")


pytestmark = pytest.mark.usefixtures("untouched")


def headers(desk: Desk, role: Role) -> dict[str, str]:
    name = f"{role}-{uuid.uuid4().hex[:8]}"  # noqa: TID251  a name nobody else has
    with desk.ctx.database.unit() as unit:
        add_user(unit, name, role, password_hash=HASH, stamp=desk.stamp())
    return token(name)


def get(client: Caller, path: str = "") -> dict[str, Any]:
    answer = client.get(SELL + path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def turn(client: Caller, action: object, **options: Any) -> Any:
    return client.post(f"{SELL}/control", json={"action": action}, **options)


def tick(desk: Desk, *, ago: dt.timedelta = dt.timedelta(0), **more: Any) -> None:
    values: dict[str, Any] = {
        "tick_id": SYSTEM_IDS.new(),
        "begun_at": SYSTEM_CLOCK.now() - ago,
        "total_ms": 100,
        "price_ms": 40,
        "degraded": False,
        "process": "worker-sell:7",
        "accounts": 2,
        "positions": 5,
        "requests": 3,
        "exits": 1,
        "failures": {},
    }
    with desk.ctx.database.unit() as unit:
        end_tick(unit, TickRecord(**(values | more)))


def lot(desk: Desk, symbol: str, *, qty: str = "2", auto_sell: bool = True, opened: str = "1 minute") -> uuid.UUID:
    lot_id = SYSTEM_IDS.new()
    desk.sql.execute(
        "INSERT INTO trading.lots (lot_id, account_id, symbol, qty, entry_price, moves, opened_at, auto_sell_enabled, "
        "auto_sell_by) VALUES (%s, %s, %s, %s, 10, 1, clock_timestamp() - %s::interval, %s, 'order')",
        (lot_id, desk.account_id, symbol, qty, opened, auto_sell),
    )
    return lot_id


def sold(desk: Desk, lot_id: uuid.UUID, attempt: int, status: str, filled: str = "0") -> uuid.UUID:
    order_id = desk.request(side="sell", qty="2", limit="11")
    desk.change("source = 'sell_module', status = %s, filled_qty = %s, due_at = NULL", "order_id = %s",
                status, filled, order_id)  # fmt: skip
    desk.sql.execute(
        "INSERT INTO trading.exits (lot_id, attempt, order_id, reason, message, price, price_at, price_source, "
        "decided_at) VALUES (%s, %s, %s, 'take_profit', 'up', 11, now(), 'quote', clock_timestamp())",
        (lot_id, attempt, order_id),
    )
    return order_id


@pytest.mark.requirement("FR-006")
def test_an_operator_starts_and_stops_it_and_the_word_is_on_record(desk: Desk, client: Caller) -> None:
    operator = headers(desk, Role.OPERATOR)
    started = turn(client, " START ", headers=operator)
    assert started.status_code == 200, started.text
    body = started.json()
    assert (body["success"], body["action"], body["new_status"]) == (True, "start", "running")
    assert body["timestamp"]
    assert turn(client, "start").json()["new_status"] == "unchanged"
    assert turn(client, "stop").json()["new_status"] == "stopped"
    assert turn(client, "restart").json()["new_status"] == "running"
    assert get(client)["service"]["status"] == "running"
    rows = desk.sql.execute(
        "SELECT subject, actor, old->>'running' AS old, new->>'running' AS new FROM audit.config_changes "
        "WHERE subject LIKE 'sell_module.%%' ORDER BY recorded_at DESC LIMIT 3"
    ).fetchall()
    assert [(row["subject"], row["old"], row["new"]) for row in reversed(rows)] == [
        ("sell_module.start", "false", "true"),
        ("sell_module.stop", "true", "false"),
        ("sell_module.restart", "false", "true"),
    ]
    assert rows[2]["actor"].startswith("operator-")
    assert rows[0]["actor"] == "admin"


@pytest.mark.parametrize("role", [Role.TRADER, Role.COMPLIANCE])
def test_who_is_no_operator_reads_it_and_turns_nothing(desk: Desk, client: Caller, role: Role) -> None:
    user = headers(desk, role)
    assert turn(client, "start", headers=user).status_code == 403
    assert client.post(f"{SELL}/start", json={}, headers=user).status_code == 403
    assert client.get(SELL, headers=user).status_code == 200
    assert client.get(f"{SELL}/health", headers=user).json()["state"] == "never_ran"
    assert client.get(SELL, headers={"Authorization": "nobody"}).status_code == 401


@pytest.mark.parametrize(("action", "status"), [("explode", 400), ("", 400), (None, 422), (7, 422)])
def test_another_word_is_refused_and_named(client: Caller, action: object, status: int) -> None:
    answer = turn(client, action)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == "action"
    assert get(client, "/health")["state"] == "never_ran"


@pytest.mark.requirement("MON-002")
def test_its_state_follows_the_switch_and_the_ticks(desk: Desk, client: Caller) -> None:
    assert get(client, "/health")["state"] == "never_ran"
    turn(client, "start")
    assert get(client, "/health")["state"] == "never_ran"
    with desk.ctx.database.unit() as unit:
        assert begin_tick(unit, interval=INTERVAL, process="worker-sell:7") is not None
    tick(desk)
    found = get(client, "/health")
    assert (found["state"], found["status"], found["changed_by"]) == ("running", "success", "admin")
    assert (found["tick_process"], found["last_tick"]["positions"]) == ("worker-sell:7", 5)
    desk.sql.execute(
        "UPDATE trading.sell_module SET tick_begun_at = clock_timestamp() - interval '16 s', "
        "started_at = clock_timestamp() - interval '20 s'"
    )
    found = get(client, "/health")
    assert (found["state"], found["status"]) == ("stale", "error")
    assert get(client)["health"]["status"] == "unhealthy"
    turn(client, "stop")
    assert get(client, "/health")["state"] == "stopped"


@pytest.mark.requirement("MON-002")
def test_ticks_are_shown_by_percentiles_trend_and_failures_by_type(desk: Desk, client: Caller) -> None:
    for number in range(1, 101):
        tick(desk, total_ms=number, failures={"stale": 1})
    tick(desk, ago=dt.timedelta(minutes=90), total_ms=500, failures={"stale": 3, "crossed": 2}, degraded=True)
    tick(desk, ago=dt.timedelta(hours=25), failures={"missing": 7})
    found = get(client, "/health")
    assert (found["tick_ms"]["ticks"], found["tick_ms"]["degraded"]) == (100, 0)
    assert (found["tick_ms"]["p50_ms"], found["tick_ms"]["p95_ms"]) == ("50.5", "95.1")
    assert found["tick_ms"]["trend"] == [
        {"hours_ago": 0, "ticks": 100, "p95_ms": "95.1"},
        {"hours_ago": 1, "ticks": 1, "p95_ms": "500"},
    ]
    assert found["price_failures"] == {"last_hour": {"stale": 100}, "last_day": {"crossed": 2, "stale": 103}}


@pytest.mark.requirement("MON-002")
def test_sells_are_counted_by_how_they_ended_and_cancel_errors_apart(desk: Desk, client: Caller) -> None:
    held = lot(desk, "AAPL")
    sold(desk, held, 1, "filled", "2")
    sold(desk, held, 2, "canceled", "1")
    failed = sold(desk, held, 3, "canceled")
    sold(desk, held, 4, "rejected")
    sold(desk, held, 5, "accepted")
    desk.sql.execute(
        "INSERT INTO audit.order_events (order_date, order_id, seq, account_id, account_type, account_type_source, "
        "event_type, stage, success, reason_code, occurred_at, source, actor, host, process, trace_id) "
        "SELECT order_date, order_id, 50, account_id, 'paper', 'detected', 'cancel_failed', 'cancel', false, "
        "'timeout', clock_timestamp(), 'sell_module', 'test', 'test', 'test', 't' "
        "FROM trading.orders WHERE order_id = %s",
        (failed,),
    )
    found = get(client, "/health")
    assert {name: found["sells"][name] for name in ("attempted", "succeeded", "failed", "open")} == {
        "attempted": 5,
        "succeeded": 2,
        "failed": 2,
        "open": 1,
    }
    assert found["sells"]["success_rate"] == "0.5"
    assert found["cancel_errors"] == {"timeout": 1}
    page = get(client)["statistics"]
    assert (page["orders_processed"], page["success_rate"]) == (5, 0.5)
    assert page["last_activity"] == found["sells"]["last_at"]


@pytest.mark.requirement("MON-002")
def test_positions_without_a_price_and_orders_that_are_to_be_cancelled_are_named(desk: Desk, client: Caller) -> None:
    lot(desk, "STALE")
    lot(desk, "OPTED", auto_sell=False)
    lot(desk, "FRESH", opened="1 second")
    order_id = desk.request(limit="5")
    due = desk.ctx.clock.now() + dt.timedelta(minutes=2)
    desk.change("cancel_after = %s, status = 'accepted'", "order_id = %s", due, order_id)
    found = get(client, "/health")
    assert found["stale_positions"] == {
        "count": 1,
        "positions": [{"account": desk.account, "symbol": "STALE", "marked_at": None}],
    }
    (listed,) = [order for order in found["next_cancels"] if order["order_id"] == str(order_id)]
    assert (listed["account"], listed["symbol"], listed["source"]) == (desk.account, "AAPL", "api")
    assert dt.datetime.fromisoformat(listed["due_at"]) == due
    desk.change("cancel_after = NULL", "order_id = %s", order_id)


@pytest.mark.requirement("MON-002")
def test_restarts_that_nobody_asked_for_are_counted(desk: Desk, client: Caller) -> None:
    before = get(client, "/health")["restarts"]["last_day"]
    now = desk.ctx.clock.now()
    restarted = Operation(
        operation=RESTARTED, started_at=now, occurred_at=now, total_ms=1, success=True, source="system", trace_id="t"
    )
    with desk.ctx.database.unit() as unit:
        record_operation(unit, restarted, TEST_ORIGIN, SYSTEM_IDS)
    assert get(client, "/health")["restarts"]["last_day"] == before + 1


@pytest.mark.requirement("FR-006")
def test_the_predecessors_page_has_its_fields_and_true_numbers(desk: Desk, client: Caller) -> None:
    turn(client, "start")
    desk.sql.execute("UPDATE trading.sell_module SET started_at = clock_timestamp() - interval '1:02:03'")
    page = get(client)
    assert page.keys() == {"service", "health", "config", "statistics", "timestamp"}
    uptime = page["service"].pop("uptime")
    assert uptime.startswith("1:02:0")
    assert page["service"] == {
        "name": "sell_module",
        "status": "running",
        "enabled": True,
        "task_status": "stale",
        "integration": "celery",
        "non_blocking": True,
    }
    assert page["health"]["checks"] == {
        "service_enabled": False,
        "service_running": True,
        "task_running": False,
        "watcher_initialized": False,
        "account_pool_ready": True,
    }
    assert page["health"]["errors"] == []
    assert page["config"] == {
        "enabled": False,
        "check_interval": 5,
        "order_cancel_minutes": 3,
        "zero_day_handling": True,
        "strategy_one": {"enabled": True, "profit_rate": 1.1, "stop_loss_rate": 0.8},
    }
    assert page["statistics"] == {"orders_processed": 0, "success_rate": None, "last_activity": None}


@pytest.mark.requirement("FR-006")
def test_the_removed_paths_answer_in_their_envelope(client: Caller) -> None:
    for path, part in (("/status", "health"), ("/config", "check_interval"), ("/service-info", "uptime")):
        found = get(client, path)
        assert found.keys() == {"status", "data", "timestamp"}
        assert (found["status"], part in found["data"]) == ("warning", True)
    said = [client.post(SELL + path, json={}).json() for path in ("/start", "/start", "/restart", "/stop")]
    assert [(one["status"], one["data"]["new_status"]) for one in said] == [
        ("success", "running"),
        ("warning", "unchanged"),
        ("success", "running"),
        ("success", "stopped"),
    ]
    assert {"status", "data", "timestamp"} < get(client, "/health").keys()


def test_an_open_position_is_shown_and_its_sale_forbidden_on_record(desk: Desk, client: Caller) -> None:
    lot_id = lot(desk, "AAPL", qty="-2")
    desk.sql.execute(
        "UPDATE trading.lots SET mark_price = 12.5, marked_at = now(), unrealized_pnl = -5 WHERE lot_id = %s", (lot_id,)
    )
    (shown,) = client.get(f"{SELL}/positions").json()
    assert (shown["side"], shown["qty"], shown["mark_price"], shown["unrealized_pnl"]) == ("short", "-2", "12.5", "-5")
    path = f"{SELL}/positions/{desk.account}/aapl"
    answer = client.call("PUT", path, json={"auto_sell_enabled": False}, headers=headers(desk, Role.TRADER))
    assert answer.status_code == 200, answer.text
    assert answer.json()["auto_sell_enabled"] is False
    assert answer.json()["auto_sell_by"].startswith("user:trader-")
    row = desk.sql.execute(
        "SELECT * FROM audit.config_changes WHERE subject = 'auto_sell_enabled' AND new->>'lot_id' = %s", (str(lot_id),)
    ).fetchone()
    assert row is not None
    assert (row["old"]["enabled"], row["new"]["enabled"], row["new"]["symbol"]) == (True, False, "AAPL")
    assert row["actor"].startswith("trader-")


def test_a_position_that_is_not_open_has_no_switch(desk: Desk, client: Caller) -> None:
    desk.sql.execute("UPDATE trading.lots SET closed_at = now() WHERE lot_id = %s", (lot(desk, "AAPL"),))
    path = f"{SELL}/positions/{desk.account}/AAPL"
    answer = client.call("PUT", path, json={"auto_sell_enabled": True})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not_found")
    denied = client.call("PUT", path, json={"auto_sell_enabled": True}, headers=headers(desk, Role.COMPLIANCE))
    assert denied.status_code == 403
    assert client.call("PUT", path, json={"auto_sell_enabled": "maybe"}).status_code == 422


def place(desk: Desk, client: Caller, key: str, **more: Any) -> Any:
    body = {"account": desk.account, "symbol": "AAPL", "side": "buy", "qty": "1", "client_order_id": key}
    return client.post("/api/v1/orders", json=body | more)


def test_an_order_says_whether_what_it_opens_may_be_sold(desk: Desk, client: Caller) -> None:
    key = uuid.uuid4().hex  # noqa: TID251  a key nobody else has
    first = place(desk, client, key, auto_sell_enabled=False)
    assert first.status_code == 202, first.text
    row = desk.row(uuid.UUID(first.json()["order_id"]))
    assert (row["auto_sell_enabled"], row["cancel_after_s"]) == (False, None)
    again = place(desk, client, key, auto_sell_enabled=False)
    assert again.json()["order_id"] == first.json()["order_id"]
    for other in ({"auto_sell_enabled": True}, {}):
        assert place(desk, client, key, **other).json()["type"] == "/problems/idempotency_key_reused"


def test_the_hash_of_an_order_that_says_nothing_of_it_is_the_old_one(desk: Desk, client: Caller) -> None:
    answer = place(desk, client, uuid.uuid4().hex)  # noqa: TID251  likewise
    row = desk.row(uuid.UUID(answer.json()["order_id"]))
    by_hand = desk.row(desk.request())
    assert (row["request_hash"], row["auto_sell_enabled"]) == (by_hand["request_hash"], None)


def test_an_order_that_closes_says_nothing_of_it(desk: Desk, client: Caller) -> None:
    answer = place(desk, client, uuid.uuid4().hex, side="sell", auto_sell_enabled=True)  # noqa: TID251  likewise
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "auto_sell_enabled"


def test_orders_of_the_api_are_cancelled_unfilled_where_it_is_configured(
    desk: Desk, client: Caller, app: FastAPI
) -> None:
    state = app.state.opitios
    before = state.settings
    sell = state.settings.sell_module.model_copy(
        update={"cancel_sources": ("sell_module", "api"), "order_cancel_minutes": {"default": Decimal("1.5")}}
    )
    state.settings = state.settings.model_copy(update={"sell_module": sell})
    answer = place(desk, client, uuid.uuid4().hex, type="limit", limit_price="5")  # noqa: TID251  likewise
    state.settings = before
    assert desk.row(uuid.UUID(answer.json()["order_id"]))["cancel_after_s"] == 90
